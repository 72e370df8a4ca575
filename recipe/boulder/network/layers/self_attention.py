"""`self_attention`: multi-head attention of each frame over all frames of its sequence.

    [q; k; v] = x·QKV        y_t = Σ_s softmax_s(q_t·k_s / √d) v_s        for each head; Vaswani et al. 2017

As in RETURNN, QKV [input, 2 · total_key_dim + n_out] is a single matrix. Its columns are sorted by head; within a head
the columns of q come first, then those of k, then those of v.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

from boulder.lazy import TFTensor, tf
from boulder.network.axes import FEATURE, LOOP, SPATIAL, Axis, Feature
from boulder.network.contraction import distinct
from boulder.network.further_sources import FurtherSources
from boulder.network.layer import layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.layers.positional_encoding import frames_axis, keys_axis, relative_template
from boulder.network.masked_softmax import softmax_over_seen
from boulder.network.params import Part
from boulder.network.precision import product
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening
from boulder.network.widening.units import Divided, Joined, Product, Run, sizes_of


@layer_class("self_attention")
@dataclass(frozen=True, kw_only=True)
class SelfAttention(FurtherSources):
    """Each frame attends to all frames of its sequence, with several heads. Vaswani et al. 2017. RETURNN: SelfAttentionLayer.

    In a loop, a frame sees the frames so far; their keys and values are the layer's state.

    :param num_heads: number of heads, divides `total_key_dim` and `n_out`
    :param total_key_dim: total size of the keys of all heads, and of the queries
    :param key_shift: `relative_positional_encoding` layer [queries, keys, total_key_dim / num_heads], added to the keys
    :param attention_dropout: dropout probability of the attention weights
    :param attention_left_only: causal attention: a frame sees itself and earlier frames only
    :param initial_state: keys and values before the first frame; only None, 0 or "zeros": none
    :param restrict_state_to_last_seq: has no effect: no sequence begins with the keys and values of another
    :param forward_weights_init: initializer of QKV
    """

    further: ClassVar = ("key_shift",)
    rates: ClassVar[Mapping[str, str]] = {**FurtherSources.rates, "attention_dropout": "attention"}
    refused: ClassVar[Mapping[str, str]] = {
        "state_var_lengths": "RASR gives it to a decoder; expected a saved model, see docs, whose state has the lengths"
    }

    num_heads: int
    total_key_dim: int
    key_shift: str | None = None
    forward_weights_init: str | float | dict = "glorot_uniform"
    attention_dropout: float = 0.0
    attention_left_only: bool = False
    initial_state: str | float | None = None
    restrict_state_to_last_seq: bool = False

    def spec(self, site: Site) -> Template:
        own = self.site_of_input(site)
        template, n_out = own.input(), site.out_dim()
        n_in = site.dense_dim(template)
        for option, size in (("total_key_dim", self.total_key_dim), ("n_out", n_out)):
            if self.num_heads < 1 or size < 1 or size % self.num_heads:
                raise site.fail(f"{option!r}, {size}, must be a multiple of 'num_heads', {self.num_heads}")
        if self.initial_state not in (None, 0, "zeros"):
            raise site.fail(
                f"'initial_state' must be None, 0 or 'zeros', no frame before the first, found {self.initial_state!r}"
            )
        site.check_rate("attention_dropout", self.attention_dropout)
        axis = frames_axis(template, site)
        if axis.kind == LOOP and not self.attention_left_only:
            raise site.fail("in a loop, 'attention_left_only' must be True: a frame cannot see later frames")
        key, value = self.total_key_dim // self.num_heads, n_out // self.num_heads
        for name, shift in self.divided(site.sources)[1].values():
            expected = relative_template(axis, template, key)
            if replace(shift, axes=tuple(Feature(a.size) if a.kind == FEATURE else a for a in shift.axes)) != expected:
                raise site.fail(f"'key_shift' must be {expected}, but {name!r} is {shift}")
        heads = tuple(
            Part(f"{of}{i}", size) for i in range(self.num_heads) for of, size in (("q", key), ("k", key), ("v", value))
        )
        returnn_splits = ((n_in,), (self.total_key_dim, self.total_key_dim, n_out))
        shape = (n_in, 2 * self.total_key_dim + n_out)
        parts = own.input_parts()
        rows = parts if sum(part.size for part in parts) == n_in else site.whole(n_in)
        site.param("QKV", shape, self.forward_weights_init, splits=(rows, heads), returnn_splits=returnn_splits)
        return template.with_feature(n_out)

    def widening(self, w: Widening) -> None:
        own, further = w.divided()
        x, old = w.input(own), w.old_layer
        keys = Run(old.total_key_dim // old.num_heads, self.total_key_dim // self.num_heads)
        outputs = sizes_of(w.output.features)
        heads = Run(old.num_heads, self.num_heads)
        values = Run(outputs[0] // old.num_heads, outputs[1] // self.num_heads)
        for units in (heads, keys, values):
            w.own(units)
        w.tie_axes(x, [x.new.required(FEATURE)])
        w.tie(w.output.feature, Product((heads, values)))
        for shift in further.values():
            w.tie(shift.feature, keys)
        queries = Divided(keys, (keys.new / keys.old) ** 0.5)  # as energies are divided by the root of this size
        w.param("QKV", w.rows("QKV", 0, x), Product((heads, Joined.of(queries, keys, values))))

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        own, further = self.divided(sources)
        x = run.input(own)
        axis, feature = frames_axis(x.template, self.site(run)), x.template.required(FEATURE)
        outer = [a for a in x.axes if a not in (axis, feature)]
        frames = x.ordered([*outer, axis, feature])
        q, k, v = heads(frames, run.param("QKV"), self.num_heads, self.total_key_dim)
        mask = self._mask(run, outer, axis, tf.shape(frames)[len(outer)])
        y = attended(q, k, v, mask, self._shift(further), self._dropped(run))
        return x.made(y, (*outer, axis, run.template.required(FEATURE)), run.template)

    # One iteration of a loop

    def state(self, site: Site, output: Template) -> dict[str | None, Template]:
        axis = frames_axis(output, site)
        if axis in output.axes:
            return {}
        outer = [a for a in output.axes if a != output.feature]

        def memory(total: int) -> Template:
            feature = Axis(FEATURE, total // self.num_heads)
            return Template(distinct([*outer, keys_axis(axis), Axis(SPATIAL, self.num_heads), feature]))

        return {"keys": memory(self.total_key_dim), "values": memory(output.required(FEATURE).known_size)}

    def first_state(
        self, run: LayerRun, state: dict[str | None, Template], sources: Sequence[Tensor | None]
    ) -> dict[str | None, Tensor]:
        def empty(template: Template) -> Tensor:
            *outer, _, heads, feature = template.axes
            shape = tf.concat([run.shape(outer), [0, heads.size, feature.size]], 0)
            # tf.while_loop refuses a value that grows, unless its static size is unknown
            sizes = [*(axis.size for axis in outer), None, heads.size, feature.size]
            return run.tensor(tf.compat.v1.placeholder_with_default(tf.zeros(shape), sizes), template.axes, template)

        return {key: empty(template) for key, template in state.items()}

    def step(
        self, run: LayerRun, state: dict[str | None, Tensor], *sources: Tensor
    ) -> tuple[Tensor, dict[str | None, Tensor]]:
        own, further = self.divided(sources)
        x = run.input(own)
        outer = state["keys"].axes[:-3]
        frame = run.broadcast_to(x, outer)[..., None, :]
        q, *new = heads(frame, run.param("QKV"), self.num_heads, self.total_key_dim)
        k, v = (tf.concat([old.value, value], len(outer)) for old, value in zip(state.values(), new, strict=True))
        y = attended(q, k, v, None, self._shift(further), self._dropped(run))
        output = x.made(tf.squeeze(y, len(outer)), (*outer, run.template.required(FEATURE)), run.template)
        return output, {
            key: old.made(value, old.axes, old.template)
            for (key, old), value in zip(state.items(), (k, v), strict=True)
        }

    # Both ways to compute it

    @staticmethod
    def _shift(further: dict[str, Tensor]) -> TFTensor:
        if not further:
            return None
        shift = further["key_shift"]
        value = shift.ordered(shift.template.axes)
        return value if len(shift.axes) == 3 else value[None]

    def _dropped(self, run: LayerRun) -> Callable[[TFTensor], TFTensor]:
        return lambda weights: run.drop(weights, self.attention_dropout, "attention")

    def _mask(self, run: LayerRun, outer: list[Axis], axis: Axis, size: TFTensor) -> TFTensor:
        """:return: bool, [queries, keys] or [*outer, 1, 1, keys]: True where a query sees a key"""
        if self.attention_left_only:  # this masks the padding, which comes after all frames
            return tf.range(size)[:, None] >= tf.range(size)
        return run.mask_over([*outer, axis], axis)[..., None, None, :]


def heads(x: TFTensor, matrix: TFTensor, num_heads: int, total_key_dim: int) -> tuple[TFTensor, TFTensor, TFTensor]:
    """
    :param x: [..., F]
    :param matrix: QKV, [F, 2 · total_key_dim + n_out]
    :return: scaled queries and keys [..., num_heads, total_key_dim / num_heads], values [..., num_heads, n_out / num_heads]
    """
    key = total_key_dim // num_heads
    columns = matrix.shape[1] // num_heads
    rows = tf.reshape(x, [-1, matrix.shape[0]])  # one product for all axes but the last
    qkv = product(tf.matmul, rows, matrix)
    qkv = tf.reshape(qkv, tf.concat([tf.shape(x)[:-1], [num_heads, columns]], 0))
    q, k, v = tf.split(qkv, [key, key, columns - 2 * key], axis=-1)
    return q * key**-0.5, k, v


def attended(
    q: TFTensor,
    k: TFTensor,
    v: TFTensor,
    mask: TFTensor,
    shift: TFTensor = None,
    drop: Callable[[TFTensor], TFTensor] = lambda weights: weights,
) -> TFTensor:
    """
    :param q: [..., Q, heads, d]
    :param k: [..., K, heads, d]
    :param v: [..., K, heads, n]
    :param mask: bool, broadcastable to [..., heads, Q, K]: True where a query sees a key; None: everywhere. A query that sees no key
        is one in the padding, of an empty sequence
    :param shift: [Q, K, d], added to the keys
    :param drop: dropout of the weights [..., heads, Q, K]
    :return: [..., Q, heads · n]
    """
    q, k, v = (_heads_first(value) for value in (q, k, v))
    energy = product(partial(tf.matmul, transpose_b=True), q, k)
    if shift is not None:
        energy += _of_shift(q, shift)
    y = _heads_first(product(tf.matmul, drop(softmax_over_seen(energy, mask)), v))
    return tf.reshape(y, tf.concat([tf.shape(y)[:-2], [y.shape[-2] * y.shape[-1]]], 0))


def _heads_first(x: TFTensor) -> TFTensor:
    """:return: `x` with the axes -3 and -2 in the other order, which is its own inverse"""
    *outer, first, second, last = range(x.shape.rank)
    return tf.transpose(x, [*outer, second, first, last])


def _of_shift(q: TFTensor, shift: TFTensor) -> TFTensor:
    """
    :param q: [..., heads, Q, d]
    :param shift: [Q, K, d]
    :return: [..., heads, Q, K], `q` · `shift` over d. It is one matrix product for each query, with the heads and the outer axes as rows
    """
    *outer, frames, features = range(q.shape.rank)
    sizes = tf.shape(q)
    rows = tf.reshape(tf.transpose(q, [frames, *outer, features]), [sizes[-2], -1, q.shape[-1]])
    energy = product(partial(tf.matmul, transpose_b=True), rows, shift)  # [Q, N, K]
    energy = tf.reshape(energy, tf.concat([sizes[-2:-1], sizes[:-2], [tf.shape(shift)[1]]], 0))
    return tf.transpose(energy, [*(axis + 1 for axis in outer), 0, energy.shape.rank - 1])
