"""Recurrent highway network (Zilly et al. 2017): several highway layers in each step.

h, t = s·depth_i/W + [x_t·W + b, in the first layer]
s    = s + σ(t)·(tanh(h) - s)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from boulder.lazy import TFTensor, tf
from boulder.network.layer_run import LayerRun
from boulder.network.params import Part
from boulder.network.precision import product
from boulder.network.site import Site
from boulder.network.units.context import UnitContext
from boulder.network.units.unit import Initializers, State, Unit


class _Weights(NamedTuple):
    """
    :param forward: [n_in, 2·n]
    :param bias: [2·n]
    :param recurrent: of each highway layer, [n, 2·n]
    """

    forward: TFTensor
    bias: TFTensor
    recurrent: list[TFTensor]


@dataclass(frozen=True, kw_only=True)
class RecurrentHighway(Unit):
    """Several highway layers in each step. RETURNN: RHNCell.

    :param depth: number of highway layers in each step
    :param dropout: probability with which an entry of the state is dropped in training where it enters a highway layer; the mask is
        the same in all layers and frames
    :param dropout_seed: has no effect: random numbers follow from the seed of the training
    :param transform_bias: initial bias of t; None is 0
    """

    state_keys: ClassVar[tuple[str | None, ...]] = (None,)

    depth: int = 5
    dropout: float = 0.0
    dropout_seed: int | None = None
    transform_bias: float | None = None

    def declare(self, site: Site, n_in: int, n: int, init: Initializers) -> None:
        if self.depth < 1:
            raise site.fail(f"unit_opts: 'depth' must be at least 1, found {self.depth}")
        site.check_rate("dropout", self.dropout)
        columns = (Part("hidden", n), Part("transform", n))
        site.param("rec/W", (n_in, 2 * n), init.forward, splits=(site.input_parts(), columns))
        site.param("rec/b", (2 * n,), f"blocks([0.0, {self.transform_bias or 0.0}])", splits=(columns,))
        for i in range(self.depth):
            name = f"rec/rhn_cell/depth_{i}/W"
            site.param(name, (n, 2 * n), init.recurrent, splits=(site.whole(n), columns))

    def weights(self, run: LayerRun) -> _Weights:
        recurrent = [run.param(f"rec/rhn_cell/depth_{i}/W") for i in range(self.depth)]
        return _Weights(run.param("rec/W"), run.param("rec/b"), recurrent)

    def project(self, weights: _Weights, x: TFTensor) -> TFTensor:
        return product(tf.matmul, x, weights.forward) + weights.bias

    def step(self, weights: _Weights, z: TFTensor, state: State, context: UnitContext) -> State:
        s, mask = state[None], None
        if self.dropout and context.train:
            kept = context.uniform("dropout", s.shape[-1], every_frame=False) >= self.dropout
            mask = tf.cast(kept, s.dtype) / (1 - self.dropout)
        for i, matrix in enumerate(weights.recurrent):
            gates = product(tf.matmul, s if mask is None else s * mask, matrix)
            h, t = tf.split(gates + z if i == 0 else gates, 2, axis=-1)
            s += tf.sigmoid(t) * (tf.tanh(h) - s)
        return {None: s}
