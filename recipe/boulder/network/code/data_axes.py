"""The axes of `Data` for code in net dicts: positions, sizes, roles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from boulder.errors import NetworkError
from boulder.network.axes import BATCH, FEATURE, TIME, Axis
from boulder.network.axis_names import find_axes
from boulder.network.tensor import Tensor

_KINDS = {"b": BATCH, "batch": BATCH, "t": TIME, "time": TIME, "f": FEATURE, "feature": FEATURE}


class _Asking:
    """In place of a `Site`: raises the errors of an axis description."""

    def fail(self, message: str) -> NetworkError:
        return NetworkError(message)


class DataAxes:
    """The part of `SourceData` that a template has, too. Names and meanings are those of RETURNN's `Data`."""

    def __init__(self, name: str, tensor: Tensor) -> None:
        self.name = name
        self._tensor = tensor

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

    def get_axis_from_description(self, axis: object, allow_int: bool = True) -> int:
        """
        :param axis: see `boulder.network.axis_names`
        :return: position
        :raises NetworkError: unless it describes one axis
        """
        found = self.get_axes_from_description(axis)
        if len(found) != 1:
            raise NetworkError(f"{self!r}: {axis!r} describes {len(found)} axes, expected one")
        return found[0]

    def get_axes_from_description(self, axes: object, allow_int: bool = True) -> list[int]:
        """
        :param axes: see `boulder.network.axis_names`
        :return: positions
        :raises NetworkError: if there is no such axis
        """
        if isinstance(axes, int):
            return [axes % self.batch_ndim]
        kind = _KINDS.get(str(axes).lower())
        if kind:
            position = self.time_dim_axis if kind == TIME else self._position(kind)
            if position is None:
                raise NetworkError(f"{self!r} has no axis {axes!r}")
            return [position]
        asking: Any = _Asking()
        found = find_axes(replace(self._tensor.template, axes=self._tensor.axes), axes, asking)
        return [self._tensor.axes.index(axis) for axis in found]

    def has_axis(self, axis: object) -> bool:
        try:
            return bool(self.get_axes_from_description(axis))
        except NetworkError:
            return False

    def _positions(self, *, without: Sequence[str] = (), dynamic: bool | None = None) -> list[int]:
        """
        :param without: kinds of axes
        :param dynamic: only axes that have lengths, or only axes without; None: both
        """
        return [
            i
            for i, axis in enumerate(self._tensor.axes)
            if axis.kind not in without and (dynamic is None or (axis.size is None) == dynamic)
        ]

    def get_dynamic_axes(self) -> list[int]:
        """:return: positions of the axes with a length for each sequence"""
        return self._positions(without=[BATCH], dynamic=True)

    def get_static_axes(self) -> list[int]:
        """:return: positions of the axes of static size"""
        return self._positions(without=[BATCH], dynamic=False)

    def get_spatial_batch_axes(self) -> list[int]:
        """:return: positions of the axes except batch and feature"""
        return self._positions(without=[BATCH, FEATURE])

    def get_spatial_axes(self) -> list[int]:
        """:return: the same, not counting the batch axis"""
        return [axis for i in self.get_spatial_batch_axes() if (axis := self._excluding_batch(i)) is not None]

    def get_feature_batch_axes(self) -> list[int]:
        """:return: positions of feature axes"""
        return [i for i, axis in enumerate(self._tensor.axes) if axis.kind == FEATURE]

    def get_axes(
        self, exclude_time: bool = False, exclude_batch: bool = False, exclude_feature: bool = False
    ) -> list[int]:
        """:return: positions of all axes but those excluded"""
        excluded = {
            self.time_dim_axis if exclude_time else None,
            self.batch_dim_axis if exclude_batch else None,
            self.feature_dim_axis if exclude_feature else None,
        }
        return [i for i in range(self.batch_ndim) if i not in excluded]

    def get_batch_axis(self, axis: int) -> int:
        """:return: position, of one that does not count the batch axis"""
        batch = self.batch_dim_axis
        return axis if batch is None or axis < batch else axis + 1

    def get_batch_axis_excluding_batch(self, axis: int) -> int | None:
        """:return: position not counting the batch axis, of one that counts it; None for the batch axis itself"""
        return None if axis == self.batch_dim_axis else self._excluding_batch(axis)

    def is_time_axis_dynamic(self) -> bool:
        return self.time is not None and self.time.size is None

    def is_axis_dynamic(self, axis: int) -> bool:
        """:param axis: position"""
        return axis in self.get_dynamic_axes()

    has_dynamic_size = is_axis_dynamic

    @property
    def is_batch_feature_major(self) -> bool:
        return (self.batch_dim_axis, self.feature_dim_axis) == (0, 1)

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
    def ndim_dense(self) -> int:
        """:return: number of axes without the batch, as if class indices were features"""
        return self.ndim + self.sparse

    @property
    def batch_ndim_dense(self) -> int:
        return self.batch_ndim + self.sparse

    @property
    def shape_dense(self) -> tuple[int | None, ...]:
        return (*self.shape, self.dim) if self.sparse else self.shape

    @property
    def batch_shape_dense(self) -> tuple[int | None, ...]:
        return (*self.batch_shape, self.dim) if self.sparse else self.batch_shape
