"""The surroundings of a layer's compute half."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from boulder.lazy import TFTensor, tf
from boulder.network.axes import BATCH, FEATURE, Axis, Batch
from boulder.network.common_axes import concatenated
from boulder.network.dims import NetDim, with_in_dim
from boulder.network.input_dropout import InputDropout
from boulder.network.lengths import Lengths
from boulder.network.random_stream import RandomStream
from boulder.network.template import Template
from boulder.network.tensor import Tensor


@dataclass(frozen=True)
class LayerRun:
    """
    One layer in one run of a network: its parameters, sequence lengths, random numbers, and tensors of a template.

    :param name: absolute name of the layer
    :param where: the layer, for messages: "layer 'output' (softmax)"
    :param template: template of the output, from the spec half
    :param sources: names of the sources
    :param paths: name of a parameter within the layer → its path
    :param borrowed: name of a parameter that is that of another layer → function that returns its value
    :param variables: path → value, of all parameters of the network
    :param dropout: dropout on the input
    :param lengths: sequence lengths, shared by all layers
    :param random: random numbers of this layer
    :param updates: path → next value, of the parameters that this run changes; shared by all layers
    :param joint: the sum of a tensor over all replicas, with its gradient
    :param beam_scores: scores with which a search has ended: axis of hypotheses → float32 [B, beam]; layer that decides for one → [B];
        shared by all layers
    :param in_dim: `Dim` of the feature axis of the input
    :param second_derivatives: whether the gradient of the network is differentiated
    """

    name: str
    where: str
    template: Template
    sources: tuple[str, ...]
    paths: Mapping[str, str]
    borrowed: Mapping[str, Callable[[], TFTensor]]
    variables: Mapping[str, TFTensor]
    dropout: InputDropout
    lengths: Lengths
    random: RandomStream
    updates: dict[str, TFTensor]
    joint: Callable[[TFTensor], TFTensor]
    beam_scores: dict[Axis | str, TFTensor]
    in_dim: NetDim | None
    second_derivatives: bool

    def param(self, name: str) -> TFTensor:
        """
        :param name: name within the layer, e.g. "W"
        :return: value of the parameter
        """
        return self.borrowed[name]() if name in self.borrowed else self.variables[self.paths[name]]

    @property
    def param_names(self) -> tuple[str, ...]:
        """:return: names of all parameters within the layer"""
        return (*self.paths, *self.borrowed)

    def update(self, name: str, value: TFTensor) -> None:
        """
        Sets the value that a parameter has after this step of training.

        :param name: name within the layer, of a parameter that is a `statistic`
        :param value: with as many entries as the parameter
        """
        self.updates[self.paths[name]] = tf.reshape(value, tf.shape(self.param(name)))

    def input(self, sources: Sequence[Tensor]) -> Tensor:
        """:return: the sources concatenated along the feature axis, after dropout"""
        x = replace(sources[0], memory=None) if len(sources) == 1 else concatenated(sources)
        if self.in_dim:
            template = with_in_dim(x.template, self.in_dim, self.where)
            x = x.renamed(dict(zip(x.template.axes, template.axes, strict=True)), template)
        return self.dropout.apply(x, self.random)

    # Training and random numbers

    @property
    def train(self) -> bool:
        return self.random.train

    @property
    def step(self) -> TFTensor:
        """:return: int64 scalar, number of the update"""
        return self.random.step

    @property
    def frame(self) -> TFTensor:
        """:return: int32 scalar, number of the iteration; None outside of loops, or where all iterations are computed at once"""
        return self.random.frame

    def random_seed(self, purpose: str) -> TFTensor:
        """See `RandomStream.seed_of`."""
        return self.random.seed_of(purpose)

    def drop(
        self, value: TFTensor, rate: float, purpose: str, shared: Sequence[bool] | None = None, frame: TFTensor = None
    ) -> TFTensor:
        """See `RandomStream.drop`."""
        return self.random.drop(value, rate, purpose, shared, frame)

    # Sequence lengths

    @property
    def batch_size(self) -> TFTensor:
        """:return: int32 scalar"""
        return self.lengths.batch_size

    def length(self, time: Axis) -> TFTensor:
        """:return: int32 [B], length of each sequence; of the hypotheses of a search, int32 [B, beam]"""
        return self.lengths.of(time)

    def length_axes(self, time: Axis) -> tuple[Axis, ...]:
        """:return: axes of `length(time)`"""
        return self.lengths.axes(time)

    def length_over(self, axes: Sequence[Axis], time: Axis) -> TFTensor:
        """:return: int32, `length(time)` with the dimensions `axes`, of size 1 where it does not depend on one"""
        return self.lengths.over(axes, time)

    def set_length(self, time: Axis, lengths: TFTensor, axes: tuple[Axis, ...] = (Batch,)) -> None:
        """
        :param lengths: int32
        :param axes: axes of `lengths`
        """
        self.lengths.set(time, lengths, axes)

    def set_length_from(self, time: Axis, old: Axis, function: Callable[[TFTensor], TFTensor]) -> None:
        """:param function: lengths along `old` → lengths along `time`, which this layer makes"""
        self.lengths.set_from(time, old, function)

    def define_length(self, time: Axis, axes: tuple[Axis, ...], function: Callable[[], TFTensor]) -> None:
        """:param function: computes the lengths along `time`, with the dimensions `axes`, from lengths along other axes"""
        self.lengths.define(time, axes, function)

    def frames(self, time: Axis) -> TFTensor:
        """:return: int32 scalar, the length to which sequences are padded"""
        return self.lengths.longest(time)

    def mask(self, time: Axis) -> TFTensor:
        """:return: float32 [B, T], 1 for frames and 0 for padding"""
        return self.lengths.mask(time)

    def reversal(self, time: Axis) -> TFTensor:
        """:return: int32 [T, B], order of frames in which each sequence is backwards, see `boulder.network.reversal`"""
        return self.lengths.reversal(time)

    def mask_over(self, axes: Sequence[Axis], time: Axis) -> TFTensor:
        """:return: bool, True for frames along `time`, with the dimensions `axes`, of size 1 where it does not depend on one"""
        return self.lengths.mask_over(axes, time)

    def with_same_lengths(self, value: TFTensor, time: Axis, target_time: Axis) -> TFTensor:
        """
        Fails at run time if the lengths along two axes differ, see `boulder.network.equal_lengths`. Equal ones are padded
        equally.

        :return: the value; what is computed from it waits for the check, and so does not fail first
        """
        return value if time == target_time else self.lengths.checked(value, self.name, time, target_time)

    # Tensors of a template

    @staticmethod
    def tensor(value: TFTensor, axes: Sequence[Axis], template: Template) -> Tensor:
        """:return: `value`, whose dimensions are `axes`"""
        return Tensor(value, tuple(axes), template)

    def shape(self, axes: Sequence[Axis]) -> TFTensor:
        """:return: int32 [number of axes], shape of a tensor with these axes"""
        return tf.stack([self._size(axis) for axis in axes]) if axes else tf.zeros([0], tf.int32)

    def _size(self, axis: Axis) -> TFTensor | int:
        if axis.kind == BATCH:
            return self.batch_size
        return self.frames(axis) if axis.has_lengths else axis.known_size

    def full(self, template: Template, value: float | int | bool) -> Tensor:
        """:return: a tensor whose entries are all `value`"""
        filled = tf.fill(self.shape(template.axes), tf.constant(value, template.dtype))
        filled.set_shape([axis.size for axis in template.axes])
        return Tensor(filled, template.axes, template)

    def broadcast(self, x: Tensor, template: Template) -> Tensor:
        """:return: `x` with the axes and the dtype of `template`"""
        value = tf.cast(x.ordered(template.axes), template.dtype)
        if len(x.axes) < len(template.axes):
            value = tf.broadcast_to(value, self.shape(template.axes))
        value.set_shape([axis.size for axis in template.axes])
        return Tensor(value, template.axes, template)

    def broadcast_to(self, x: Tensor, outer: Sequence[Axis]) -> TFTensor:
        """:return: `x` with the dimensions `outer`, at their full sizes, and its feature axis last"""
        value = x.ordered([*outer, x.template.required(FEATURE)])
        return tf.broadcast_to(value, tf.concat([self.shape(outer), [value.shape[-1]]], 0))

    def over_loop(self, x: Tensor, loop: Axis) -> Tensor:
        """:return: `x` with the axis of a loop, repeated along it if `x` lacks it"""
        if loop in x.axes:
            return x
        value = tf.repeat(tf.expand_dims(x.value, 0), self.frames(loop), axis=0)
        return Tensor(value, (loop, *x.axes), replace(x.template, axes=(loop, *x.template.axes)))
