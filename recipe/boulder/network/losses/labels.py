"""Losses that compare sequences of labels: what they need, and their base class."""

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


class LabelError(Loss):
    """An error of the output, a sequence of class indices, and its target. There is no gradient, and the cost is 0."""

    @property
    def has_cost(self) -> bool:
        return False

    def output_dim(self, target: Template) -> int | None:
        return None

    def check(self, output: Template, target: Template) -> str | None:
        return problem_of_labels(self.class_name, output, target)
