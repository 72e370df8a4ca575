"""What every loss is: a sum of costs, a sum of errors and the number of target frames that they are sums over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from boulder.lazy import TFTensor
from boulder.network.layer_run import LayerRun
from boulder.network.registry import Registry
from boulder.network.template import Template
from boulder.network.tensor import Tensor

LOSSES: Registry[Loss] = Registry("loss", "loss")
loss_class = LOSSES.register


class LossValue(NamedTuple):
    """Three float32 scalars over a batch: sums of cost and error, and the number of frames that normalises both."""

    cost: TFTensor
    error: TFTensor
    frames: TFTensor


@dataclass(frozen=True, kw_only=True)
class Loss:
    """
    The fields of a subclass are further `loss_opts` of it.

    :param scale: the layer's `loss_scale` under another name
    :param use_normalized_loss: whether its cost is divided by its frames in the objective, whatever the trainer's option of
        that name says of all losses
    """

    class_name: ClassVar[str]
    needs_target: ClassVar[bool] = True

    scale: float = 1.0
    use_normalized_loss: bool = False

    def output_dim(self, target: Template) -> int | None:
        """:return: the dimension that the layer's output must have for this target"""
        raise NotImplementedError

    def check(self, output: Template, target: Any) -> str | None:
        """
        :param target: `Template` of the data stream, None if the loss needs none; subclasses declare which
        :return: why the output does not fit, as the end of a sentence; None if it does
        """
        wanted = self.output_dim(target)
        if output.feature is None or output.dim != wanted:
            return (
                f"loss {self.class_name!r} needs an output with a feature axis of size {wanted} for its target {target}, "
                f"found {output}"
            )
        return None

    def compute(self, run: LayerRun, output: Tensor, target: Any) -> LossValue:
        """
        :param run: parameters, sequence lengths, random numbers of the layer
        :param output: output of the layer
        :param target: `Tensor` of the data stream, None if the loss needs none; subclasses declare which
        """
        raise NotImplementedError
