"""`Data`, as code in net dicts has it from `source(i, as_data=True)`: a tensor that says where its axes are.

Names and meanings are those of RETURNN's class `Data` (returnn.tensor.Tensor). Axes count the batch axis where there is one;
`size_placeholder`, `shape` and `…_excluding_batch` do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from boulder.errors import NetworkError, nearest
from boulder.lazy import tf
from boulder.network.axes import BATCH, FEATURE, TIME, Axis
from boulder.network.tensor import Tensor

_KINDS = {"b": BATCH, "batch": BATCH, "t": TIME, "time": TIME, "f": FEATURE, "feature": FEATURE}


class SourceData:
    """Of a source, or of what a layer is to give, which has no `placeholder` then."""

    def __init__(self, name: str, tensor: Tensor, run) -> None:
        """
        :param tensor: its `value` may be None
        :param run: `boulder.network.run.LayerRun`, which knows the lengths of sequences
        """
        self.name = name
        self._tensor, self._run = tensor, run

    @property
    def placeholder(self):
        """The tf.Tensor."""
        return self._tensor.value

    @property
    def dtype(self) -> str:
        return self._tensor.template.dtype

    @property
    def sparse(self) -> bool:
        return self._tensor.template.sparse_dim is not None

    @property
    def dim(self) -> int | None:
        """Number of features, or of classes."""
        return self._tensor.template.dim

    # Where the axes are

    def _position(self, kind: str) -> int | None:
        return next((i for i, axis in enumerate(self._tensor.axes) if axis.kind == kind), None)

    @property
    def batch_dim_axis(self) -> int | None:
        return self._position(BATCH)

    @property
    def time_dim_axis(self) -> int | None:
        return self._position(TIME)

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
        :param axis: "B", "T", "F", or a number
        :raises NetworkError: if there is none
        """
        if isinstance(axis, int):
            return axis % self.batch_ndim
        position = self._position(_KINDS.get(str(axis).lower(), ""))
        if position is None:
            raise NetworkError(f"{self!r} has no axis {axis!r}; 'B', 'T' and 'F' name those that there may be")
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
    def size_placeholder(self) -> dict[int, object]:
        """Axis, not counting that of the batch, to int32 [B]."""
        axes = enumerate(self._tensor.axes)
        return {self._excluding_batch(i): self._run.length(axis) for i, axis in axes if axis.kind == TIME}

    def _time(self) -> Axis:
        if self.time_dim_axis is None:
            raise NetworkError(f"{self!r} has no time axis")
        return self._tensor.axes[self.time_dim_axis]

    def get_sequence_lengths(self):
        """:return: int32 [B]"""
        return self._run.length(self._time())

    def get_sequence_mask(self):
        """:return: bool [B, T], or [T, B] if the time axis comes first"""
        mask = tf.sequence_mask(self.get_sequence_lengths())
        both = self.batch_dim_axis is not None and self.time_dim_axis is not None
        return tf.transpose(mask) if both and self.time_dim_axis < self.batch_dim_axis else mask

    def get_sequence_mask_broadcast(self):
        """:return: bool, with as many axes as this, of size 1 where they are neither batch nor time"""
        mask = self.get_sequence_mask()
        for position, axis in enumerate(self._tensor.axes):
            if axis.kind not in (BATCH, TIME):
                mask = tf.expand_dims(mask, position)
        return mask

    def get_batch_dim(self):
        """:return: scalar, number of sequences"""
        return tf.shape(self.placeholder)[self.get_axis_from_description("B")]

    def time_dimension(self):
        """:return: scalar, number of frames of the longest sequence"""
        return tf.shape(self.placeholder)[self.get_axis_from_description("T")]

    # In another order

    def copy(self, name: str | None = None) -> SourceData:
        return SourceData(name or self.name, self._tensor, self._run)

    def _ordered(self, kinds: Sequence[str]) -> SourceData:
        """:return: the axes of these kinds first, the others as they are"""
        axes = self._tensor.axes
        first = [axis for kind in kinds for axis in axes if axis.kind == kind]
        return self._with_axes([*first, *(axis for axis in axes if axis not in first)])

    def _with_axes(self, axes: Sequence[Axis]) -> SourceData:
        value = None if self.placeholder is None else self._tensor.ordered(axes)
        return SourceData(self.name, replace(self._tensor, value=value, axes=tuple(axes)), self._run)

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

    def get_placeholder_as_batch_major(self):
        return self.copy_as_batch_major().placeholder

    def get_placeholder_as_time_major(self):
        return self.copy_as_time_major().placeholder

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        known = [name for name in dir(type(self)) if not name.startswith("_")]
        raise MissingAttribute(f"Data has no {name!r} here{nearest(name, ['name', *known])}")

    def __repr__(self) -> str:
        return f"Data {self.name!r} [{', '.join(map(str, self._tensor.axes))}] {self.dtype}"


class MissingAttribute(NetworkError, AttributeError):
    """What RETURNN's object may have, and the one here has not: `hasattr` says so, too."""
