"""The compute half: NetworkSpec + parameters + a batch → outputs and losses, as TensorFlow operations."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce

from boulder.errors import NetworkError
from boulder.lazy import tf
from boulder.network.axes import FEATURE, Axis, Batch
from boulder.network.describe import LayerSpec, NetworkSpec
from boulder.network.loss import LossValue
from boulder.network.template import Template, broadcast, concatenated
from boulder.network.tensor import Tensor


@dataclass(frozen=True)
class NetworkOutput:
    """
    :param layers: name → output
    :param losses: layer name → sums over the batch
    :param lengths: time axis → int32 [B]
    """

    layers: dict[str, Tensor]
    losses: dict[str, LossValue]
    lengths: dict[Axis, object]


def run_network(
    spec: NetworkSpec,
    params: Mapping[str, object],
    data: Mapping[str, object],
    lengths: Mapping[str, object],
    *,
    train: bool = False,
    seed: int = 0,
    step: object = 0,
    losses: bool = True,
) -> NetworkOutput:
    """
    :param params: path → variable or tensor
    :param data: key → [B, T, …], for the streams that the network uses; what stands in the padding does not matter
    :param lengths: key → int32 [B]
    :param train: whether there is dropout
    :param seed: with `step` (a scalar tensor) and the layer's name it selects the random stream
    :param losses: False where there are no targets, as in search
    """
    state = _State(spec, params, train, seed, step)
    for key in spec.extern_data:
        if key in data:
            state.add_stream(key, data[key], lengths)
    for name, layer in spec.layers.items():
        run = LayerRun(state, layer)
        state.outputs[name] = layer.layer.compute(run, *(state.output(source) for source in layer.sources))
    values = {}
    for name, loss in spec.losses.items() if losses else ():
        run = LayerRun(state, spec.layers[name])
        values[name] = loss.loss.compute(run, state.outputs[name], state.output(f"data:{loss.target}"))
    return NetworkOutput(state.outputs, values, state.lengths)


@dataclass
class _State:
    spec: NetworkSpec
    params: Mapping[str, object]
    train: bool
    seed: int
    step: object
    outputs: dict[str, Tensor] = field(default_factory=dict)
    lengths: dict[Axis, object] = field(default_factory=dict)

    streams: dict[str, Tensor] = field(default_factory=dict)

    def add_stream(self, key: str, value, lengths: Mapping[str, object]) -> None:
        template = self.spec.extern_data[key]
        value = tf.cast(value, template.dtype)
        if value.shape.rank not in (None, len(template.axes)):
            raise NetworkError(
                f"data stream {key!r} should be {template}, but a batch of it has the shape {value.shape}"
            )
        if template.time:
            self.lengths[template.time] = tf.cast(lengths[key], tf.int32)
            value = value[:, : tf.reduce_max(self.lengths[template.time])]
        self.streams[f"data:{key}"] = Tensor(value, template.axes, template)

    def output(self, source: str) -> Tensor:
        """:return: of a layer, or the data stream of "data:KEY" """
        return self.outputs[source] if source in self.outputs else self.streams[source]


@dataclass(frozen=True)
class LayerRun:
    """What a layer's compute half may use: its parameters, the sequence lengths, dropout, and its sources as one."""

    _state: _State
    spec: LayerSpec

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def template(self) -> Template:
        """:return: what the spec half said of the output"""
        return self.spec.template

    def param(self, name: str):
        return self._state.params[next(param.path for param in self.spec.params if param.name == name)]

    # Lengths

    def length(self, time: Axis):
        """:return: int32 [B], number of frames of each sequence"""
        return self._state.lengths[time]

    def set_length(self, time: Axis, lengths) -> None:
        self._state.lengths[time] = lengths

    def mask(self, time: Axis):
        """:return: float32 [B, T], 1 for frames and 0 for padding"""
        return tf.sequence_mask(self.length(time), dtype=tf.float32)

    def mask_over(self, axes: Sequence[Axis], time: Axis):
        """:return: bool, True for frames along `time`; its dimensions are `axes`, of size 1 for those it does not depend on"""
        mask = Tensor(tf.sequence_mask(self.length(time)), (Batch, time), Template((Batch, time), "bool"))
        return mask.ordered(axes)

    def check_same_lengths(self, time: Axis, target_time: Axis) -> None:
        """Fails at run time if two time axes that should agree do not. If they do, they are also padded to one length."""
        if time != target_time:
            message = f"layer {self.name!r}: output and target of its loss differ in their numbers of frames"
            tf.debugging.assert_equal(self.length(time), self.length(target_time), message)

    # Sources

    def input(self, sources: Sequence[Tensor]) -> Tensor:
        """:return: the sources concatenated along the feature axis, after dropout"""
        x = sources[0] if len(sources) == 1 else self._concatenated(sources)
        rate = getattr(self.spec.layer, "dropout", 0.0)
        if not rate or not self._state.train:
            return x
        shared = self.spec.layer.dropout_shared_over()
        return Tensor(self.drop(x.value, rate, "input", [axis.kind in shared for axis in x.axes]), x.axes, x.template)

    def _concatenated(self, sources: Sequence[Tensor]) -> Tensor:
        template, outer = concatenated(source.template for source in sources), _outer_axes(sources)
        values = [source.ordered([*outer, source.template.feature]) for source in sources]
        if any(len(source.axes) <= len(outer) for source in sources):
            shape = reduce(tf.broadcast_dynamic_shape, [tf.shape(value)[:-1] for value in values])
            values = [tf.broadcast_to(value, tf.concat([shape, [value.shape[-1]]], 0)) for value in values]
        return Tensor(tf.concat(values, axis=-1), (*outer, template.feature), template)

    def broadcast_axes(self, sources: Sequence[Tensor]) -> tuple[Axis, ...]:
        """:return: an order of all the axes of all the sources, the feature axis last"""
        feature = broadcast([source.template for source in sources]).feature
        return (*_outer_axes(sources), feature) if feature else _outer_axes(sources)

    @staticmethod
    def static_size(axis: Axis, sources: Sequence[Tensor]) -> int | None:
        """:return: number of entries along `axis`, if TensorFlow knows it while the function is traced"""
        if axis.size is not None:
            return axis.size
        sizes = (source.value.shape[source.axes.index(axis)] for source in sources if axis in source.axes)
        return next((size for size in sizes if size is not None), None)

    def aligned(self, sources: Sequence[Tensor]) -> list:
        """:return: a tf.Tensor for each source, in one order of axes and with dimensions of size 1 for those it lacks"""
        axes = self.broadcast_axes(sources)
        result = []
        for source in sources:
            own = source.template.feature
            result.append(source.ordered([own if axis.kind == FEATURE and own else axis for axis in axes]))
        return result

    def collapsed(self, x: Tensor, inner: Sequence[Axis]):
        """
        For operations that want a certain number of dimensions, whatever further axes `x` has (a batch, a loop, a beam).

        :param inner: axes of `x`
        :return: tf.Tensor [N, *inner], in which all other axes of `x` are one; and a function that makes a Tensor of a
            tf.Tensor [N, *new]: `restore(value, new_axes, template)`
        """
        outer = [axis for axis in x.axes if axis not in inner]
        value = x.ordered([*outer, *inner])
        shape = tf.shape(value)
        flat = tf.reshape(value, tf.concat([[-1], shape[len(outer) :]], 0))
        flat.set_shape([None, *value.shape[len(outer) :]])

        def restore(result, new: Sequence[Axis], template: Template) -> Tensor:
            full = tf.reshape(result, tf.concat([shape[: len(outer)], tf.shape(result)[1:]], 0))
            full.set_shape([*value.shape[: len(outer)], *result.shape[1:]])
            return Tensor(full, (*outer, *new), template)

        return flat, restore

    # Operations

    def embed(self, x: Tensor, table) -> Tensor:
        """:return: the rows of `table` [classes, n] that the class indices `x` name"""
        return Tensor(tf.gather(table, x.value), (*x.axes, self.template.feature), self.template)

    def project(self, x: Tensor, matrix) -> Tensor:
        """:return: `x` times `matrix` [input, n], along the feature axis"""
        x = x.feature_last()
        n_in, n_out = matrix.shape
        outer = tf.shape(x.value)[:-1]
        value = tf.reshape(tf.matmul(tf.reshape(x.value, [-1, n_in]), matrix), tf.concat([outer, [n_out]], 0))
        value.set_shape([*x.value.shape[:-1], n_out])
        return Tensor(value, (*x.axes[:-1], self.template.feature), self.template)

    def drop(self, value, rate: float, what: str, shared: Sequence[bool] | None = None):
        """
        :param what: names the random stream within the layer
        :param shared: for each axis, whether all along it is dropped or kept together
        :return: in training, `value` with entries set to 0 with probability `rate`, the others divided by 1 - rate
        """
        if not rate or not self._state.train:
            return value
        value = tf.convert_to_tensor(value)
        digest = hashlib.sha256(f"{self._state.seed}:{self.name}:{what}".encode()).digest()
        stream = int.from_bytes(digest[:8], "big", signed=True)
        seed = tf.stack([tf.constant(stream, tf.int64), tf.cast(self._state.step, tf.int64)])
        shape = tf.shape(value) if shared is None else tf.where(shared, 1, tf.shape(value))
        uniform = tf.random.stateless_uniform(shape, seed, dtype=value.dtype)
        return tf.where(uniform >= rate, value / (1 - rate), tf.zeros_like(value))


def _outer_axes(sources: Sequence[Tensor]) -> tuple[Axis, ...]:
    """:return: the axes of all the sources but for the feature axis, in the order of the one with most, to move little"""
    widest = max(sources, key=lambda source: len(source.axes))
    return tuple(dict.fromkeys(a for source in (widest, *sources) for a in source.axes if a.kind != FEATURE))


def uses_streams(spec: NetworkSpec, losses: bool = True) -> set[str]:
    """:return: keys of the data streams that the network reads"""
    used = {s.removeprefix("data:") for layer in spec.layers.values() for s in layer.sources if s not in spec.layers}
    return used | ({loss.target for loss in spec.losses.values()} if losses else set())
