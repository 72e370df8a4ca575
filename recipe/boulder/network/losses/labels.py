"""Losses that compare sequences of labels: what they need, and their base class."""

from boulder.lazy import TFTensor, tf
from boulder.network.loss import Loss
from boulder.network.losses.frames import further_axes
from boulder.network.template import Template


def problem_of_labels(loss: str, output: Template, target: Template) -> str | None:
    """:return: error message if output and target are not sequences of the same classes, else None"""
    for what, template in (("output", output), ("target", target)):
        if template.sparse_dim is None or template.time is None or further_axes(template):
            return f"loss {loss!r} compares sequences of class indices, but the {what} is {template}"
    if output.sparse_dim != target.sparse_dim:
        return f"loss {loss!r}: the output has {output.sparse_dim} classes, the target {target.sparse_dim}"
    return None


def collapsed(labels: TFTensor, lengths: TFTensor) -> tuple[TFTensor, TFTensor]:
    """
    :param labels: int [B, N]
    :param lengths: int32 [B]
    :return: the same without labels that equal the one before, [B, N]; lengths
    """
    inside = tf.sequence_mask(lengths, tf.shape(labels)[1])
    kept = inside & tf.concat([tf.ones_like(inside[:, :1]), labels[:, 1:] != labels[:, :-1]], axis=1)
    return rearranged(labels, kept)


def rearranged(labels: TFTensor, kept: TFTensor) -> tuple[TFTensor, TFTensor]:
    """
    :param labels: int [B, N]
    :param kept: bool [B, N]
    :return: those that are kept, in front, and zeros; their number, int32 [B]
    """
    order = tf.argsort(tf.where(kept, 0, 1), axis=1, stable=True)
    labels = tf.gather(tf.where(kept, labels, 0), order, batch_dims=1)
    return labels, tf.reduce_sum(tf.cast(kept, tf.int32), axis=1)


class LabelError(Loss):
    """An error of the output, a sequence of class indices, and its target. There is no gradient, and the cost is 0."""

    @property
    def has_cost(self) -> bool:
        return False

    def output_dim(self, target: Template) -> int | None:
        return None

    def check(self, output: Template, target: Template) -> str | None:
        return problem_of_labels(self.class_name, output, target)
