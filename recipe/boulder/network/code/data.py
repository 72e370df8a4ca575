"""`Data` for code in net dicts, which gets it from `source(i, as_data=True)`: a tensor and the positions of its axes.

Names and meanings are those of RETURNN's class `Data` (returnn.tensor.Tensor). Positions count the batch axis, except in
`size_placeholder`, `shape` and `…_excluding_batch`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from boulder.errors import NetworkError, nearest
from boulder.lazy import TFTensor, tf
from boulder.network.axes import BATCH, FEATURE, TIME, Axis
from boulder.network.code.data_axes import DataAxes
from boulder.network.roles import without_axes
from boulder.network.tensor import Tensor


class SourceData(DataAxes):
    """
    The output of a source, or of the layer whose code runs. The latter has no `placeholder` yet, and neither has any while
    the network is planned.
    """

    def __init__(self, name: str, tensor: Tensor, length: Callable[[Axis], TFTensor] | None = None) -> None:
        """
        :param tensor: its `value` is None for the layer whose code runs
        :param length: time axis → int32 [B]; None while planning
        """
        super().__init__(name, tensor)
        self._length = length

    @property
    def placeholder(self) -> TFTensor:
        return self._tensor.value

    @property
    def size_placeholder(self) -> dict[int, TFTensor]:
        """:return: position without the batch axis → int32 [B], for each time axis"""
        times = {i: axis for i, axis in enumerate(self._tensor.axes) if axis.kind == TIME}
        positions = {i: self._excluding_batch(i) for i in times}
        return {position: self._lengths(times[i]) for i, position in positions.items() if position is not None}

    def _lengths(self, axis: Axis) -> TFTensor:
        if self._length is None:
            raise NetworkError(f"{self!r} has no lengths yet while the network is planned")
        return self._length(axis)

    def _time(self) -> Axis:
        if self.time_dim_axis is None:
            raise NetworkError(f"{self!r} has no time axis")
        return self._tensor.axes[self.time_dim_axis]

    def get_sequence_lengths(self) -> TFTensor:
        """:return: int32 [B]"""
        return self._lengths(self._time())

    def get_sequence_mask(self) -> TFTensor:
        """:return: bool [B, T], or [T, B] if the time axis comes first"""
        mask = tf.sequence_mask(self.get_sequence_lengths())
        batch, time = self.batch_dim_axis, self.time_dim_axis
        return tf.transpose(mask) if batch is not None and time is not None and time < batch else mask

    def get_sequence_mask_broadcast(self) -> TFTensor:
        """:return: bool, of the same rank as this, of size 1 along axes other than batch and time"""
        mask = self.get_sequence_mask()
        for position, axis in enumerate(self._tensor.axes):
            if axis.kind not in (BATCH, TIME):
                mask = tf.expand_dims(mask, position)
        return mask

    def get_sequence_lengths_broadcast(self, axis: object = "T") -> TFTensor:
        """:return: int32, of the same rank as this, of size 1 along axes other than the batch"""
        position = self.get_axis_from_description(axis)
        lengths = self._lengths(self._tensor.axes[position])
        return tf.reshape(lengths, [-1 if a.kind == BATCH else 1 for a in self._tensor.axes])

    def get_dynamic_size(self, axis: int) -> TFTensor:
        """
        :param axis: position
        :return: int32 [B], lengths along it
        """
        return self._lengths(self._tensor.axes[axis % self.batch_ndim])

    def get_dim(self, axis: int) -> int | TFTensor:
        """
        :param axis: position
        :return: size, a scalar tensor where it is not static
        """
        size = self.batch_shape[axis]
        return tf.shape(self.placeholder)[axis] if size is None else size

    def get_dynamic_batch_shape(self) -> list[int | TFTensor]:
        """:return: size of each axis, a scalar tensor where it is not static"""
        return [self.get_dim(axis) for axis in range(self.batch_ndim)]

    def get_batch_dim(self) -> TFTensor:
        """:return: scalar, number of sequences"""
        return tf.shape(self.placeholder)[self.get_axis_from_description("B")]

    def time_dimension(self) -> TFTensor:
        """:return: scalar, length of the longest sequence"""
        return tf.shape(self.placeholder)[self.get_axis_from_description("T")]

    # Templates, for a function that gives the `out_type`

    def copy_template(self, name: str | None = None, dtype: str | None = None) -> SourceData:
        """:return: the same axes, without a value"""
        template = self._tensor.template
        template = template if dtype is None else replace(template, dtype=dtype)
        return SourceData(name or self.name, Tensor(None, self._tensor.axes, template), self._length)

    def copy_template_excluding_axis(self, exclude_axis: int, name: str | None = None) -> SourceData:
        """:return: the axes without that at position `exclude_axis`"""
        removed = self._tensor.axes[self.get_axis_from_description(exclude_axis)]
        template = without_axes(self._tensor.template, {removed})
        rest = [axis for axis in self._tensor.template.axes if axis != removed]
        names = dict(zip(rest, template.axes, strict=True))
        axes = tuple(names[axis] for axis in self._tensor.axes if axis != removed)
        return SourceData(name or self.name, Tensor(None, axes, template), self._length)

    def copy_template_excluding_time_dim(self, name: str | None = None) -> SourceData:
        return self.copy_template_excluding_axis(self._tensor.axes.index(self._time()), name)

    def copy_template_excluding_spatial_dim(self, spatial_axis_num: int, name: str | None = None) -> SourceData:
        """:param spatial_axis_num: number among the axes that are neither batch nor features"""
        spatial = [i for i, axis in enumerate(self._tensor.axes) if axis.kind not in (BATCH, FEATURE)]
        return self.copy_template_excluding_axis(spatial[spatial_axis_num], name)

    def copy_move_axis(self, old_axis: int, new_axis: int) -> SourceData:
        axes = list(self._tensor.axes)
        old_axis, new_axis = (self.get_axis_from_description(axis) for axis in (old_axis, new_axis))
        axes.insert(new_axis, axes.pop(old_axis))
        return self._with_axes(axes)

    # Copies with the axes in another order

    def copy(self, name: str | None = None) -> SourceData:
        return SourceData(name or self.name, self._tensor, self._length)

    def _ordered(self, kinds: Sequence[str]) -> SourceData:
        """:return: a copy with the axes of these kinds first"""
        axes = self._tensor.axes
        first = [axis for kind in kinds for axis in axes if axis.kind == kind]
        return self._with_axes([*first, *(axis for axis in axes if axis not in first)])

    def _with_axes(self, axes: Sequence[Axis]) -> SourceData:
        value = None if self.placeholder is None else self._tensor.ordered(axes)
        return SourceData(self.name, replace(self._tensor, value=value, axes=tuple(axes)), self._length)

    def copy_as_batch_major(self) -> SourceData:
        return self._ordered([BATCH])

    def copy_as_time_major(self) -> SourceData:
        self._time()
        return self._ordered([TIME])

    def copy_as_time_batch_major(self) -> SourceData:
        self._time()
        return self._ordered([TIME, BATCH])

    def copy_with_feature_last(self) -> SourceData:
        axes = self._tensor.axes
        return self._with_axes(sorted(axes, key=lambda axis: axis.kind == FEATURE))

    def copy_as_bt_or_tb_major(self) -> SourceData:
        """:return: a copy with batch and time first, in the order which they have"""
        self._time()
        first = sorted((BATCH, TIME), key=lambda kind: self._position(kind) or 0)
        return self._ordered(first)

    def copy_with_batch_dim_axis(self, batch_dim_axis: int) -> SourceData:
        return self.copy_move_axis(self.get_axis_from_description("B"), batch_dim_axis)

    def copy_with_time_dim_axis(self, time_dim_axis: int) -> SourceData:
        return self.copy_move_axis(self.get_axis_from_description("T"), time_dim_axis)

    def copy_with_feature_dim_axis(self, feature_dim_axis: int) -> SourceData:
        return self.copy_move_axis(self.get_axis_from_description("F"), feature_dim_axis)

    def copy_as_batch_feature_major(self) -> SourceData:
        return self._ordered([BATCH, FEATURE])

    def copy_as_batch_spatial_major(self) -> SourceData:
        return self.copy_as_batch_major().copy_with_feature_last()

    def copy_swap_axes(self, axis1: object, axis2: object) -> SourceData:
        axes = list(self._tensor.axes)
        i, j = self.get_axis_from_description(axis1), self.get_axis_from_description(axis2)
        axes[i], axes[j] = axes[j], axes[i]
        return self._with_axes(axes)

    def copy_transpose(self, perm: Sequence[int]) -> SourceData:
        """:param perm: positions in this, in the order of the copy"""
        return self._with_axes([self._tensor.axes[axis] for axis in perm])

    def copy_compatible_to(self, data: SourceData, unbroadcast: bool = False, **_ignored: object) -> SourceData:
        """
        :param data: has all axes of this
        :param unbroadcast: whether the copy has the sizes of `data` along axes that this lacks; otherwise 1
        :return: a copy with the axes of `data`, in their order
        """
        missing = {axis.identity for axis in self._tensor.axes} - {axis.identity for axis in data.axes}
        if missing:
            raise NetworkError(f"copy_compatible_to: {self!r} has axes that {data!r} lacks")
        result = self._with_axes(data.axes)
        if not unbroadcast:
            return result
        value = tf.broadcast_to(result.placeholder, tf.shape(data.placeholder))
        return SourceData(self.name, replace(result._tensor, value=value), self._length)

    def copy_masked(self, mask_value: float) -> SourceData:
        """:return: a copy with this value in the padding"""
        value = tf.where(self.get_sequence_mask_broadcast(), self.placeholder, tf.cast(mask_value, self.dtype))
        return SourceData(self.name, replace(self._tensor, value=value), self._length)

    def get_placeholder_time_flattened(self) -> TFTensor:
        """:return: [frames of all sequences, …], without padding; [B, …] if there is no time axis"""
        if not self.have_time_axis():
            return self.get_placeholder_as_batch_major()
        ordered = self._ordered([BATCH, TIME])
        return tf.boolean_mask(ordered.placeholder, ordered.get_sequence_mask())

    get_placeholder_flattened = get_placeholder_time_flattened

    def get_placeholder_as_batch_major(self) -> TFTensor:
        return self.copy_as_batch_major().placeholder

    def get_placeholder_as_time_major(self) -> TFTensor:
        return self.copy_as_time_major().placeholder

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        known = [name for name in dir(type(self)) if not name.startswith("_")]
        raise MissingAttribute(f"Data has no {name!r} here{nearest(name, ['name', *known])}")

    def __repr__(self) -> str:
        return f"Data {self.name!r} [{', '.join(map(str, self._tensor.axes))}] {self.dtype}"


class MissingAttribute(NetworkError, AttributeError):
    """An attribute that RETURNN's object may have and the one here lacks. `hasattr` returns False for it."""
