"""`rec` with an LSTM as its unit: one layer, one direction.

Parameters and gate order are RETURNN's (class NativeLstm2): W [input, 4·n], W_re [n, 4·n], b [4·n], with the four blocks
of columns in the order cell input, input gate, forget gate, output gate; no forget bias is added.

    z, i, f, o = x_t·W + y_{t-1}·W_re + b
    c_t = σ(f)·c_{t-1} + σ(i)·tanh(z)
    y_t = σ(o)·tanh(c_t)                          Hochreiter & Schmidhuber 1997; Gers et al. 2000 for the forget gate
"""

from dataclasses import dataclass
from typing import Literal

from boulder.errors import nearest
from boulder.lazy import tf
from boulder.network.axes import LOOP
from boulder.network.layer import ConcatLayer, Site, layer_class
from boulder.network.params import Part
from boulder.network.template import Template

# RETURNN's names for what is, on TensorFlow 2 and outside of a loop, one and the same LSTM
LSTM_UNITS = ("lstm", "lstmp", "lstmblock", "lstmblockfused", "nativelstm", "nativelstm2")
_GATES = ("cell_in", "input", "forget", "output")


@layer_class("rec")
@dataclass(frozen=True, kw_only=True)
class Rec(ConcatLayer):
    """
    :param unit: one of `LSTM_UNITS`, in any case
    :param direction: 1 reads from the first frame to the last, -1 from the last to the first
    :param unit_opts: {"rec_weight_dropout": p} drops entries of W_re in training
    """

    unit: str = "lstm"
    direction: Literal[1, -1] = 1
    unit_opts: dict | None = None
    forward_weights_init: str | float = "glorot_uniform"
    recurrent_weights_init: str | float = "glorot_uniform"
    bias_init: str | float = 0.0

    @property
    def rec_weight_dropout(self) -> float:
        return (self.unit_opts or {}).get("rec_weight_dropout", 0.0)

    def spec(self, site: Site) -> Template:
        if self.unit.lower() not in LSTM_UNITS:
            raise site.fail(f"unknown unit {self.unit!r}{nearest(self.unit.lower(), LSTM_UNITS)}")
        for option in self.unit_opts or {}:
            if option != "rec_weight_dropout":
                raise site.fail(
                    f"unknown option {option!r} in 'unit_opts'{nearest(str(option), ['rec_weight_dropout'])}"
                )
        site.check_rate("rec_weight_dropout", self.rec_weight_dropout)
        template = site.input()
        if template.time is None and site.loop is None:
            raise site.fail(f"needs a time axis, but its input is {template}")
        n_in, n = site.dense_dim(template), site.out_dim()
        gates = tuple(Part(gate, n) for gate in _GATES)
        # RETURNN splits the columns by gate, but not the rows by source
        site.param(
            "rec/W", (n_in, 4 * n), self.forward_weights_init,
            splits=(site.input_parts(), gates), returnn_splits=((n_in,), (n,) * 4),
        )  # fmt: skip
        site.param(
            "rec/W_re", (n, 4 * n), self.recurrent_weights_init,
            splits=(site.whole(n), gates), returnn_splits=((n,), (n,) * 4),
        )  # fmt: skip
        site.param("rec/b", (4 * n,), self.bias_init, splits=(gates,), returnn_splits=((n,) * 4,))
        return template.with_feature(n)

    def state(self, site: Site, output: Template) -> dict[str, Template]:
        """:return: in a frame of a loop, y and c"""
        if site.loop is None or output.time or site.loop in output.axes:
            return {}
        return {"y": output, "c": output}

    def step(self, run, state, *sources):
        x, outer = run.input(sources), run.template.axes[:-1]
        n, n_in = run.template.feature.size, x.template.feature.size
        frame = tf.reshape(run.broadcast_to(x, outer), [-1, n_in])
        y, c = (tf.reshape(state[key].value, [-1, n]) for key in ("y", "c"))
        gates = tf.matmul(frame, run.param("rec/W")) + tf.matmul(y, self._recurrent(run)) + run.param("rec/b")
        cell_in, input_, forget, output = tf.split(gates, 4, axis=-1)
        c = tf.sigmoid(forget) * c + tf.sigmoid(input_) * tf.tanh(cell_in)
        y = tf.sigmoid(output) * tf.tanh(c)
        y, c = (
            state[key].made(tf.reshape(v, tf.shape(state[key].value)), run.template.axes, run.template)
            for key, v in (("y", y), ("c", c))
        )
        return y, {"y": y, "c": c}

    def compute(self, run, *sources):
        x = run.input(sources)
        time = x.template.time or next(axis for axis in x.axes if axis.kind == LOOP)
        outer = tuple(axis for axis in x.axes if axis not in (time, x.template.feature))
        value = x.ordered((time, *outer, x.template.feature))
        frames = tf.reshape(value, [tf.shape(value)[0], -1, value.shape[-1]])  # [T, N, F]
        lengths = tf.reshape(tf.broadcast_to(run.length_over(outer, time), tf.shape(value)[1:-1]), [-1])
        if self.direction == -1:
            frames = tf.reverse_sequence(frames, lengths, seq_axis=0, batch_axis=1)
        y = _lstm(frames, run.param("rec/W"), self._recurrent(run), run.param("rec/b"))
        if self.direction == -1:
            y = tf.reverse_sequence(y, lengths, seq_axis=0, batch_axis=1)
        y = tf.reshape(y, tf.concat([tf.shape(value)[:-1], [y.shape[-1]]], 0))
        return x.made(y, (time, *outer, run.template.feature), run.template)

    def _recurrent(self, run):
        return run.drop(run.param("rec/W_re"), self.rec_weight_dropout, "rec/W_re")


def _lstm(x, forward, recurrent, bias):
    """
    TensorFlow's fused op runs over all T frames; what it makes of padding comes after each sequence's end, where it
    reaches no frame of the sequence itself.

    :param x: [T, B, F]
    :param forward: [F, 4·n]
    :param recurrent: [n, 4·n]
    :param bias: [4·n]
    :return: [T, B, n]
    """
    frames, batch = tf.shape(x)[0], tf.shape(x)[1]
    n = recurrent.shape[0]
    zeros = tf.zeros([batch, n], x.dtype)
    peephole = tf.zeros([n], x.dtype)
    return tf.raw_ops.BlockLSTM(
        seq_len_max=tf.cast(frames, tf.int64),
        x=x,
        cs_prev=zeros,
        h_prev=zeros,
        w=_input_gate_first(tf.concat([forward, recurrent], axis=0)),
        wci=peephole,
        wcf=peephole,
        wco=peephole,
        b=_input_gate_first(bias),
        forget_bias=0.0,
        cell_clip=-1.0,
        use_peephole=False,
    ).h


def _input_gate_first(columns):
    """:return: the four blocks of columns in the op's order: input gate, cell input, forget gate, output gate"""
    cell_in, input_, forget, output = tf.split(columns, 4, axis=-1)
    return tf.concat([input_, cell_in, forget, output], axis=-1)
