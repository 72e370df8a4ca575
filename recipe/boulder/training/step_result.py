"""What a step of training or scoring returns: all its numbers leave the graph as one vector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from boulder.lazy import TFTensor, tf
from boulder.network.loss import LossValue
from boulder.training.objective import Dumped, Losses


class StepResult(NamedTuple):
    """
    :param losses: of numbers
    :param norm: global norm of the gradients
    :param finite: whether the objective and all gradients are finite; if not, nothing was updated
    :param overflow: whether gradients are not finite since the loss scale was too large
    :param dumped: see `BatchOutput`
    """

    losses: Losses
    norm: float
    finite: bool
    overflow: bool
    dumped: Dumped


class Scored(NamedTuple):
    """
    :param losses: of numbers
    :param dumped: see `BatchOutput`
    """

    losses: Losses
    dumped: Dumped


def packed(losses: Losses, *further: TFTensor) -> TFTensor:
    """
    :param further: scalars
    :return: float32 [N]
    """
    scalars = [scalar for loss in losses.values() for scalar in loss] + list(further)
    return tf.stack([tf.cast(scalar, tf.float32) for scalar in scalars])


def unpacked(vector: TFTensor, layers: Sequence[str]) -> tuple[Losses, list[float]]:
    """
    Invert `packed`.

    :param layers: names of the layers with losses, in the order of `losses`
    :return: losses of numbers, further numbers
    """
    numbers, count = vector.numpy().tolist(), len(LossValue._fields)
    losses = {layer: LossValue(*numbers[i * count :][:count]) for i, layer in enumerate(layers)}
    return losses, numbers[len(layers) * count :]
