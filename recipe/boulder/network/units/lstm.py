"""The LSTM: Hochreiter & Schmidhuber 1997; Gers et al. 2000 for the forget gate.

    c_t = σ(f + forget_bias)·c_{t-1} + σ(i)·tanh(z)
    h_t = σ(o)·tanh(c_t)

What makes the cell input z and the gates i, f, o of x_t and h_{t-1} differs from one set of parameters to the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from boulder.lazy import tf
from boulder.network.units.unit import Unit

BLOCK_LSTM = ("input", "cell_in", "forget", "output")
"""the order of columns in TensorFlow's operation"""


class LstmWeights(NamedTuple):
    """
    The columns are four blocks, in the order that the unit's `gates` say.

    :param forward: [n_in, 4·n]
    :param recurrent: [n, 4·n]
    :param bias: [4·n]
    """

    forward: object
    recurrent: object
    bias: object


@dataclass(frozen=True, kw_only=True)
class Lstm(Unit):
    memory: ClassVar[tuple[str, ...]] = ("c", "h")
    gates: ClassVar[tuple[str, ...]]
    """an order of `BLOCK_LSTM`"""

    forget_bias: float = 0.0

    def project(self, weights: LstmWeights, x):
        return tf.matmul(x, weights.forward) + weights.bias

    def step(self, weights: LstmWeights, z, memory):
        blocks = tf.split(z + tf.matmul(memory["h"], weights.recurrent), 4, axis=-1)
        i, cell_in, f, o = (blocks[self.gates.index(gate)] for gate in BLOCK_LSTM)
        c = tf.sigmoid(f + self.forget_bias) * memory["c"] + tf.sigmoid(i) * tf.tanh(cell_in)
        return {"c": c, "h": tf.sigmoid(o) * tf.tanh(c)}

    def sequence(self, weights: LstmWeights, x, memory):
        """TensorFlow's op for all of it, which is faster than what it consists of."""
        peephole = tf.zeros([weights.recurrent.shape[0]], x.dtype)
        result = tf.raw_ops.BlockLSTM(
            seq_len_max=tf.cast(tf.shape(x)[0], tf.int64),
            x=x,
            cs_prev=memory["c"],
            h_prev=memory["h"],
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

    def _in_order(self, columns):
        if self.gates == BLOCK_LSTM:
            return columns
        blocks = tf.split(columns, 4, axis=-1)
        return tf.concat([blocks[self.gates.index(gate)] for gate in BLOCK_LSTM], axis=-1)
