"""`choice`: the next label; `decide`: the best hypothesis.

In training and evaluation a choice reads the true label (teacher forcing) or samples one (scheduled sampling). In a search it
keeps the best continuations of all hypotheses:

    score(y_1 … y_t) = score(y_1 … y_{t-1}) + log p(y_t | y_1 … y_{t-1})

A hypothesis that has ended is continued with label 0, which costs nothing. With length normalisation, its score grows by the
mean cost of its labels in each further frame, so that scores of hypotheses of different lengths are comparable.

With `input_type` "regression" the source predicts the frame itself, e.g. a spectrogram's. There is nothing to choose from: a
search reads the prediction, with one hypothesis, and training and evaluation the true frame.
RETURNN: ChoiceLayer, DecideLayer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from boulder.lazy import TFTensor, tf
from boulder.network.axes import BEAM, FEATURE, TIME, Axis, Batch
from boulder.network.in_padding import InPadding
from boulder.network.layer import Layer, layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.loop.beams import NEVER, Chooser, Hypotheses, no_hypotheses
from boulder.network.refs import TARGET
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor


@layer_class("choice")
@dataclass(frozen=True, kw_only=True)
class Choice(Chooser):
    """
    The label of each iteration: in training and evaluation the true one, or a sampled one; in a search, those of the best
    hypotheses. With `input_type` "regression", the frame: the true one, and in a search the source. RETURNN: ChoiceLayer.

    :param beam_size: number of hypotheses
    :param target: the true labels, or frames, see `Layer`
    :param input_type: meaning of the source: "prob", "log_prob", "logits" (not normalised) or "regression"
    :param length_normalization: whether scores are normalised by length
    :param length_normalization_exponent: 1 for the mean over labels, less to favour long hypotheses less
    :param prob_scale: factor of the log probabilities
    :param base_beam_score_scale: factor of the score so far
    :param scheduled_sampling: outside of a search, in evaluation as well as in training, samples labels from the
        probabilities instead of reading the true ones (https://arxiv.org/abs/1506.03099, without the second pass, like
        RETURNN); {"gold_mixin_prob": p} reads the true label with probability p. The value at each index is the schedule
    :param cheating: in a search, keeps the true labels among the hypotheses, as the last one; "exclusive" makes sure that
        they are there only once. If a different hypothesis wins, it is a model error; otherwise, a search without cheating
        has a search error. After the last true label, that label is repeated (RETURNN ends the search there)
    """

    reads_own_target: ClassVar = True

    beam_size: int
    target: str = "classes"
    input_type: Literal["prob", "log_prob", "logits", "regression"] = "prob"
    length_normalization: bool = True
    length_normalization_exponent: float = 1.0
    prob_scale: float = 1.0
    base_beam_score_scale: float = 1.0
    scheduled_sampling: bool | dict = False
    cheating: bool | Literal["exclusive"] = False

    def dependencies(self, mode: str) -> tuple[str, ...]:
        if mode == "search":
            return (*self.source_names(), *([self._whole_target] if self.cheating else []))
        return (*(self.source_names() if self.scheduled_sampling else ()), f"{TARGET}{self.target}")

    @property
    def _whole_target(self) -> str:
        """:return: reference to the true labels of all frames"""
        layer = self.target.removeprefix("layer:")
        return layer if layer != self.target else f"base:data:{self.target}"

    @property
    def chooses(self) -> bool:
        return self.input_type != "regression"

    def one_by_one(self, mode: str) -> bool:
        return mode == "search" or bool(self.scheduled_sampling)

    def spec(self, site: Site) -> Template:
        if site.loop is None:
            raise site.fail("is only possible in the subnetwork of a 'rec' layer")
        if self.beam_size < 1:
            raise site.fail(f"'beam_size' must be at least 1, found {self.beam_size}")
        if len(self.source_names()) != 1:
            raise site.fail(f"takes one source, found {len(self.source_names())}")
        self._check_probability(site)
        if not self.chooses:
            return self._frame(site)
        truth = self._truth(site)
        if truth and site.mode != "search":
            for _, source in site.sources[:-1]:
                self._check_scores(site, source)
                if source.dim != truth.sparse_dim:
                    raise site.fail(f"samples from {source.dim} labels, but {self.target!r} is {truth}")
            return truth
        ((_, source),) = site.sources[:1]
        self._check_scores(site, source)
        beam = source.axis(BEAM)
        if beam and beam.size != self.beam_size:
            raise site.fail(f"'beam_size' must be the same for all choices, found {self.beam_size} beside {beam.size}")
        return Template((Batch, Axis(BEAM, self.beam_size, (site.name.rpartition("/")[0],))), "int32", source.dim)

    def _frame(self, site: Site) -> Template:
        """:return: template of the predicted or true frame"""
        if self.beam_size != 1:
            raise site.fail(f"'beam_size' must be 1 for input_type 'regression', found {self.beam_size}")
        if self.cheating:
            raise site.fail("input_type 'regression' has one hypothesis, so 'cheating' must be False")
        predictions = site.sources if site.mode == "search" else site.sources[:-1]
        for _, prediction in predictions:
            site.dense_dim(prediction)
        if site.mode == "search":
            return predictions[0][1]
        truth = site.sources[-1][1]
        if truth.sparse_dim is not None or truth.feature is None:
            raise site.fail(f"'target' must have features for input_type 'regression', but {self.target!r} is {truth}")
        for _, prediction in predictions:
            if prediction.dim != truth.dim:
                raise site.fail(f"the source predicts {prediction.dim} features, but {self.target!r} is {truth}")
        return truth

    def _check_probability(self, site: Site) -> None:
        if isinstance(self.scheduled_sampling, dict):
            unknown = [key for key in self.scheduled_sampling if key != "gold_mixin_prob"]
            if unknown:
                raise site.fail(f"'scheduled_sampling' has only the option 'gold_mixin_prob', found {unknown[0]!r}")
        p = self._gold_mixin_prob
        if isinstance(p, bool) or not isinstance(p, int | float) or not 0 <= p <= 1:
            raise site.fail(f"'gold_mixin_prob' must be a number from 0 to 1, found {p!r}")

    def _truth(self, site: Site) -> Template | None:
        """:return: template of the true labels; None if they are not read"""
        if site.mode == "search" and not self.cheating:
            return None
        _, truth = site.sources[-1]
        if truth.sparse_dim is None:
            raise site.fail(f"'target' must have class indices, but {self.target!r} is {truth}")
        return truth

    @staticmethod
    def _check_scores(site: Site, source: Template) -> None:
        site.dense_dim(source)
        if {axis.kind for axis in source.axes} - {"batch", BEAM, "feature"}:
            raise site.fail(f"chooses one label per sequence from its features, but its input is {source}")

    @property
    def _gold_mixin_prob(self) -> float:
        sampling = self.scheduled_sampling
        return sampling.get("gold_mixin_prob", 0.0) if isinstance(sampling, dict) else 0.0

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        if len(sources) == 1:
            return replace(sources[0], template=run.template)
        *scores, truth = sources
        if not self.chooses:
            return self._mixed(run, scores[0], truth)
        labels = truth.ordered((Batch,))
        log_p = self._log_p(scores[0], (Batch, scores[0].template.required(FEATURE)))
        sampled = tf.random.stateless_categorical(log_p, 1, self._seed(run, "labels"), dtype=tf.int32)[:, 0]
        if self._gold_mixin_prob:
            sampled = tf.where(self._is_gold(run), labels, sampled)
        return run.tensor(sampled, (Batch,), run.template)

    def _mixed(self, run: LayerRun, prediction: Tensor, truth: Tensor) -> Tensor:
        """:return: the predicted frame, or the true one with the probability `gold_mixin_prob`"""
        axes = (Batch, run.template.required(FEATURE))
        value = prediction.ordered(axes)
        if self._gold_mixin_prob:
            value = tf.where(self._is_gold(run)[:, None], truth.ordered(axes), value)
        return run.tensor(value, axes, run.template)

    def _is_gold(self, run: LayerRun) -> TFTensor:
        """:return: bool [B], whether the true label is read"""
        return tf.random.stateless_uniform([run.batch_size], self._seed(run, "gold")) < self._gold_mixin_prob

    @staticmethod
    def _seed(run: LayerRun, what: str) -> TFTensor:
        return run.random.seed_of(what, run.frame)

    def choose(
        self, run: LayerRun, hypotheses: Hypotheses, source: Tensor, truth: Tensor | None = None
    ) -> tuple[TFTensor, TFTensor, TFTensor]:
        """
        :param source: with a feature for each label
        :param truth: [B, T], true labels, with `cheating`
        """
        beam, feature = hypotheses.beam, source.template.required(FEATURE)
        width, n = beam.known_size, feature.known_size
        log_p = self._log_p(source, (Batch, beam, feature))
        log_p = tf.broadcast_to(log_p, [tf.shape(log_p)[0], width, n])
        ends_here = tf.one_hot(0, n, on_value=0.0, off_value=NEVER)
        log_p = tf.where(hypotheses.ended[:, :, None], ends_here, log_p)
        base = hypotheses.scores * self._growth(hypotheses)
        scores = self.prob_scale * log_p + self.base_beam_score_scale * base[:, :, None]
        scores = tf.reshape(scores, [-1, width * n])
        if truth is None:
            best, position = tf.math.top_k(scores, width)
        else:
            best, position = self._best_and_true(run, hypotheses, scores, truth)
        return position % n, position // n, best

    def final_scores(self, scores: TFTensor, frames: TFTensor) -> TFTensor:
        """:return: with length normalisation, means over frames, instead of the sums that `_growth` keeps comparable"""
        return scores / tf.cast(frames, tf.float32) if self.length_normalization else scores

    def _best_and_true(
        self, run: LayerRun, hypotheses: Hypotheses, scores: TFTensor, truth: Tensor
    ) -> tuple[TFTensor, TFTensor]:
        """
        :param scores: float32 [B, beam * n], of all continuations
        :return: scores and positions like those of `top_k`, [B, beam] each; the last ones belong to the true labels
        """
        time, width = truth.template.required(TIME), hypotheses.beam.known_size
        n = scores.shape[1] // width
        frame = tf.minimum(hypotheses.frame, run.length(time) - 1)
        label = tf.gather(truth.ordered((Batch, time)), tf.maximum(frame, 0), axis=1, batch_dims=1)
        before = tf.where(hypotheses.frame > 0, width - 1, 0)  # before the first choice only hypothesis 0 counts
        label = tf.where(hypotheses.ended[:, before], 0, label)
        position = (before * n + label)[:, None]
        score = tf.gather(scores, position, axis=1, batch_dims=1)
        if self.cheating == "exclusive":
            scores = tf.where(tf.range(scores.shape[1]) == position, 2 * NEVER, scores)
        best, others = tf.math.top_k(scores, width - 1)
        return tf.concat([best, score], axis=1), tf.concat([others, position], axis=1)

    def _log_p(self, source: Tensor, axes: Sequence[Axis]) -> TFTensor:
        if self.input_type == "log_prob":
            return source.ordered(axes)
        if self.input_type == "logits":
            return tf.nn.log_softmax(source.ordered(axes))
        if source.logits is not None:
            return tf.nn.log_softmax(source.ordered(axes, source.logits))
        return tf.math.log(tf.maximum(source.ordered(axes), 1e-30))

    def _growth(self, hypotheses: Hypotheses) -> TFTensor:
        """:return: [B, beam], factor from the score of t frames to the score of t + 1 frames, before the next label"""
        if not self.length_normalization:
            return 1.0
        t = tf.cast(tf.maximum(hypotheses.frame, 1), tf.float32)
        return tf.where(hypotheses.ended, ((t + 1) / t) ** self.length_normalization_exponent, 1.0)


@layer_class("decide")
@dataclass(frozen=True, kw_only=True)
class Decide(Layer):
    """
    In a search, the best hypothesis; otherwise the source, unchanged. RETURNN: DecideLayer.

    :param length_normalization: whether the scores are divided by the lengths once more
    """

    in_padding: ClassVar[InPadding] = InPadding.SOURCE

    ends_search: ClassVar[bool] = True

    length_normalization: bool = False

    def spec(self, site: Site) -> Template:
        if len(site.sources) != 1:
            raise site.fail(f"takes one source, found {len(site.sources)}")
        ((_, template),) = site.sources
        if template.axis(BEAM) is None:
            return template
        if self.length_normalization and template.time is None:
            raise site.fail(f"'length_normalization' needs a source with a time axis, found {template}")
        return _decided(template)

    def compute(self, run: LayerRun, x: Tensor) -> Tensor:
        beam = x.template.axis(BEAM)
        if beam is None:
            return x
        scores = run.beam_scores[beam]
        if self.length_normalization:
            scores /= tf.cast(run.length_over((Batch, beam), x.template.required(TIME)), tf.float32)
        best = tf.argmax(scores, axis=1, output_type=tf.int32)
        run.beam_scores[run.name] = tf.reduce_max(scores, axis=1)
        renamed = {}
        for axis in x.template.axes:
            if is_of_hypotheses(axis):
                renamed[axis] = axis.derived("decide")
                run.set_length(renamed[axis], tf.gather(run.length(axis), best, axis=1, batch_dims=1))
        axes = (Batch, beam, *(axis for axis in x.axes if axis not in (Batch, beam)))
        value = tf.gather(x.ordered(axes), best, axis=1, batch_dims=1)
        axes = (Batch, *(renamed.get(axis, axis) for axis in axes[2:]))
        for position, axis in enumerate(axes):
            if axis in renamed.values():
                value = tf.gather(value, tf.range(run.frames(axis)), axis=position)
        return x.made(value, axes, run.template)


def _decided(template: Template) -> Template:
    for axis in template.axes:
        if is_of_hypotheses(axis):
            template = template.with_axis_replaced(axis, axis.derived("decide"))
    return no_hypotheses(template)


def is_of_hypotheses(axis: Axis) -> bool:
    """:return: whether it is the time axis of a loop that its layer `end` ends, so that each hypothesis has its own length"""
    return axis.kind == TIME and axis.origin[0] == "loop"
