"""The base class of losses that compare sequences of labels."""

from boulder.network.loss import Loss
from boulder.network.losses.frames import further_axes
from boulder.network.template import Template


class LabelError(Loss):
    """An error of the output, a sequence of class indices, and its target. There is no gradient, and the cost is 0."""

    @property
    def has_cost(self) -> bool:
        return False

    def output_dim(self, target: Template) -> int | None:
        return None

    def check(self, output: Template, target: Template) -> str | None:
        loss = f"loss {self.class_name!r}"
        for what, template in (("output", output), ("target", target)):
            if template.sparse_dim is None or template.time is None or further_axes(template):
                return f"{loss} compares sequences of class indices, but the {what} is {template}"
        if output.sparse_dim != target.sparse_dim:
            return f"{loss}: the output has {output.sparse_dim} classes, the target {target.sparse_dim}"
        return None
