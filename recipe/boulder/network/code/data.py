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
from boulder.network.roles import without_axes
from boulder.network.tensor import Tensor

_KINDS = {"b": BATCH, "batch": BATCH, "t": TIME, "time": TIME, "f": FEATURE, "feature": FEATURE}


class SourceData:
    """
    The output of a source, or of the layer whose code runs. The latter has no `placeholder` yet, and neither has any while
    the network is planned.
    """

    def __init__(self, name: str, tensor: Tensor, length: Callable[[Axis], TFTensor] | None = None) -> None:
        """
        :param tensor: its `value` is None for the layer whose code runs
        :param length: time axis → int32 [B]; None while planning
        """
        self.name = name
        self._tensor, self._length = tensor, length

    @property
    def placeholder(self) -> TFTensor:
        return self._tensor.value

    @property
    def dtype(self) -> str:
        return self._tensor.template.dtype

    @property
    def sparse(self) -> bool:
        return self._tensor.template.sparse_dim is not None

    @property
    def dim(self) -> int | None:
        """:return: number of features, or of classes"""
        return self._tensor.template.dim

    @property
    def axes(self) -> tuple[Axis, ...]:
        """:return: the axes in the order in memory, which only Boulder names"""
        return self._tensor.axes

    @property
    def time(self) -> Axis | None:
        """:return: the axis "T", which only Boulder names"""
        time = self._tensor.template.time
        return time or next((axis for axis in self._tensor.axes if axis.kind == TIME), None)

    # Positions of axes

    def _position(self, kind: str) -> int | None:
        return next((i for i, axis in enumerate(self._tensor.axes) if axis.kind == kind), None)

    @property
    def batch_dim_axis(self) -> int | None:
        return self._position(BATCH)

    @property
    def time_dim_axis(self) -> int | None:
        return None if self.time is None else self._tensor.axes.index(self.time)

    @property
    def feature_dim_axis(self) -> int | None:
        return None if self.sparse else self._position(FEATURE)

    @property
    def time_dim_axis_excluding_batch(self) -> int | None:
        return self._excluding_batch(self.time_dim_axis)

    def _excluding_batch(self, axis: int | None) -> int | None:
        batch = self.batch_dim_axis
        return axis if axis is None or batch is None or axis < batch else axis - 1

    @property
    def is_batch_major(self) -> bool:
        return self.batch_dim_axis == 0

    @property
    def is_time_major(self) -> bool:
        return self.time_dim_axis == 0

    def have_batch_axis(self) -> bool:
        return self.batch_dim_axis is not None

    def have_time_axis(self) -> bool:
        return self.time_dim_axis is not None

    def have_feature_axis(self) -> bool:
        return self.feature_dim_axis is not None

    def get_axis_from_description(self, axis: str | int) -> int:
        """
        :param axis: "B", "T", "F", or a position
        :return: position
        :raises NetworkError: if there is no such axis
        """
        if isinstance(axis, int):
            return axis % self.batch_ndim
        kind = _KINDS.get(str(axis).lower(), "")
        position = self.time_dim_axis if kind == TIME else self._position(kind)
        if position is None:
            raise NetworkError(f"{self!r} has no axis {axis!r}, expected 'B', 'T', 'F' or a number")
        return position

    # Sizes

    @property
    def batch_ndim(self) -> int:
        return len(self._tensor.axes)

    @property
    def ndim(self) -> int:
        return self.batch_ndim - (self.batch_dim_axis is not None)

    @property
    def batch_shape(self) -> tuple[int | None, ...]:
        return tuple(axis.size for axis in self._tensor.axes)

    @property
    def shape(self) -> tuple[int | None, ...]:
        return tuple(axis.size for axis in self._tensor.axes if axis.kind != BATCH)

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
