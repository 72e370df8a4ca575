"""RETURNN's own LSTM (class NativeLstm2): W [input, 4·n], W_re [n, 4·n], b [4·n].

    z, i, f, o = x_t·W + h_{t-1}·W_re + b

The columns are in the order cell input, input gate, forget gate, output gate. There is no forget bias.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from boulder.network.layer_run import LayerRun
from boulder.network.params import Part
from boulder.network.site import Site
from boulder.network.units.lstm import Lstm, LstmWeights
from boulder.network.units.unit import Initializers


def refuse_forget_bias(unit: Lstm, site: Site) -> None:
    """:raises NetworkError: if a unit that adds no forget bias is given one"""
    if unit.forget_bias:
        raise site.fail(f"this unit adds no 'forget_bias', found {unit.forget_bias}; unit 'StandardLSTM' does")


@dataclass(frozen=True, kw_only=True)
class NativeLstm(Lstm):
    """RETURNN's own LSTM, without a forget bias. The input may also be class indices. RETURNN: NativeLstm2, and NativeLstmCell, which has no initial state there.

    :param rec_weight_dropout: probability with which an entry of W_re is dropped in training, in all frames together
    :param rec_weight_dropout_shape: for each axis of W_re, 1 to drop all entries along it together, None for independent entries
    :param forget_bias: must be 0, as in RETURNN
    """

    gates: ClassVar[tuple[str, ...]] = ("cell_in", "input", "forget", "output")
    takes_classes: ClassVar = True

    rec_weight_dropout: float = 0.0
    rec_weight_dropout_shape: list[object] | None = None

    def declare(self, site: Site, n_in: int, n: int, init: Initializers) -> None:
        site.check_rate("rec_weight_dropout", self.rec_weight_dropout)
        refuse_forget_bias(self, site)
        shape = self.rec_weight_dropout_shape
        if shape is not None and (len(shape) != 2 or any(size not in (None, 1) for size in shape)):
            raise site.fail(
                f"unit_opts: 'rec_weight_dropout_shape' has None or 1 for both axes of W_re, found {shape!r}"
            )
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
        shape = self.rec_weight_dropout_shape
        shared = None if shape is None else [size == 1 for size in shape]
        recurrent = run.drop(run.param("rec/W_re"), self.rec_weight_dropout, "rec/W_re", shared)
        return LstmWeights(run.param("rec/W"), recurrent, run.param("rec/b"))


@dataclass(frozen=True, kw_only=True)
class NativeLstmLowMem(Lstm):
    """RETURNN's own LSTM with one matrix, W [input + n, 4·n]. RETURNN: NativeLstmLowMemCell, which starts each step of a loop with
    h = 0, and whose gradient is wrong backwards in a batch of unequal lengths.

    :param forget_bias: must be 0
    """

    gates: ClassVar[tuple[str, ...]] = NativeLstm.gates

    def declare(self, site: Site, n_in: int, n: int, init: Initializers) -> None:
        refuse_forget_bias(self, site)
        rows, gates = (*site.input_parts(), Part("", n)), tuple(Part(gate, n) for gate in self.gates)
        returnn = ((n_in, n), (n,) * 4)
        site.param("rec/W", (n_in + n, 4 * n), init.recurrent, splits=(rows, gates), returnn_splits=returnn)
        site.param("rec/b", (4 * n,), 0.0, splits=(gates,), returnn_splits=returnn[1:])

    def weights(self, run: LayerRun) -> LstmWeights:
        matrix = run.param("rec/W")
        n_in = matrix.shape[0] - matrix.shape[1] // 4
        return LstmWeights(matrix[:n_in], matrix[n_in:], run.param("rec/b"))


@dataclass(frozen=True, kw_only=True)
class VanillaLstm(Lstm):
    """RETURNN's own LSTM, written in TensorFlow. RETURNN: VanillaLSTMCell.

    :param forget_bias: must be 0
    """

    gates: ClassVar[tuple[str, ...]] = NativeLstm.gates

    def declare(self, site: Site, n_in: int, n: int, init: Initializers) -> None:
        refuse_forget_bias(self, site)
        gates = tuple(Part(gate, n) for gate in self.gates)
        site.param("rec/W", (n_in, 4 * n), init.forward, splits=(site.input_parts(), gates))
        site.param("rec/W_re", (n, 4 * n), init.recurrent, splits=(site.whole(n), gates))
        site.param("rec/b", (4 * n,), 0.0, splits=(gates,))

    def weights(self, run: LayerRun) -> LstmWeights:
        return LstmWeights(run.param("rec/W"), run.param("rec/W_re"), run.param("rec/b"))
