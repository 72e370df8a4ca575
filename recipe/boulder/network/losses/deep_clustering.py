"""`deep_clustering`: embeddings of time-frequency bins are similar where the same source is active (Hershey et al. 2016)."""

from dataclasses import dataclass
from typing import ClassVar

from boulder.lazy import TFTensor, tf
from boulder.network.layer_run import LayerRun
from boulder.network.loss import Loss, LossValue, loss_class
from boulder.network.losses.frames import frames_of, problem_of_frames
from boulder.network.template import Template
from boulder.network.tensor import Tensor


@loss_class("deep_clustering")
@dataclass(frozen=True, kw_only=True)
class DeepClustering(Loss):
    """|V·Vᵀ - Y·Yᵀ|², for embeddings V and sources Y of all time-frequency bins of a sequence. RETURNN: DeepClusteringLoss.

    The output has an embedding for each bin of a frame, one after the other; the target has the activity of each source in each
    bin. RETURNN also demands that both have as many features, i.e. `embedding_dimension` = `nr_of_sources`.

    :param embedding_dimension: size of an embedding
    :param nr_of_sources: number of sources
    """

    is_framewise: ClassVar[bool] = True

    embedding_dimension: int
    nr_of_sources: int

    @property
    def has_error(self) -> bool:
        return False

    def output_dim(self, target: Template) -> int | None:
        return target.dim and self.embedding_dimension * (target.dim // self.nr_of_sources)

    def check(self, output: Template, target: Template) -> str | None:
        for option in ("embedding_dimension", "nr_of_sources"):
            if getattr(self, option) < 1:
                return f"{option!r} must be at least 1, found {getattr(self, option)}"
        problem = problem_of_frames("deep_clustering", output, target, True)
        if problem is None and output.time is None:
            problem = f"loss 'deep_clustering' needs a time axis, found {output}"
        if problem is None and (target.dim or 0) % self.nr_of_sources:
            problem = f"'nr_of_sources' must divide the size of the target, {target.dim}, found {self.nr_of_sources}"
        return problem or super().check(output, target)

    def compute(self, run: LayerRun, output: Tensor, target: Tensor) -> LossValue:
        frames = frames_of(run, output, target)
        v = _bins(frames.output, frames.mask, self.embedding_dimension)
        y = _bins(tf.cast(frames.target, tf.float32), frames.mask, self.nr_of_sources)
        cost = _square(v, v) - 2 * _square(v, y) + _square(y, y)
        return LossValue(tf.reduce_sum(cost), tf.constant(0.0), frames.count)


def _bins(values: TFTensor, mask: TFTensor, size: int) -> TFTensor:
    """
    :param values: [B, T, bins · size]
    :return: [B, T · bins, size], 0 in the padding
    """
    values = tf.where(mask[..., None], values, 0.0)
    return tf.reshape(values, [tf.shape(values)[0], tf.shape(values)[1] * (values.shape[-1] // size), size])


def _square(a: TFTensor, b: TFTensor) -> TFTensor:
    """:return: [B], |Aᵀ·B|²"""
    return tf.reduce_sum(tf.square(tf.matmul(a, b, transpose_a=True)), axis=[1, 2])
