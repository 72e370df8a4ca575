"""LSTM with layer normalization (Ba et al. 2016) in one of several places, and with recurrent dropout (Semeniuta et al. 2016).

    i, j, f, o = norm(x_t·W_ff) + norm(h_{t-1}·W_re)
    c_t = norm(σ(f)·c_{t-1} + σ(i)·tanh(j))
    h_t = σ(o)·tanh(c_t)

norm(v) = gamma · (v - mean(v)) / sqrt(variance(v) + epsilon) + beta, over the entries of a vector. There are biases only where no
norm has a beta.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from boulder.lazy import TFTensor, tf
from boulder.network import activations
from boulder.network.layer_run import LayerRun
from boulder.network.params import Part
from boulder.network.precision import product
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.units.context import UnitContext
from boulder.network.units.unit import Initializers, State, Unit

Weights = dict[str, TFTensor]
"""name of a parameter, without "rec/" → value"""

_GATES = {"i": "input", "j": "cell_in", "f": "forget", "o": "output"}


@dataclass(frozen=True, kw_only=True)
class LayerNormLstm(Unit):
    """LSTM with layer normalization and recurrent dropout. RETURNN: LayerNormVariantsLSTMCell.

    :param norm_gain: initial value of each gamma
    :param norm_shift: initial value of each beta
    :param forget_bias: added to the initial values of the forget gate's bias, or of its beta; as in RETURNN, with `global_norm`
        and `global_norm_joined` to those of the betas of all gates
    :param activation: in place of tanh
    :param dropout: probability with which an entry of tanh(j) is dropped in training; the mask is the same in all frames
    :param dropout_h: likewise of h_{t-1} where it enters the gates
    :param dropout_seed: has no effect: random numbers follow from the seed of the training
    :param with_concat: one matrix, W_ff_re, for the input and h_{t-1} together
    :param global_norm: normalizes x_t·W_ff and h_{t-1}·W_re, each over all gates
    :param global_norm_joined: normalizes their sum instead
    :param per_gate_norm: normalizes i, j, f and o instead, each on its own
    :param cell_norm: normalizes c_t
    :param cell_norm_in_output: whether h_t is computed from the normalized c_t
    :param hidden_norm: normalizes h_t
    :param variance_epsilon: epsilon
    """

    state_keys: ClassVar[tuple[str | None, ...]] = ("c", "h")

    norm_gain: float = 1.0
    norm_shift: float = 0.0
    forget_bias: float = 0.0
    activation: str = "tanh"
    dropout: float = 0.0
    dropout_h: float = 0.0
    dropout_seed: int | None = None
    with_concat: bool = False
    global_norm: bool = True
    global_norm_joined: bool = False
    per_gate_norm: bool = False
    cell_norm: bool = True
    cell_norm_in_output: bool = True
    hidden_norm: bool = False
    variance_epsilon: float = 1e-12

    @property
    def is_over_units(self) -> bool:
        norms = (self.global_norm, self.global_norm_joined, self.per_gate_norm, self.cell_norm, self.hidden_norm)
        return any(norms)

    def declare(self, site: Site, n_in: int, n: int, init: Initializers) -> None:
        self._check(site, n)
        inputs, hidden, gates = site.input_parts(), site.whole(n), tuple(Part(gate, n) for gate in _GATES.values())
        biased = not (self.global_norm or self.global_norm_joined or self.per_gate_norm)
        forget = f"blocks({[0.0, 0.0, self.forget_bias, 0.0]})"
        if self.with_concat:
            site.param("rec/W_ff_re", (n_in + n, 4 * n), init.recurrent, splits=((*inputs, Part("", n)), gates))
        else:
            site.param("rec/W_ff", (n_in, 4 * n), init.forward, splits=(inputs, gates))
            site.param("rec/W_re", (n, 4 * n), init.recurrent, splits=(hidden, gates))
        if biased:
            site.param(f"rec/{self._bias}", (4 * n,), forget, splits=(gates,))
        for name, over_gates, beta in self._norms():
            size, splits = (4 * n, (gates,)) if over_gates else (n, (hidden,))
            site.param(f"rec/gamma_{name}", (size,), self.norm_gain, splits=splits)
            if beta:
                shift = self.norm_shift + (self.forget_bias if over_gates or name == "f_gate" else 0)
                site.param(f"rec/beta_{name}", (size,), shift, splits=splits)

    @property
    def _bias(self) -> str:
        return "bias_ff_re" if self.with_concat else "bias_ff"

    def _norms(self) -> Iterator[tuple[str, bool, bool]]:
        """:return: name of each normalization, whether it is over all gates, whether it has a beta"""
        if self.global_norm:
            yield "input_below", True, True
            yield "state_below", True, False
        if self.global_norm_joined:
            yield "lstm_in", True, True
        if self.per_gate_norm:
            yield from ((f"{gate}_gate", False, True) for gate in _GATES)
        if self.cell_norm:
            yield "new_c", False, True
        if self.hidden_norm:
            yield "new_h", False, True

    def _check(self, site: Site, n: int) -> None:
        over_gates = [
            option for option in ("global_norm", "global_norm_joined", "per_gate_norm") if getattr(self, option)
        ]
        if len(over_gates) > 1:
            raise site.fail(f"unit_opts: {' and '.join(map(repr, over_gates))} are True, expected one of them at most")
        if self.with_concat and self.global_norm:
            raise site.fail(
                "unit_opts: 'with_concat' computes one product, which 'global_norm' cannot take apart; expected 'global_norm': False"
            )
        if self.forget_bias < 0:
            raise site.fail(f"unit_opts: 'forget_bias' must be at least 0, found {self.forget_bias}")
        for option in ("dropout", "dropout_h"):
            site.check_rate(option, getattr(self, option))
        activations.check(self.activation, Template(()).with_feature(n), f"{site.where}: 'unit_opts'")

    def weights(self, run: LayerRun) -> Weights:
        return {name.removeprefix("rec/"): run.param(name) for name in run.paths if name.startswith("rec/")}

    def project(self, weights: Weights, x: TFTensor) -> TFTensor:
        if self.with_concat:
            n_in = weights["W_ff_re"].shape[0] - weights["W_ff_re"].shape[1] // 4
            return product(tf.matmul, x, weights["W_ff_re"][:n_in])
        z = product(tf.matmul, x, weights["W_ff"])
        return self._normalized(z, weights, "input_below") if self.global_norm else z

    def step(self, weights: Weights, z: TFTensor, state: State, context: UnitContext) -> State:
        n = state["h"].shape[-1]
        h = self._dropped(state["h"], self.dropout_h, "dropout_h", context)
        recurrent = weights["W_ff_re"][-n:] if self.with_concat else weights["W_re"]
        from_h = product(tf.matmul, h, recurrent)
        if self.global_norm:
            from_h = self._normalized(from_h, weights, "state_below")
        z = z + from_h
        if self._bias in weights:
            z += weights[self._bias]
        if self.global_norm_joined:
            z = self._normalized(z, weights, "lstm_in")
        blocks = tf.split(z, 4, axis=-1)
        if self.per_gate_norm:
            blocks = [self._normalized(x, weights, f"{gate}_gate") for gate, x in zip(_GATES, blocks, strict=True)]
        i, j, f, o = blocks
        j = self._dropped(activations.apply(self.activation, j), self.dropout, "dropout", context)
        c = shown = tf.sigmoid(f) * state["c"] + tf.sigmoid(i) * j
        if self.cell_norm:
            c = self._normalized(c, weights, "new_c")
        h = tf.sigmoid(o) * activations.apply(self.activation, c if self.cell_norm_in_output else shown)
        return {"c": c, "h": self._normalized(h, weights, "new_h") if self.hidden_norm else h}

    def _normalized(self, x: TFTensor, weights: Weights, name: str) -> TFTensor:
        mean, variance = tf.nn.moments(x, axes=[-1], keepdims=True)
        y = (x - mean) * tf.math.rsqrt(variance + self.variance_epsilon) * weights[f"gamma_{name}"]
        return y + weights[f"beta_{name}"] if f"beta_{name}" in weights else y

    @staticmethod
    def _dropped(x: TFTensor, rate: float, purpose: str, context: UnitContext) -> TFTensor:
        if not rate or not context.train:
            return x
        kept = context.uniform(purpose, x.shape[-1], every_frame=False) >= rate
        return tf.where(kept, x / (1 - rate), 0.0)
