"""TensorFlow 1's GRUCell (Cho et al. 2014): gates/kernel [input + n, 2·n], candidate/kernel [input + n, n], and biases.

    r, u = σ([x_t, h_{t-1}]·gates/kernel + gates/bias)
    z    = tanh([x_t, r·h_{t-1}]·candidate/kernel + candidate/bias)
    h_t  = u·h_{t-1} + (1 - u)·z

cuDNN's GRU is another unit, with r·(h_{t-1}·R) in place of (r·h_{t-1})·R.

The bias of the gates is initialized to 1, so that the unit forgets little at the start of training.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from boulder.lazy import TFTensor, tf
from boulder.network import activations
from boulder.network.layer_run import LayerRun
from boulder.network.params import Part
from boulder.network.precision import active_precision, in_precision, product
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.units.context import UnitContext
from boulder.network.units.gru_gradient import gru_gradient
from boulder.network.units.unit import Initializers, State, Unit


class _Weights(NamedTuple):
    """
    Weights of the gates and of the candidate.

    :param forward: [n_in, 2·n] and [n_in, n]
    :param recurrent: [n, 2·n] and [n, n]
    :param biases: [2·n] and [n]
    """

    forward: tuple[TFTensor, ...]
    recurrent: tuple[TFTensor, ...]
    biases: tuple[TFTensor, ...]


@dataclass(frozen=True, kw_only=True)
class Gru(Unit):
    """Gated recurrent unit. TensorFlow: GRUCell.

    :param activation: of the candidate, in place of tanh
    """

    state_keys: ClassVar[tuple[str | None, ...]] = (None,)

    activation: str = "tanh"

    def declare(self, site: Site, n_in: int, n: int, init: Initializers) -> None:
        activations.check(self.activation, Template(()).with_feature(n), f"{site.where}: 'unit_opts'")
        rows, gates = (*site.input_parts(), Part("", n)), (Part("reset", n), Part("update", n))
        site.param("rec/gru_cell/gates/kernel", (n_in + n, 2 * n), init.recurrent, splits=(rows, gates))
        site.param("rec/gru_cell/gates/bias", (2 * n,), 1.0, splits=(gates,))
        site.param("rec/gru_cell/candidate/kernel", (n_in + n, n), init.recurrent, splits=(rows, site.whole(n)))
        site.param("rec/gru_cell/candidate/bias", (n,), 0.0)

    def weights(self, run: LayerRun) -> _Weights:
        kernels = [run.param(f"rec/gru_cell/{part}/kernel") for part in ("gates", "candidate")]
        biases = tuple(run.param(f"rec/gru_cell/{part}/bias") for part in ("gates", "candidate"))
        n_in = kernels[1].shape[0] - kernels[1].shape[1]
        return _Weights(tuple(k[:n_in] for k in kernels), tuple(k[n_in:] for k in kernels), biases)

    def project(self, weights: _Weights, x: TFTensor) -> TFTensor:
        return tf.concat(
            [product(tf.matmul, x, w) + b for w, b in zip(weights.forward, weights.biases, strict=True)], axis=-1
        )

    def step(self, weights: _Weights, z: TFTensor, state: State, context: UnitContext) -> State:
        h = state[None]
        of_gates, of_candidate = weights.recurrent
        n = of_candidate.shape[0]
        r, u = tf.split(tf.sigmoid(z[:, : 2 * n] + product(tf.matmul, h, of_gates)), 2, axis=-1)
        candidate = activations.apply(self.activation, z[:, 2 * n :] + product(tf.matmul, r * h, of_candidate))
        return {None: u * h + (1 - u) * candidate}

    def sequence(self, weights: _Weights, x: TFTensor, state: State, context: UnitContext) -> State:
        """In training, the gradient is that of `gru_gradient`, where it computes this unit and is not differentiated itself."""
        run = context.run
        if not run.train or run.second_derivatives or self.activation != "tanh" or type(self).step is not Gru.step:
            return super().sequence(weights, x, state, context)
        precision = active_precision()

        @tf.custom_gradient
        def compute(
            z: TFTensor, first: TFTensor, of_gates: TFTensor, of_candidate: TFTensor
        ) -> tuple[TFTensor, Callable[[TFTensor], tuple[TFTensor, ...]]]:
            of_step = weights._replace(recurrent=(of_gates, of_candidate))
            h = self.frame_by_frame(of_step, z, {None: first}, context)[None]
            before = tf.concat([first[None], h], axis=0)[:-1]

            def gradient(of_h: TFTensor) -> tuple[TFTensor, ...]:
                with in_precision(precision):  # a gradient is traced outside of the context
                    return gru_gradient(z, before, of_gates, of_candidate, of_h)

            return h, gradient

        return {None: compute(self.projected(weights, x), state[None], *weights.recurrent)}
