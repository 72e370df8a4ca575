"""A TensorFlow tensor with named axes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from boulder.errors import NetworkError
from boulder.lazy import TFTensor, tf
from boulder.network import activations
from boulder.network.axes import FEATURE, Axis
from boulder.network.template import Template


class Deferred(Mapping[str | None, "Tensor"]):
    """
    Tensors that are computed where they are read: most layers' states after the last frame never are.

    :param keys: their keys
    :param compute: key → tensor
    """

    def __init__(self, keys: Iterable[str | None], compute: Callable[[str | None], Tensor]) -> None:
        self._keys, self._compute = tuple(keys), compute

    def __getitem__(self, key: str | None) -> Tensor:
        if key not in self._keys:
            raise KeyError(key)
        return self._compute(key)

    def __iter__(self) -> Iterator[str | None]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)


@dataclass(frozen=True, eq=False)
class Memory:
    """
    The state of a recurrent layer.

    :param first: output before the first frame, of a layer within a loop that is computed for all iterations at once
    :param last: key → state after the last frame of a sequence; within a loop, after each iteration
    """

    first: Tensor | None
    last: Mapping[str | None, Tensor]


@dataclass(frozen=True, eq=False)
class Tensor:
    """
    :param value: tf.Tensor with one dimension for each axis
    :param axes: axes in the order in memory, which may differ from the template's: a layer may be time-major
    :param template: template with the same axes
    :param logits: tf.Tensor of the shape of `value`, before a softmax; losses are numerically stable on logits
    :param memory: state of a recurrent layer
    :param sequence_cost: float32 [B], cost of each sequence, of a soft alignment; infinite without a path

    A time axis has the length of the longest sequence in the batch.
    """

    value: TFTensor
    axes: tuple[Axis, ...]
    template: Template
    logits: TFTensor = None
    memory: Memory | None = None
    sequence_cost: TFTensor = None

    def made(self, value: TFTensor, axes: Sequence[Axis], template: Template) -> Tensor:
        """:return: another tensor: neither logits nor memory carry over"""
        return Tensor(value, tuple(axes), template)

    def renamed(self, axes: Mapping[Axis, Axis], template: Template) -> Tensor:
        """
        :param axes: old axis → new axis
        :return: the same values with other axes
        """
        return Tensor(self.value, tuple(axes.get(axis, axis) for axis in self.axes), template, self.logits)

    def mapped(self, function: Callable[[TFTensor], TFTensor]) -> Tensor:
        """:return: `function` of the value, which keeps its shape"""
        return Tensor(function(self.value), self.axes, self.template)

    def ordered(self, axes: Sequence[Axis], value: TFTensor = None) -> TFTensor:
        """
        :param axes: all axes of this tensor, and possibly more
        :param value: a value with the dimensions of this tensor; None for `self.value`
        :return: tf.Tensor with the dimensions `axes`, of size 1 for an axis that this tensor lacks
        """
        value = self.value if value is None else value
        positions = [self._position(axis) for axis in axes]
        permutation = [position for position in positions if position is not None]
        if len(permutation) < len(self.axes):
            missing = [str(axis) for i, axis in enumerate(self.axes) if i not in permutation]
            raise NetworkError(f"{self.template} has the axes {', '.join(missing)}, which the result lacks")
        if permutation != sorted(permutation):
            value = tf.transpose(value, permutation)
        for i, position in enumerate(positions):
            if position is None:
                value = tf.expand_dims(value, i)
        return value

    def _position(self, axis: Axis) -> int | None:
        """:return: position of the axis, or of a static axis of the same name in another role"""
        if axis in self.axes:
            return self.axes.index(axis)
        return next((i for i, own in enumerate(self.axes) if axis.dim and own.dim == axis.dim), None)

    def logits_ordered(self, axes: Sequence[Axis]) -> TFTensor:
        """:return: logits with the dimensions `axes`, see `ordered`; the logarithm of the values if there was no softmax"""
        if self.logits is not None:
            return self.ordered(axes, self.logits)
        return tf.math.log(tf.maximum(self.ordered(axes), 1e-20))

    def collapsed(
        self, inner: Sequence[Axis]
    ) -> tuple[TFTensor, Callable[[TFTensor, Sequence[Axis], Template], Tensor]]:
        """
        Merges all other axes into one, for operations that take a fixed number of dimensions.

        :param inner: some of this tensor's axes
        :return: tf.Tensor [N, *inner]; and its inverse, a function (tf.Tensor [N, *new], new axes, template) → Tensor
        """
        outer = [axis for axis in self.axes if axis not in inner]
        value = self.ordered([*outer, *inner])
        shape = tf.shape(value)
        flat = tf.reshape(value, tf.concat([[-1], shape[len(outer) :]], 0))
        flat.set_shape([None, *value.shape[len(outer) :]])

        def restore(result: TFTensor, new: Sequence[Axis], template: Template) -> Tensor:
            full = tf.reshape(result, tf.concat([shape[: len(outer)], tf.shape(result)[1:]], 0))
            full.set_shape([*value.shape[: len(outer)], *result.shape[1:]])
            return Tensor(full, (*outer, *new), template)

        return flat, restore

    def feature_last(self) -> Tensor:
        """:return: this tensor with its feature axis last in memory"""
        axes = (*(a for a in self.axes if a.kind != FEATURE), *(a for a in self.axes if a.kind == FEATURE))
        return Tensor(self.ordered(axes), axes, self.template)

    def activated(self, name: str | None, options: Mapping[str, float] | None = None) -> Tensor:
        """:return: this tensor after an activation function with these options, see `boulder.network.activations`"""
        x = self.feature_last()
        logits = x.value if name == "softmax" else None
        return Tensor(activations.apply(name, x.value, options), x.axes, x.template, logits)
