"""`rec` with a recurrent unit: one unidirectional layer. The units are in `boulder.network.units`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from boulder.network.layer import Layer, layer_class
from boulder.network.loop.layer import Loop
from boulder.network.recurrent import Recurrent
from boulder.network.units.names import IN_REC, read_unit
from boulder.network.units.unit import Initializers, Unit


@layer_class("rec")
@dataclass(frozen=True, kw_only=True)
class Rec(Recurrent):
    """A recurrent unit over a sequence, in one direction. With a dict of layers as its unit, a loop, see below. RETURNN: RecLayer.

    :param unit: name of the unit, see `boulder.network.units.names.IN_REC`
    :param direction: 1 reads the sequence forwards, -1 backwards
    :param forward_weights_init: initializer of input matrices; None: `recurrent_weights_init`
    :param recurrent_weights_init: initializer of recurrent matrices, and of matrices applied to the input and the previous
        output together; None: `forward_weights_init`
    :param bias_init: initializer of the biases of RETURNN's own units; TensorFlow's units have fixed ones
    """

    unit: str = "lstm"
    direction: Literal[1, -1] = 1
    forward_weights_init: str | float | dict | None = None
    recurrent_weights_init: str | float | dict | None = None
    bias_init: str | float | dict = 0.0

    @classmethod
    def variant(cls, options: Mapping[str, object]) -> type[Layer]:
        """:return: `Loop` if `unit` is a net dict"""
        return Loop if isinstance(options.get("unit"), dict) else cls

    def recurrent_unit(self, where: str) -> Unit:
        return read_unit(self.unit, self.unit_opts, IN_REC, where)

    @property
    def reads_backwards(self) -> bool:
        return self.direction == -1

    def initializers(self) -> Initializers:
        forward, recurrent = self.forward_weights_init, self.recurrent_weights_init
        default = next((init for init in (recurrent, forward) if init is not None), "glorot_uniform")
        return Initializers(
            default if forward is None else forward, default if recurrent is None else recurrent, self.bias_init
        )
