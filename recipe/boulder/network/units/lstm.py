"""The LSTM: Hochreiter & Schmidhuber 1997; Gers et al. 2000 for the forget gate.

    c_t = σ(f + forget_bias)·c_{t-1} + σ(i)·tanh(z)
    h_t = σ(o)·tanh(c_t)

The subclasses differ in the parameters that compute the cell input z and the gates i, f, o from x_t and h_{t-1}.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from boulder.errors import NetworkError
from boulder.lazy import TFTensor, tf
from boulder.network.layer_run import LayerRun
from boulder.network.precision import product
from boulder.network.site import Site
from boulder.network.units import cudnn_kernel
from boulder.network.units.block_order import BLOCK_LSTM, reordered
from boulder.network.units.context import UnitContext
from boulder.network.units.cudnn_trial import why_not_cudnn
from boulder.network.units.lstm_kernel import Kernel, chosen, fused, with_loop_gradient
from boulder.network.units.unit import State, Unit


class LstmWeights(NamedTuple):
    """
    The columns are four blocks, in the order of the unit's `gates`.

    :param forward: [n_in, 4·n]
    :param recurrent: [n, 4·n]
    :param bias: [4·n]
    :param peepholes: of the input, forget and output gate, [n] each; empty for units without them
    :param projection: [n, n], of h; None for units without one
    """

    forward: TFTensor
    recurrent: TFTensor
    bias: TFTensor
    peepholes: tuple[TFTensor, ...] = ()
    projection: TFTensor = None


@dataclass(frozen=True, kw_only=True)
class Lstm(Unit):
    """
    :param forget_bias: number added to the forget gate before the sigmoid
    :param kernel: how whole sequences are computed, see `boulder.network.units.lstm_kernel`: "fused", "loop", "cudnn" or "step"; None:
        the fastest for this size and this kind of device. It changes last bits only. "cudnn" trains on GPUs only; outside of training, a
        machine without one computes "fused" in its place. An option of Boulder
    """

    state_keys: ClassVar[tuple[str | None, ...]] = ("c", "h")
    gates: ClassVar[tuple[str, ...]]
    """a permutation of `BLOCK_LSTM`"""

    forget_bias: float = 0.0
    kernel: Kernel | None = None

    @property
    def is_fused(self) -> bool:
        """:return: whether TensorFlow's operation BlockLSTM computes this unit; a subclass with another formula says no"""
        return type(self).step is Lstm.step

    def squashed(self, x: TFTensor) -> TFTensor:
        """:return: tanh, of the cell input and of the cell"""
        return tf.tanh(x)

    def project(self, weights: LstmWeights, x: TFTensor) -> TFTensor:
        return product(tf.matmul, x, weights.forward) + weights.bias

    def step(self, weights: LstmWeights, z: TFTensor, state: State, context: UnitContext) -> State:
        blocks = tf.split(z + product(tf.matmul, state["h"], weights.recurrent), 4, axis=-1)
        i, cell_in, f, o = (blocks[self.gates.index(gate)] for gate in BLOCK_LSTM)
        c = tf.sigmoid(f + self.forget_bias) * state["c"] + tf.sigmoid(i) * self.squashed(cell_in)
        return {"c": c, "h": tf.sigmoid(o) * self.squashed(c)}

    def check_use(self, site: Site, is_whole: bool) -> None:
        if self.kernel not in (None, "step") and not self.is_fused:
            raise site.fail(
                f"unit_opts: 'kernel' {self.kernel!r} computes the LSTM without further options; expected 'step' or None"
            )
        if self.kernel == "cudnn" and not is_whole:
            raise site.fail(
                "unit_opts: 'kernel' 'cudnn' computes whole sequences outside of loops, expected another one or None"
            )

    def kernel_for(self, n_in: int, n: int, second_derivatives: bool = False, is_whole: bool = False) -> Kernel:
        """
        :param n_in: number of input features
        :param n: number of output features
        :param second_derivatives: whether the gradient is differentiated
        :param is_whole: whether no loop is around, whose iterations need c after each frame: cuDNN does not give it
        :return: the kernel that computes whole sequences
        """
        if not self.is_fused or (second_derivatives and self.kernel is None):
            return "step"
        if self.kernel not in (None, "cudnn"):
            return self.kernel
        if is_whole and not why_not_cudnn(is_forced=self.kernel == "cudnn"):
            return "cudnn"
        return chosen((n_in + n) * 4 * n)

    def check_device(self, where: str) -> None:
        """
        :param where: the layer, for messages
        :raises NetworkError: if the unit must be trained by cuDNN and this machine cannot
        """
        if self.kernel == "cudnn" and (reason := why_not_cudnn(is_forced=True)):
            raise NetworkError(
                f"{where}: unit_opts: 'kernel' 'cudnn' cannot train here: {reason}; expected None, for the fastest that can"
            )

    def sequence(self, weights: LstmWeights, x: TFTensor, state: State, context: UnitContext) -> State:
        """Runs the kernel of `kernel_for`. Outside of training, it has no gradient but TensorFlow's own."""
        run = context.run
        kernel = self.kernel_for(x.shape[-1], weights.recurrent.shape[0], run.second_derivatives)
        if kernel == "step":
            return super().sequence(weights, x, state, context)
        _check_derivatives(kernel, run)
        matrix = self._in_order(tf.concat([weights.forward, weights.recurrent], axis=0), run.train)
        bias = self._in_order(weights.bias, run.train)
        compute = with_loop_gradient if kernel == "loop" and run.train else fused
        c, h = compute(x, state["c"], state["h"], matrix, bias, self.forget_bias)
        return {"c": c, "h": h}

    def output_and_last(
        self, weights: LstmWeights, x: TFTensor, state: State, context: UnitContext, lengths: Callable[[], TFTensor]
    ) -> tuple[TFTensor, Callable[[str | None], TFTensor]]:
        """As `sequence`, also by cuDNN."""
        run = context.run
        kernel = self.kernel_for(x.shape[-1], weights.recurrent.shape[0], run.second_derivatives, run.frame is None)
        if run.train:
            self.check_device(run.where)
        if kernel != "cudnn":
            return super().output_and_last(weights, x, state, context, lengths)
        _check_derivatives(kernel, run)
        params = cudnn_kernel.parameters(
            weights.forward, weights.recurrent, weights.bias, self.gates, self.forget_bias, run.train
        )
        found = cudnn_kernel.lstm(x, state["c"], state["h"], params, lengths())
        return found.output, lambda key: found.c if key == "c" else found.h

    def _in_order(self, columns: TFTensor, train: bool) -> TFTensor:
        if self.gates == BLOCK_LSTM:
            return columns
        return reordered(columns, [self.gates.index(gate) for gate in BLOCK_LSTM], train)


def _check_derivatives(kernel: Kernel, run: LayerRun) -> None:
    if run.second_derivatives:
        raise NetworkError(
            f"{run.where}: unit_opts: 'kernel' {kernel!r} has no second derivative, which 'maximize_grad_norm' needs; "
            "expected 'step' or None"
        )
