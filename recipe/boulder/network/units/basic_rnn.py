"""TensorFlow 1's BasicRNNCell (Elman 1990): kernel [input + n, n], bias [n]; h_t = tanh([x_t, h_{t-1}]·kernel + bias)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from boulder.lazy import TFTensor, tf
from boulder.network import activations
from boulder.network.layer_run import LayerRun
from boulder.network.params import Part
from boulder.network.precision import product
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.units.context import UnitContext
from boulder.network.units.unit import Initializers, State, Unit


class _Weights(NamedTuple):
    """
    :param forward: [n_in, n]
    :param recurrent: [n, n]
    :param bias: [n]
    """

    forward: TFTensor
    recurrent: TFTensor
    bias: TFTensor


@dataclass(frozen=True, kw_only=True)
class BasicRnn(Unit):
    """tanh of a linear function of the input and the previous output. TensorFlow: BasicRNNCell.

    :param activation: in place of tanh
    """

    state_keys: ClassVar[tuple[str | None, ...]] = (None,)

    activation: str = "tanh"

    def declare(self, site: Site, n_in: int, n: int, init: Initializers) -> None:
        activations.check(self.activation, Template(()).with_feature(n), f"{site.where}: 'unit_opts'")
        rows = (*site.input_parts(), Part("", n))
        site.param("rec/basic_rnn_cell/kernel", (n_in + n, n), init.recurrent, splits=(rows, site.whole(n)))
        site.param("rec/basic_rnn_cell/bias", (n,), 0.0)

    def weights(self, run: LayerRun) -> _Weights:
        kernel = run.param("rec/basic_rnn_cell/kernel")
        n_in = kernel.shape[0] - kernel.shape[1]
        return _Weights(kernel[:n_in], kernel[n_in:], run.param("rec/basic_rnn_cell/bias"))

    def project(self, weights: _Weights, x: TFTensor) -> TFTensor:
        return product(tf.matmul, x, weights.forward) + weights.bias

    def step(self, weights: _Weights, z: TFTensor, state: State, context: UnitContext) -> State:
        return {None: activations.apply(self.activation, z + product(tf.matmul, state[None], weights.recurrent))}
