"""`rnn_cell`: a recurrent unit in a loop; outside of loops it runs along the time axis like `rec`."""

from __future__ import annotations

from dataclasses import dataclass

from boulder.network.layer import layer_class
from boulder.network.recurrent import Recurrent
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.units.names import IN_RNN_CELL, read_unit
from boulder.network.units.unit import Initializers, Unit


@layer_class("rnn_cell")
@dataclass(frozen=True, kw_only=True)
class RnnCell(Recurrent):
    """A recurrent unit in a loop, one step in each iteration. RETURNN: RnnCellLayer.

    :param unit: name of the unit, see `boulder.network.units.names.IN_RNN_CELL`; as in RETURNN, "LSTMBlock" is a
        different unit than in `rec`
    :param weights_init: initializer of all matrices
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
                f"runs along the loop and cannot have a time axis of its own, but its output would be {output}"
            )
        return output
