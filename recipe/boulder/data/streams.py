"""The streams of a data set as `extern_data` declares them: dense features [T, D] or [T, …, D], or sparse labels [T]; no T without time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from boulder.errors import DataError, nearest

_OPTIONS = ("dim", "sparse", "shape", "dtype", "sparse_dim", "available_for_inference", "vocab", "time_dim_axis")
_OF_RETURNN = (
    *("name", "dims", "dim_tags", "feature_dim", "batch_dim_axis", "feature_dim_axis", "batch", "beam", "version"),
    *("same_dim_tags_as", "auto_create_placeholders", "control_flow_ctx", "placeholder", "size_placeholder"),
)
"""What RETURNN's `Data` has besides."""


@dataclass(frozen=True)
class Stream:
    """
    :param key: e.g. "data" or "classes"
    :param dim: size of the feature axis, or number of labels; None if unknown, or without a feature axis
    :param sparse: whether the values are labels
    :param dtype: dtype of the arrays; "" becomes int32 for labels and float32 for features
    :param has_feature_axis: False for labels, and for dense streams with one number per frame
    :param has_time_axis: False for one vector, number or label per sequence
    :param inner: sizes of the axes between time and features, such as the microphones of each frame
    """

    key: str
    dim: int | None
    sparse: bool
    dtype: str = ""
    has_feature_axis: bool = True
    has_time_axis: bool = True
    inner: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.dtype:
            object.__setattr__(self, "dtype", "int32" if self.sparse else "float32")
        if self.sparse:
            object.__setattr__(self, "has_feature_axis", False)

    @property
    def feature_shape(self) -> tuple[int | None, ...]:
        """The shape of one frame, or of the sequence if it has no time axis: `(D,)`, `()` or `(…, D)`."""
        return (*self.inner, self.dim) if self.has_feature_axis else self.inner

    @property
    def shape(self) -> tuple[int | None, ...]:
        """The shape of a sequence, with None for a size that is unknown: `(T, D)`, `(T,)`, `(D,)` or `()`."""
        return (None, *self.feature_shape) if self.has_time_axis else self.feature_shape

    def __str__(self) -> str:
        axes = [*(["T"] if self.has_time_axis else []), *map(str, self.feature_shape)]
        if self.sparse:
            return f"sparse labels [{', '.join(axes)}] of dimension {'unknown' if self.dim is None else self.dim}"
        return f"dense features [{', '.join(axes)}]"


def read_extern_data(extern_data: Mapping[str, object]) -> dict[str, Stream]:
    """
    :param extern_data: in RETURNN's form: key → `{"dim": 30, "sparse": True}`, optionally with `shape` and `dtype`; or the
        older `(dim, ndim)`, where ndim 1 means sparse; or only the dimension, which means sparse
    :return: key → `Stream`, in RETURNN's order: "data" first, then sorted
    :raises DataError: for an entry of another form
    """
    if not isinstance(extern_data, Mapping):
        raise DataError(f"extern_data: found {extern_data!r}, expected a dict of data keys")
    keys = sorted(extern_data, key=lambda key: (key != "data", key))
    return {key: _read_entry(key, extern_data[key]) for key in keys}


def output_dims(value: int | Mapping[str, Any]) -> dict[str, Any]:
    """
    :param value: `output_dim` of a data set of RETURNN: stream → (dimension, number of axes), or only the dimension; a number
        is that of "classes"
    :return: as `extern_data`; with only a dimension, "data" are features, and all others labels
    """
    dims = value if isinstance(value, Mapping) else {"classes": value}
    return {key: (dim, 2 if key == "data" else 1) if isinstance(dim, int) else dim for key, dim in dims.items()}


def default_input(extern_data: Mapping[str, object]) -> str | None:
    """
    :param extern_data: see `read_extern_data`
    :return: the stream that the network reads by default: "data", or the only stream with `available_for_inference`; None
        if there is no such stream
    """
    if "data" in extern_data:
        return "data"
    inputs = [key for key, entry in extern_data.items() if _is_input(entry)]
    return inputs[0] if len(inputs) == 1 else None


def _is_input(entry: object) -> bool:
    return isinstance(entry, Mapping) and bool(entry.get("available_for_inference"))


