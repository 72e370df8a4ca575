"""`triplet_loss`: embeddings of the same class are close to each other, those of different classes are not."""

from dataclasses import dataclass
from typing import ClassVar

from boulder.lazy import TFTensor, tf
from boulder.network.axes import Batch
from boulder.network.layer_run import LayerRun
from boulder.network.loss import Loss, LossValue, loss_class
from boulder.network.losses.frames import further_axes
from boulder.network.template import Template
from boulder.network.tensor import Tensor


@loss_class("triplet_loss")
@dataclass(frozen=True, kw_only=True)
class Triplet(Loss):
    """Σ d(x, y) / 2 over pairs of a class + Σ max(margin - d(x, y), 0) / 2 over the other pairs of the batch; d = 1 - cos.

    The output has the embeddings of an anchor, of another sample of its class, and of a sample of another class; the target has
    their three classes, as a sequence of three frames. The number of frames is 9 for each sequence, and 18 with two views.

    RETURNN: TripletLoss, whose target has a static axis with the three classes. As there, a pair (x, y) is also one of a class if y is
    of class 0: classes should be numbered from 1.

    :param margin: distance between embeddings of different classes from which they cost nothing
    :param multi_view_training: there are two views, a and c, of all three samples: the pairs are among (a₁, c₂, c₃) and (a₂, c₂, a₃)
    """

    is_framewise: ClassVar[bool] = False

    margin: float
    multi_view_training: bool = False

    @property
    def has_error(self) -> bool:
        return False

    @property
    def _parts(self) -> int:
        return 6 if self.multi_view_training else 3

    def output_dim(self, target: Template) -> int | None:
        return None

    def check(self, output: Template, target: Template) -> str | None:
        if target.sparse_dim is None or target.time is None:
            return f"loss 'triplet_loss' needs the classes of three samples as its target, found {target}"
        if output.time is not None or output.batch is None or output.feature is None or further_axes(output):
            return f"loss 'triplet_loss' compares a vector for each sequence, but the output is {output}"
        if output.dim is None or output.dim % self._parts:
            return f"loss 'triplet_loss' needs {self._parts} embeddings of one size, but the output is {output}"
        return None

    def compute(self, run: LayerRun, output: Tensor, target: Tensor) -> LossValue:
        classes = target.ordered((Batch, target.template.required("time")))  # [B, 3]
        lengths = run.length(target.template.required("time"))
        message = [f"layer {run.name!r}: the target of 'triplet_loss' must have three frames, found", lengths]
        with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(lengths == 3), message)]):
            labels = tf.concat(tf.unstack(tf.identity(classes)[:, :3], num=3, axis=1), 0)
        parts = tf.split(output.ordered((Batch, output.template.required("feature"))), self._parts, axis=1)
        if self.multi_view_training:
            (a1, a2, a3), (_, c2, c3) = parts[:3], parts[3:]
            cost = self._of_pairs(tf.concat([a1, c2, c3], 0), labels) + self._of_pairs(
                tf.concat([a2, c2, a3], 0), labels
            )
        else:
            cost = self._of_pairs(tf.concat(parts, 0), labels)
        views = 2.0 if self.multi_view_training else 1.0
        return LossValue(cost, tf.constant(0.0), views * 9 * tf.cast(run.batch_size, tf.float32))

    def _of_pairs(self, embeddings: TFTensor, labels: TFTensor) -> TFTensor:
        """
        :param embeddings: [3 · B, F]
        :param labels: [3 · B]
        """
        unit = tf.math.l2_normalize(embeddings, axis=1, epsilon=1e-15)
        distance = 1 - tf.matmul(unit, unit, transpose_b=True)
        same = (labels[:, None] == labels[None]) | (labels[None] == 0)
        return 0.5 * tf.reduce_sum(tf.where(same, distance, tf.maximum(self.margin - distance, 0)))
