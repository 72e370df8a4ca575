"""`rec` with a recurrent unit: one unidirectional layer. The units are in `boulder.network.units`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

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
    :param optimize_move_layers_out: has no effect without a net dict as the unit, as the options below
    :param unroll: has no effect
    :param back_prop: has no effect: RETURNN's own units ignore it
    :param include_eos: has no effect
    :param cheating: has no effect
    :param debug: has no effect
    :param use_global_rec_step_offset: has no effect
    """

    unit: str = "lstm"
    direction: Literal[1, -1] = 1
    forward_weights_init: str | float | dict | None = None
    recurrent_weights_init: str | float | dict | None = None
    bias_init: str | float | dict = 0.0
    optimize_move_layers_out: bool | None = None
    unroll: bool = False
    back_prop: bool | None = None
    include_eos: bool = False
    cheating: bool = False
    debug: bool | None = None
    use_global_rec_step_offset: bool = False

    refused: ClassVar[Mapping[str, str]] = {
        "input_projection": "the unit reads the input as a product with its matrix; expected a unit of its own, or True",
        "max_seq_len": "only a loop, with a net dict as its 'unit', has a length of its own",
        "max_seq_len_via": "only a loop, with a net dict as its 'unit', has a length of its own",
    }

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
