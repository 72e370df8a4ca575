"""`rnn_cell`: a recurrent unit that goes along with a loop; outside of loops along the time axis, as `rec` does."""

from __future__ import annotations

from dataclasses import dataclass

from boulder.network.layer import Site, layer_class
from boulder.network.recurrent import Recurrent
from boulder.network.template import Template
from boulder.network.units.names import IN_RNN_CELL, read_unit
from boulder.network.units.unit import Initializers, Unit


@layer_class("rnn_cell")
@dataclass(frozen=True, kw_only=True)
class RnnCell(Recurrent):
    """
    :param unit: see `boulder.network.units.names.IN_RNN_CELL`; "LSTMBlock" is another here than in `rec`, as in RETURNN
    :param weights_init: initializer of matrices
    """

    weights_init: str | float | dict = "glorot_uniform"

    def recurrent_unit(self, where: str) -> Unit:
        return read_unit(self.unit, self.unit_opts, IN_RNN_CELL, where)

    def initializers(self) -> Initializers:
        return Initializers(self.weights_init, self.weights_init)

    def spec(self, site: Site) -> Template:
        output = super().spec(site)
        if site.loop and output.time:
            raise site.fail(
                f"goes along with the loop, but its input has a time axis of its own, as its output {output}"
            )
        return output