def _read_entry(key: str, entry: object) -> Stream:
    if isinstance(entry, Stream):
        return entry
    if isinstance(entry, int | np.integer):
        return Stream(key, _dim(key, entry), sparse=True)
    if isinstance(entry, tuple | list) and len(entry) == 2 and entry[1] in (1, 2):
        return Stream(key, _dim(key, entry[0]), sparse=entry[1] == 1)
    if not isinstance(entry, Mapping):
        raise DataError(
            f"extern_data[{key!r}]: found {entry!r}, expected a dict with 'dim' and 'sparse', or (dim, ndim)"
        )
    if "dim" not in entry and "shape" not in entry:
        sizes = ("dim", "shape")
        similar = next((option for option in entry if option not in _OPTIONS and nearest(option, sizes)), None)
        but = "" if similar is None else f", but {similar!r}{nearest(similar, sizes)}"
        raise DataError(f"extern_data[{key!r}]: found no 'dim'{but}")
    for option in entry:
        every = (*_OPTIONS, *_OF_RETURNN)
        if option not in every and (near := nearest(str(option), every)):
            raise DataError(f"extern_data[{key!r}]: found {option!r}, which is no option of a stream{near}")
    sparse, shape, has_time = bool(entry.get("sparse", False)), entry.get("shape"), _has_time(key, entry)
    flat = entry.get("feature_dim_axis", -1) is None and entry.get("dim") is None
    has_feature_axis = not (sparse or flat) and (
        len(shape) > has_time if shape is not None else entry.get("dim") is not None
    )
    inner = _inner(key, shape or (), has_time, has_feature_axis, sparse)
    dim = entry.get("dim", shape[-1] if shape and has_feature_axis else None)
    if shape and has_feature_axis and None not in (dim, shape[-1]) and dim != shape[-1]:
        raise DataError(
            f"extern_data[{key!r}]: found 'dim' {dim!r} and 'shape' {tuple(shape)!r}, expected the same size"
        )
    _check_positions(key, entry, has_time + len(inner) + has_feature_axis, has_feature_axis)
    return Stream(
        key,
        None if dim is None else _dim(key, dim),
        sparse=sparse,
        dtype=str(entry.get("dtype") or ""),
        has_feature_axis=has_feature_axis,
        has_time_axis=has_time,
        inner=inner,
    )


def _inner(
    key: str, shape: Sequence[int | None], has_time: bool, has_feature_axis: bool, sparse: bool
) -> tuple[int, ...]:
    """:return: sizes of the axes between time and features"""
    frame = shape[1:] if has_time else shape
    inner = frame[: len(frame) - has_feature_axis]
    time_elsewhere = has_time and None in shape and shape[0] is not None
    if time_elsewhere or (sparse and inner) or not all(isinstance(size, int) for size in inner):
        frames = "(None,), of class indices" if sparse else "(None, dim), or static sizes between these two"
        raise DataError(f"extern_data[{key!r}]: found 'shape' {tuple(shape)!r}, expected {frames}")
    return tuple(_dim(key, size) for size in inner)


def _check_positions(key: str, entry: Mapping[str, object], last: int, has_feature_axis: bool) -> None:
    """
    Checks options of RETURNN that say where axes are: a network asks for them by name, and data sets give time before features.

    :param last: position of the last axis, where the batch is 0
    """
    batch = entry.get("batch_dim_axis", 0)
    if isinstance(batch, bool) or batch not in range(last + 1):
        raise DataError(f"extern_data[{key!r}]: 'batch_dim_axis' must be from 0 to {last}, found {batch!r}")
    expected = (last, -1) if has_feature_axis else (None,)
    feature = entry.get("feature_dim_axis", expected[0])
    if feature not in expected or isinstance(feature, bool):
        raise DataError(f"extern_data[{key!r}]: 'feature_dim_axis' must be {expected[0]}, found {feature!r}")


def _has_time(key: str, entry: Mapping[str, object]) -> bool:
    """:return: as in RETURNN, a stream whose `shape` is static has no time axis"""
    axis: object = entry.get("time_dim_axis", 1)
    if axis is not None and (isinstance(axis, bool) or axis not in (0, 1)):
        raise DataError(f"extern_data[{key!r}]: 'time_dim_axis' must be 0, 1 or None, found {axis!r}")
    shape: Any = entry.get("shape")
    return axis is not None and (shape is None or "time_dim_axis" in entry or None in shape)


def _dim(key: str, dim: object) -> int:
    if not isinstance(dim, int | np.integer) or isinstance(dim, bool) or dim < 1:
        raise DataError(f"extern_data[{key!r}]: found dim {dim!r}, expected an integer of at least 1")
    return int(dim)
