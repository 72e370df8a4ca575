"""The LSTM: Hochreiter & Schmidhuber 1997; Gers et al. 2000 for the forget gate.

    c_t = σ(f + forget_bias)·c_{t-1} + σ(i)·tanh(z)
    h_t = σ(o)·tanh(c_t)

The subclasses differ in the parameters that compute the cell input z and the gates i, f, o from x_t and h_{t-1}.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from boulder.lazy import TFTensor, tf
from boulder.network.precision import product
from boulder.network.units.context import UnitContext
from boulder.network.units.unit import State, Unit

BLOCK_LSTM = ("input", "cell_in", "forget", "output")
"""order of the columns in TensorFlow's operation BlockLSTM"""


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
    """

    state_keys: ClassVar[tuple[str | None, ...]] = ("c", "h")
    gates: ClassVar[tuple[str, ...]]
    """a permutation of `BLOCK_LSTM`"""

    forget_bias: float = 0.0

    @property
    def is_fused(self) -> bool:
        """:return: whether TensorFlow's fused operation computes this unit; a subclass with another formula says no"""
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

    def sequence(self, weights: LstmWeights, x: TFTensor, state: State, context: UnitContext) -> State:
        """Runs TensorFlow's fused operation, which is faster than a loop of `step`, where `is_fused`."""
        if not self.is_fused:
            return super().sequence(weights, x, state, context)
        peephole = tf.zeros([weights.recurrent.shape[0]], x.dtype)
        result = tf.raw_ops.BlockLSTM(
            seq_len_max=tf.cast(tf.shape(x)[0], tf.int64),
            x=x,
            cs_prev=state["c"],
            h_prev=state["h"],
            w=self._in_order(tf.concat([weights.forward, weights.recurrent], axis=0)),
            wci=peephole,
            wcf=peephole,
            wco=peephole,
            b=self._in_order(weights.bias),
            forget_bias=self.forget_bias,
            cell_clip=-1.0,
            use_peephole=False,
        )
        return {"c": result.cs, "h": result.h}

    def _in_order(self, columns: TFTensor) -> TFTensor:
        if self.gates == BLOCK_LSTM:
            return columns
        blocks = tf.split(columns, 4, axis=-1)
        return tf.concat([blocks[self.gates.index(gate)] for gate in BLOCK_LSTM], axis=-1)
