"""RETURNN's own LSTM (class NativeLstm2): W [input, 4·n], W_re [n, 4·n], b [4·n].

    z, i, f, o = x_t·W + h_{t-1}·W_re + b

The columns are in the order cell input, input gate, forget gate, output gate. There is no forget bias.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from boulder.network.layer import Site
from boulder.network.layer_run import LayerRun
from boulder.network.params import Part
from boulder.network.units.lstm import Lstm, LstmWeights
from boulder.network.units.unit import Initializers


@dataclass(frozen=True, kw_only=True)
class NativeLstm(Lstm):
    """
    :param rec_weight_dropout: probability with which an entry of W_re is dropped in training, in all frames together
    :param forget_bias: must be 0, as in RETURNN
    """

    gates: ClassVar[tuple[str, ...]] = ("cell_in", "input", "forget", "output")

    rec_weight_dropout: float = 0.0

    def declare(self, site: Site, n_in: int, n: int, init: Initializers) -> None:
        site.check_rate("rec_weight_dropout", self.rec_weight_dropout)
        if self.forget_bias:
            raise site.fail(f"this unit adds no 'forget_bias', found {self.forget_bias}; unit 'StandardLSTM' does")
        gates = tuple(Part(gate, n) for gate in self.gates)
        # RETURNN splits the columns by gate, but not the rows by source
        site.param(
            "rec/W", (n_in, 4 * n), init.forward,
            splits=(site.input_parts(), gates), returnn_splits=((n_in,), (n,) * 4),
        )  # fmt: skip
        site.param(
            "rec/W_re", (n, 4 * n), init.recurrent,
            splits=(site.whole(n), gates), returnn_splits=((n,), (n,) * 4),
        )  # fmt: skip
        site.param("rec/b", (4 * n,), init.bias, splits=(gates,), returnn_splits=((n,) * 4,))

    def weights(self, run: LayerRun) -> LstmWeights:
        recurrent = run.drop(run.param("rec/W_re"), self.rec_weight_dropout, "rec/W_re")
        return LstmWeights(run.param("rec/W"), recurrent, run.param("rec/b"))
