"""The compute half: NetworkSpec + parameters + a batch → outputs and losses, as TensorFlow operations."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce

from boulder.errors import NetworkError
from boulder.lazy import tf
from boulder.network.axes import BATCH, DYNAMIC, FEATURE, LOOP, Axis, Batch
from boulder.network.loss import LossValue
from boulder.network.specs import LayerSpec, NetworkSpec
from boulder.network.template import Template, broadcast, concatenated
from boulder.network.tensor import Tensor


@dataclass(frozen=True)
class NetworkOutput:
    """
    :param layers: name → output
    :param losses: layer name → sums over the batch
    :param lengths: time axis → int32 [B]
    :param beam_scores: axis of hypotheses → float32 [B, beam], of those that a search has ended with
    """

    layers: dict[str, Tensor]
    losses: dict[str, LossValue]
    lengths: dict[Axis, object]
    beam_scores: dict[Axis, object]

    def best(self, beam: Axis):
        """:return: int32 [B], the hypothesis of the highest score"""
        return tf.argmax(self.beam_scores[beam], axis=1, output_type=tf.int32)


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
    for layer in spec.layers.values():
        state.compute(layer)
    values = {}
    for name, loss in spec.losses.items() if losses else ():
        run = LayerRun(state, spec.layers[name])
        target = state.output(f"data:{loss.target}") if loss.target else None
        values[name] = loss.loss.compute(run, _outside(run, state.outputs[name]), target)
    lengths = {time: found() for time, found in state.lengths.items()}
    return NetworkOutput(state.outputs, values, lengths, state.beam_scores)


@dataclass
class _State:
    spec: NetworkSpec
    params: Mapping[str, object]
    train: bool
    seed: int
    step: object
    outputs: dict[str, Tensor] = field(default_factory=dict)
    lengths: dict[Axis, Callable] = field(default_factory=dict)  # called in the graph that asks, be it a loop's or not
    length_axes: dict[Axis, tuple[Axis, ...]] = field(default_factory=dict)  # of those that are not per sequence
    streams: dict[str, Tensor] = field(default_factory=dict)
    frame: object = None  # number of the iteration, within a loop
    beam_scores: dict[Axis, object] = field(default_factory=dict)

    def within(self, outputs: dict[str, Tensor], frame) -> _State:
        """:return: the state of one iteration of a loop"""
        return replace(self, outputs=outputs, frame=frame)

    def compute(self, layer: LayerSpec) -> None:
        """Puts a layer's output, or the several ones of a loop, into `outputs`."""
        result = layer.layer.compute(LayerRun(self, layer), *(self.output(source) for source in layer.sources))
        self.outputs.update(result if isinstance(result, dict) else {layer.name: result})

    def add_stream(self, key: str, value, lengths: Mapping[str, object]) -> None:
        template = self.spec.extern_data[key]
        value = tf.cast(value, template.dtype)
        if value.shape.rank not in (None, len(template.axes)):
            raise NetworkError(
                f"data stream {key!r} should be {template}, but a batch of it has the shape {value.shape}"
            )
        if template.time:
            frames = tf.cast(lengths[key], tf.int32)
            self.lengths[template.time] = lambda: frames
            value = value[:, : tf.reduce_max(frames)]
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

    def inside(self, outputs: dict[str, Tensor], frame) -> LayerRun:
        """
        :param outputs: name → what there is in this iteration of a loop; what is computed is put there
        :param frame: its number
        """
        return LayerRun(self._state.within(outputs, frame), self.spec)

    def run(self, spec: LayerSpec) -> LayerRun:
        """:return: that of another layer beside this one"""
        return LayerRun(self._state, spec)

    def of(self, spec: LayerSpec, outputs: dict[str, Tensor]) -> LayerRun:
        """:return: that of a layer within this loop, before its first iteration"""
        return self.inside(outputs, None).run(spec)

    @property
    def template(self) -> Template:
        """:return: what the spec half said of the output"""
        return self.spec.template

    @property
    def train(self) -> bool:
        return self._state.train

    @property
    def step(self):
        """:return: int64 scalar, number of the update"""
        return tf.cast(self._state.step, tf.int64)

    @property
    def frame(self):
        """:return: int32 scalar, number of the iteration; None outside of loops, or where all are computed at once"""
        return self._state.frame

    def param(self, name: str):
        return self._state.params[next(param.path for param in self.spec.params if param.name == name)]

    # Lengths

    def length(self, time: Axis):
        """:return: int32 [B], number of frames of each sequence; of the hypotheses of a search, [B, beam]"""
        return tf.fill([self.batch_size], time.size) if time.size else self._state.lengths[time.as_time()]()

    def set_length(self, time: Axis, lengths, axes: tuple[Axis, ...] = (Batch,)) -> None:
        """
        :param axes: those of `lengths`
        """
        self._state.lengths[time] = lambda: lengths
        self._state.length_axes[time] = axes

    def set_length_from(self, time: Axis, old: Axis, function: Callable) -> None:
        """:param function: lengths along `old` → along `time`; known outside of a loop, too, that makes `time` within"""
        if time not in self._state.lengths:
            self._state.lengths[time] = lambda: function(self.length(old))
            self._state.length_axes[time] = self.length_axes(old)

    def length_axes(self, time: Axis) -> tuple[Axis, ...]:
        return self._state.length_axes.get(time.as_time(), (Batch,))

    def scores(self, beam: Axis):
        """:return: float32 [B, beam], of the hypotheses that a search has ended with"""
        return self._state.beam_scores[beam]

    def set_scores(self, beam: Axis, scores) -> None:
        self._state.beam_scores[beam] = scores

    def frames(self, time: Axis):
        """:return: int32 scalar, to which length sequences are padded along `time`"""
        return tf.reduce_max(self.length(time))

    @property
    def batch_size(self):
        """:return: int32 scalar"""
        return tf.shape(next(iter(self._state.streams.values())).value)[0]  # batch is their first axis

    def mask(self, time: Axis):
        """:return: float32 [B, T], 1 for frames and 0 for padding"""
        return tf.sequence_mask(self.length(time), dtype=tf.float32)

    def length_over(self, axes: Sequence[Axis], time: Axis):
        """:return: int32, the lengths along `time`; dimensions are `axes`, of size 1 for those they do not depend on"""
        own = self.length_axes(time)
        return Tensor(self.length(time), own, Template(own, "int32")).ordered(axes)

    def mask_over(self, axes: Sequence[Axis], time: Axis):
        """:return: bool, True for frames along `time`; its dimensions are `axes`, of size 1 for those it does not depend on"""
        own = (*self.length_axes(time), time)
        return Tensor(tf.sequence_mask(self.length(time)), own, Template(own, "bool")).ordered(axes)

    def check_same_lengths(self, time: Axis, target_time: Axis) -> None:
        """Fails at run time if two time axes that should agree do not. If they do, they are also padded to one length."""
        if time != target_time:
            message = f"layer {self.name!r}: output and target of its loss differ in their numbers of frames"
            tf.debugging.assert_equal(self.length(time), self.length(target_time), message)

    # Sources

    def input(self, sources: Sequence[Tensor]) -> Tensor:
        """:return: the sources concatenated along the feature axis, after dropout"""
        x = replace(sources[0], memory=None) if len(sources) == 1 else self._concatenated(sources)
        rate = getattr(self.spec.layer, "dropout", 0.0)
        if not rate or not self._state.train:
            return x
        shared = self.spec.layer.dropout_shared_over()
        value = x.value
        if LOOP not in shared and LOOP in {axis.kind for axis in x.axes}:
            value = self._drop_frame_by_frame(x, rate, [axis.kind in shared for axis in x.axes])
        else:
            frame = self._state.frame if LOOP not in shared else None
            value = self.drop(value, rate, "input", [axis.kind in shared for axis in x.axes], frame)
        return Tensor(value, x.axes, x.template)

    def _drop_frame_by_frame(self, x: Tensor, rate: float, shared: Sequence[bool]):
        """:return: what `drop` makes of `x` in each iteration of its loop, one after the other"""
        position = next(i for i, axis in enumerate(x.axes) if axis.kind == LOOP)
        order = [position, *(i for i in range(len(x.axes)) if i != position)]
        frames = tf.transpose(x.value, order)
        inner = [shared[i] for i in order[1:]]
        dropped = tf.map_fn(
            lambda item: self.drop(item[1], rate, "input", inner, item[0]),
            (tf.range(tf.shape(frames)[0]), frames),
            fn_output_signature=frames.dtype,
        )
        dropped.set_shape(frames.shape)
        return tf.transpose(dropped, [order.index(i) for i in range(len(order))])

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

    # Tensors of a template

    @staticmethod
    def tensor(value, axes: Sequence[Axis], template: Template) -> Tensor:
        return Tensor(value, tuple(axes), template)

    def shape(self, axes: Sequence[Axis]):
        """:return: int32 [number of axes], how large a tensor with these axes is"""
        return tf.stack([self._size(axis) for axis in axes]) if axes else tf.zeros([0], tf.int32)

    def _size(self, axis: Axis):
        if axis.kind == BATCH:
            return self.batch_size
        return self.frames(axis) if axis.kind in DYNAMIC else tf.constant(axis.size)

    def full(self, template: Template, value) -> Tensor:
        """:return: a tensor of which every entry is `value`"""
        filled = tf.fill(self.shape(template.axes), tf.cast(value, template.dtype))
        filled.set_shape([axis.size for axis in template.axes])
        return Tensor(filled, template.axes, template)

    def broadcast(self, x: Tensor, template: Template) -> Tensor:
        """:return: `x` with all the axes of `template`, in their order"""
        value = tf.cast(x.ordered(template.axes), template.dtype)
        if len(x.axes) < len(template.axes):
            value = tf.broadcast_to(value, self.shape(template.axes))
        value.set_shape([axis.size for axis in template.axes])
        return Tensor(value, template.axes, template)

    def broadcast_to(self, x: Tensor, outer: Sequence[Axis]):
        """:return: tf.Tensor whose dimensions are `outer`, all of them there, and `x`'s features"""
        value = x.ordered([*outer, x.template.feature])
        return tf.broadcast_to(value, tf.concat([self.shape(outer), [value.shape[-1]]], 0))

    def over_loop(self, x: Tensor, loop: Axis) -> Tensor:
        """:return: `x` for each iteration of the loop, though it be the same in all"""
        if loop in x.axes:
            return x
        value = tf.repeat(tf.expand_dims(x.value, 0), self.frames(loop), axis=0)
        return Tensor(value, (loop, *x.axes), replace(x.template, axes=(loop, *x.template.axes)))

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

    def random_seed(self, what: str):
        """
        :param what: names the random stream within the layer
        :return: int64 [2], for TensorFlow's stateless random functions: another at each step
        """
        digest = hashlib.sha256(f"{self._state.seed}:{self.name}:{what}".encode()).digest()
        stream = int.from_bytes(digest[:8], "big", signed=True)
        return tf.stack([tf.constant(stream, tf.int64), self.step])

    def drop(self, value, rate: float, what: str, shared: Sequence[bool] | None = None, frame=None):
        """
        :param what: names the random stream within the layer
        :param shared: for each axis, whether all along it is dropped or kept together
        :param frame: int32 scalar, number of the iteration of a loop, if each draws anew
        :return: in training, `value` with entries set to 0 with probability `rate`, the others divided by 1 - rate
        """
        if not rate or not self._state.train:
            return value
        value, seed = tf.convert_to_tensor(value), self.random_seed(what)
        if frame is not None:
            seed = tf.random.experimental.stateless_fold_in(seed, frame)
        shape = tf.shape(value) if shared is None else tf.where(shared, 1, tf.shape(value))
        uniform = tf.random.stateless_uniform(shape, seed, dtype=value.dtype)
        return tf.where(uniform >= rate, value / (1 - rate), tf.zeros_like(value))


def _outside(run: LayerRun, output: Tensor) -> Tensor:
    """:return: a layer's output as a loss sees it: the iterations of its loop are frames of a sequence"""
    loop = next((axis for axis in reversed(output.template.axes) if axis.kind == LOOP), None)
    if loop is None:
        return output
    return output.renamed({loop: loop.as_time()}, output.template.with_axis_replaced(loop, loop.as_time()))


def _outer_axes(sources: Sequence[Tensor]) -> tuple[Axis, ...]:
    """:return: the axes of all the sources but for the feature axis, in the order of the one with most, to move little"""
    widest = max(sources, key=lambda source: len(source.axes))
    return tuple(dict.fromkeys(a for source in (widest, *sources) for a in source.axes if a.kind != FEATURE))


def uses_streams(spec: NetworkSpec, losses: bool = True) -> set[str]:
    """:return: keys of the data streams that the network reads"""
    used = {s.removeprefix("data:") for layer in spec.layers.values() for s in layer.sources if s not in spec.layers}
    return used | ({loss.target for loss in spec.losses.values() if loss.target} if losses else set())
