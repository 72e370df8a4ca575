"""`sampling_loss`: cross-entropy, or noise-contrastive estimation, over the target class and a sample of the other classes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import numpy

from boulder.errors import NetworkError
from boulder.lazy import TFTensor, tf
from boulder.network.class_cross_entropy import class_cross_entropy
from boulder.network.layer_run import LayerRun
from boulder.network.loss import LossValue, loss_class
from boulder.network.losses.frames import FrameLoss, Frames, frames_of, problem_of_frames
from boulder.network.template import Template
from boulder.network.tensor import Tensor

_ARGUMENTS = ("unigrams", "distortion", "num_reserved_ids")


@loss_class("sampling_loss")
@dataclass(frozen=True, kw_only=True)
class SamplingLoss(FrameLoss):
    """Sampled softmax (Jean et al. 2015), or noise-contrastive estimation (Gutmann & Hyvärinen 2010). RETURNN: SamplingBasedLoss.

    Classes are drawn until `num_sampled` of them differ, anew in each update, the same for all frames of a batch and for all
    replicas. The logarithm of the number of times that a class is expected in such a sample is subtracted from its logit. The error
    is the rate of wrong best classes among all of them, and so the logits of all classes are computed. RETURNN: the cost of a target
    that is never drawn is infinite; here its logit is not corrected.

    :param num_sampled: number of classes in the sample
    :param sampler: distribution over the n classes: "log_uniform": P(c) = log((c + 2) / (c + 1)) / log(n + 1), for classes that are
        sorted by how often they occur; "uniform"; "fixed_unigram"
    :param sampler_args: of "fixed_unigram": {"unigrams": how often each class occurs, "distortion": power of that, 1 if left out,
        "num_reserved_ids": number of classes before those of "unigrams", which are never drawn}
    :param nce_loss: noise-contrastive estimation in place of the sampled softmax
    :param nce_log_norm_term: is subtracted from its logits
    :param remove_accidental_hits: whether the target class of a frame does not count among the sample; None: in the sampled softmax
    :param use_full_softmax: cross-entropy over all classes
    :param num_splits: must be 1
    """

    num_sampled: int = 128
    num_splits: int = 1
    sampler: Literal["log_uniform", "uniform", "fixed_unigram", "learned_unigram"] = "log_uniform"
    nce_loss: bool = False
    use_full_softmax: bool = False
    remove_accidental_hits: bool | None = None
    sampler_args: dict | None = None
    nce_log_norm_term: float = 0.0

    def output_dim(self, target: Template) -> int | None:
        return target.dim

    def check(self, output: Template, target: Template) -> str | None:
        problem = problem_of_frames("sampling_loss", output, target, False) or super().check(output, target)
        if problem or self.use_full_softmax:
            return problem
        if self.sampler == "learned_unigram":
            return (
                "'sampler' 'learned_unigram' counts the classes of earlier batches, which a resumed training could not; expected "
                "'fixed_unigram' with 'unigrams' in 'sampler_args'"
            )
        if self.num_splits != 1:
            return f"'num_splits' must be 1, since a batch may be divided among several GPUs, found {self.num_splits}"
        return self._problem_of_arguments(output.dim or 0) or self._problem_of_number(output.dim or 0)

    def check_params(self, names: Collection[str]) -> str | None:
        if self.use_full_softmax or {"W", "b"} <= set(names):
            return None
        return "loss 'sampling_loss' needs a layer 'softmax' with the parameters W and b"

    def _problem_of_arguments(self, classes: int) -> str | None:
        given = self.sampler_args or {}
        known = _ARGUMENTS if self.sampler == "fixed_unigram" else ()
        for name in given:
            if name not in known:
                expected = ", ".join(map(repr, known)) or "none"
                return f"'sampler_args' of 'sampler' {self.sampler!r} are {expected}, found {name!r}"
        counts, reserved, power = self._unigrams, given.get("num_reserved_ids", 0), given.get("distortion", 1.0)
        if self.sampler != "fixed_unigram":
            return None
        if not all(_is_number(count) and count >= 0 for count in (*counts, power)) or type(reserved) is not int:
            return "'sampler_args': 'unigrams' and 'distortion' must be numbers from 0, 'num_reserved_ids' an int"
        if len(counts) + reserved != classes:
            return f"'sampler_args': 'unigrams' must have an entry for each of {classes - reserved} classes, found {len(counts)}"
        return None

    def _problem_of_number(self, classes: int) -> str | None:
        possible = sum(count > 0 for count in self._unigrams) if self.sampler == "fixed_unigram" else classes
        if not 1 <= self.num_sampled <= possible:
            return f"'num_sampled' must be from 1 to {possible}, the number of classes, found {self.num_sampled}"
        return None

    @property
    def _unigrams(self) -> list:
        return list((self.sampler_args or {}).get("unigrams", ()))

    def probabilities(self, classes: int) -> numpy.ndarray:
        """:return: float64 [classes], of `sampler`"""
        if self.sampler == "uniform":
            return numpy.full(classes, 1 / classes)
        if self.sampler == "log_uniform":
            return numpy.log1p(1 / numpy.arange(1, classes + 1)) / numpy.log(classes + 1)
        given = self.sampler_args or {}
        counts = numpy.array([0.0] * given.get("num_reserved_ids", 0) + self._unigrams)
        weights = numpy.where(counts > 0, numpy.maximum(counts, 1e-300) ** given.get("distortion", 1.0), 0.0)
        return weights / weights.sum()

    def compute(self, run: LayerRun, output: Tensor, target: Tensor) -> LossValue:
        frames = frames_of(run, output, target)
        if frames.logits is None:
            raise NetworkError(f"{run.where}: loss 'sampling_loss' needs the output of a softmax")
        classes = tf.where(frames.mask, tf.cast(frames.target, tf.int32), 0)
        if self.use_full_softmax:
            cost = class_cross_entropy(classes, frames.logits)
        else:
            cost = self._of_sample(frames, classes, run)
        return LossValue(frames.sum(cost), frames.sum(frames.wrong), frames.count)

    def _of_sample(self, frames: Frames, classes: TFTensor, run: LayerRun) -> TFTensor:
        """:return: float32 [B, T]"""
        probabilities = tf.constant(self.probabilities(frames.logits.shape[-1]))
        sample, draws = drawn(tf.cumsum(probabilities), self.num_sampled, run.random_seed("sampling_loss"))
        expected = self._log_expected(probabilities, draws)
        true = tf.gather(frames.logits, classes, batch_dims=classes.shape.rank) - tf.gather(expected, classes)
        others = tf.gather(frames.logits, sample, axis=-1) - tf.gather(expected, sample)
        hits = self.remove_accidental_hits
        if not self.nce_loss if hits is None else hits:
            others = tf.where(classes[..., None] == sample, others.dtype.min, others)
        if not self.nce_loss:
            return tf.reduce_logsumexp(tf.concat([true[..., None], others], -1), -1) - true
        norm = self.nce_log_norm_term
        return tf.math.softplus(norm - true) + tf.reduce_sum(tf.math.softplus(others - norm), -1)

    def _log_expected(self, probabilities: TFTensor, draws: TFTensor) -> TFTensor:
        """:return: float32 [classes], log of the number of times that a class is in the sample after so many draws, in the mean"""
        number = tf.cast(draws, tf.float64)
        in_sample = -tf.math.expm1(number * tf.math.log1p(-probabilities))
        count = tf.where(draws == self.num_sampled, number * probabilities, in_sample)
        return tf.cast(tf.math.log(tf.where(probabilities > 0, count, 1.0)), tf.float32)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def drawn(cumulated: TFTensor, size: int, seed: TFTensor) -> tuple[TFTensor, TFTensor]:
    """
    Draws classes until there are `size` different ones.

    :param cumulated: float64 [classes], sums of the probabilities of a class and those before it
    :param seed: see `RandomStream.seed_of`
    :return: int32 [size], the different classes in the order of their first draw; int32 scalar, number of draws
    """

    def draw(part: TFTensor) -> TFTensor:
        own = tf.random.experimental.stateless_fold_in(seed, part)
        at = tf.random.stateless_uniform([2 * size], own, dtype=tf.float64) * cumulated[-1]
        return tf.minimum(tf.searchsorted(cumulated, at, side="right"), cumulated.shape[0] - 1)

    def lacks(_part: TFTensor, draws: TFTensor) -> TFTensor:
        return tf.size(tf.unique(draws)[0]) < size

    def more(part: TFTensor, draws: TFTensor) -> tuple[TFTensor, TFTensor]:
        return part + 1, tf.concat([draws, draw(part)], 0)

    shapes = (tf.TensorShape([]), tf.TensorShape([None]))
    _, draws = tf.while_loop(lacks, more, (tf.constant(1), draw(tf.constant(0))), shapes)
    different, number = tf.unique(draws)
    last = tf.argmax(tf.cast(number == size - 1, tf.int32), output_type=tf.int32)  # the first draw of the last one
    return tf.ensure_shape(different[:size], [size]), last + 1
