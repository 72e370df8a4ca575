"""`search_score`: the scores with which a search has ended, as the cost."""

from dataclasses import dataclass
from typing import ClassVar

from boulder.lazy import tf
from boulder.network.axes import BEAM, Batch
from boulder.network.layer_run import LayerRun
from boulder.network.loss import Loss, LossValue, loss_class
from boulder.network.template import Template
from boulder.network.tensor import Tensor


@loss_class("search_score")
@dataclass(frozen=True, kw_only=True)
class SearchScore(Loss):
    """-score, summed over the hypotheses; after `decide`, of the best one. RETURNN: SearchScoreLoss.

    Normalised by the number of frames of all hypotheses; without time, by their number. RETURNN's scores of a loop over an input
    include the labels that are chosen in the padding.
    """

    needs_target: ClassVar = False
    needs_search: ClassVar = True

    @property
    def has_error(self) -> bool:
        return False

    def output_dim(self, target: Template) -> int | None:
        return None

    def check(self, output: Template, target: None) -> str | None:
        return None

    def compute(self, run: LayerRun, output: Tensor, target: None) -> LossValue:
        beam, time = output.template.axis(BEAM), output.template.time
        scores = run.beam_scores[beam or run.name]  # [B, beam] or [B]
        axes = (Batch, beam) if beam else (Batch,)
        frames = run.length_over(axes, time) if time else tf.ones_like(scores, tf.int32)
        count = tf.reduce_sum(tf.broadcast_to(frames, tf.shape(scores)))
        nothing = tf.constant(0.0)
        return LossValue(-tf.reduce_sum(scores), nothing, tf.cast(count, tf.float32), left_out=nothing)
