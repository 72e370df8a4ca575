"""Scheduled sampling: outside of a search, a choice reads labels that are drawn from the probabilities."""

from __future__ import annotations

from dataclasses import dataclass

from boulder.lazy import TFTensor, tf
from boulder.network.axes import FEATURE, Batch
from boulder.network.layer_run import LayerRun
from boulder.network.layers.choice_scores import Scoring
from boulder.network.site import Site
from boulder.network.tensor import Tensor


@dataclass(frozen=True, kw_only=True)
class Sampling(Scoring):
    """
    :param scheduled_sampling: outside of a search, in evaluation as well as in training, samples labels from the
        probabilities instead of reading the true ones (https://arxiv.org/abs/1506.03099, without the second pass, like
        RETURNN); {"gold_mixin_prob": p} reads the true label with probability p. The value at each index is the schedule
    """

    scheduled_sampling: bool | dict | None = False

    def check_sampling(self, site: Site) -> None:
        if isinstance(self.scheduled_sampling, dict):
            unknown = [key for key in self.scheduled_sampling if key != "gold_mixin_prob"]
            if unknown:
                raise site.fail(f"'scheduled_sampling' has only the option 'gold_mixin_prob', found {unknown[0]!r}")
        p = self._gold_mixin_prob
        if isinstance(p, bool) or not isinstance(p, int | float) or not 0 <= p <= 1:
            raise site.fail(f"'gold_mixin_prob' must be a number from 0 to 1, found {p!r}")

    @property
    def _gold_mixin_prob(self) -> float:
        sampling = self.scheduled_sampling
        return sampling.get("gold_mixin_prob", 0.0) if isinstance(sampling, dict) else 0.0

    def sampled(self, run: LayerRun, scores: Tensor, truth: Tensor) -> Tensor:
        """:return: sampled labels, or the true ones with the probability `gold_mixin_prob`"""
        if self.input_type == "regression":
            return self._mixed(run, scores, truth)
        labels = truth.ordered((Batch,))
        log_p = self.log_p(scores, (Batch, scores.template.required(FEATURE)))
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
