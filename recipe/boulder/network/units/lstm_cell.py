"""TensorFlow 1's cells LSTMCell and BasicLSTMCell: kernel [input + n, 4·n], bias [4·n].

    i, z, f, o = [x_t, h_{t-1}]·kernel + bias

By default a forget bias of 1 is added, which is not part of `bias`. The two cells differ only in the paths of their parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from boulder.lazy import TFTensor
from boulder.network import activations
from boulder.network.layer_run import LayerRun
from boulder.network.params import Part
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.units.block_order import BLOCK_LSTM
from boulder.network.units.lstm import Lstm, LstmWeights
from boulder.network.units.unit import Initializers


@dataclass(frozen=True, kw_only=True)
class LstmCell(Lstm):
    """TensorFlow's LSTM, with one matrix and a forget bias.

    :param activation: in place of tanh
    """

    gates: ClassVar[tuple[str, ...]] = BLOCK_LSTM
    name: ClassVar[str] = "rec/lstm_cell"

    forget_bias: float = 1.0
    activation: str = "tanh"

    @property
    def is_fused(self) -> bool:
        return super().is_fused and self.activation == "tanh"

    def squashed(self, x: TFTensor) -> TFTensor:
        return activations.apply(self.activation, x)

    def declare(self, site: Site, n_in: int, n: int, init: Initializers) -> None:
        activations.check(self.activation, Template(()).with_feature(n), f"{site.where}: 'unit_opts'")
        rows, gates = (*site.input_parts(), Part("", n)), tuple(Part(gate, n) for gate in self.gates)
        site.param(f"{self.name}/kernel", (n_in + n, 4 * n), init.recurrent, splits=(rows, gates))
        site.param(f"{self.name}/bias", (4 * n,), 0.0, splits=(gates,))

    def weights(self, run: LayerRun) -> LstmWeights:
        kernel = run.param(f"{self.name}/kernel")
        n_in = kernel.shape[0] - kernel.shape[1] // 4
        return LstmWeights(kernel[:n_in], kernel[n_in:], run.param(f"{self.name}/bias"))


@dataclass(frozen=True, kw_only=True)
class BasicLstmCell(LstmCell):
    name: ClassVar[str] = "rec/basic_lstm_cell"
