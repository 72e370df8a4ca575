"""Templates: axes, dtype and number of classes of a tensor, known before it is computed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from boulder.data.streams import Stream, read_extern_data
from boulder.errors import NetworkError
from boulder.network.axes import BATCH, FEATURE, SPATIAL, TIME, Axis, Batch, Feature, Spatial, Time

DTYPES = ("float32", "float64", "float16", "int32", "int64", "int16", "int8", "uint8", "uint16", "bool", "complex64")


@dataclass(frozen=True)
class Template:
    """
    :param axes: named axes, in the order of messages; the compute half chooses the order in memory
    :param dtype: "float32", "int32", "bool", …
    :param sparse_dim: number of classes if the entries are class indices; there is no feature axis then
    """

    axes: tuple[Axis, ...]
    dtype: str = "float32"
    sparse_dim: int | None = None

    def axis(self, kind: str) -> Axis | None:
        """:return: the axis of that kind, or None"""
        return next((a for a in self.axes if a.kind == kind), None)

    def required(self, kind: str) -> Axis:
        """
        :return: the axis of that kind
        :raises NetworkError: if there is none
        """
        axis = self.axis(kind)
        if axis is None:
            raise NetworkError(f"needs a {kind} axis, found {self}")
        return axis

    @property
    def batch(self) -> Axis | None:
        return self.axis(BATCH)

    @property
    def time(self) -> Axis | None:
        return self.axis(TIME)

    @property
    def feature(self) -> Axis | None:
        return self.axis(FEATURE)

    @property
    def dim(self) -> int | None:
        """:return: size of the feature axis, or the number of classes; None if there is neither"""
        return self.sparse_dim if self.sparse_dim is not None else (self.feature.size if self.feature else None)

    def with_feature(self, size: int | None) -> Template:
        """:return: the template of float32 values with a feature axis of `size` entries, last, in place of classes or another feature axis"""
        return Template((*(a for a in self.axes if a.kind != FEATURE), Feature(size)))

    def with_axis_replaced(self, old: Axis, new: Axis) -> Template:
        return replace(self, axes=tuple(new if a == old else a for a in self.axes))

    def __str__(self) -> str:
        sparse = f", {self.sparse_dim} classes" if self.sparse_dim is not None else ""
        return f"[{', '.join(map(str, self.axes))}]{sparse} {self.dtype}"


def broadcast(templates: Iterable[Template], apart: bool = False) -> Template:
    """
    :param apart: whether different time axes of one data stream, such as pooled and original frames, may be different axes
        of the result; otherwise they are a mistake, unless they differ by the name that a layer gave to one of them
    :return: the template with the axes of all templates, where the first time axis is that of the first with most axes; a
        feature axis of size 1 is broadcast to a larger one
    :raises NetworkError: if two feature axes have different sizes, or for two time axes of one data stream
    """
    templates = list(templates)
    axes: list[Axis] = []
    for template in sorted(templates, key=lambda t: -len(t.axes)):
        for axis in template.axes:
            same = next((i for i, a in enumerate(axes) if a.identity == axis.identity), None)
            same_kind = next((i for i, a in enumerate(axes) if a.kind == FEATURE and axis.kind == FEATURE), None)
            if same is not None:
                continue
            if same_kind is None or (axis.dim and axes[same_kind].dim):  # two names are two axes
                axes.append(axis)
            elif axes[same_kind].size == 1:
                axes[same_kind] = axis
            elif axis.size == axes[same_kind].size:
                axes[same_kind] = axis if axis.dim else axes[same_kind]
            elif axis.size not in (1, axes[same_kind].size):
                raise NetworkError(
                    f"sources with features of sizes {axes[same_kind].size} and {axis.size} cannot be combined"
                )
    axes.sort(key=lambda a: a.kind == FEATURE)  # the feature axis comes last
    for i, axis in enumerate(axes[:-1]):
        if axis.kind == FEATURE:
            axes[i] = replace(axis, kind=SPATIAL)
    times = [a for a in axes if a.kind == TIME]
    unnamed = [axis for axis in times if not axis.is_renamed]
    alike = len({axis.stream for axis in unnamed}) < len(unnamed)
    if alike and not apart and not any(set(times) <= set(t.axes) for t in templates):
        raise NetworkError(f"sources with different time axes, {' and '.join(map(str, times))}, cannot be combined")
    dtype = next((t.dtype for t in templates if t.dtype.startswith("float")), templates[0].dtype)
    sparse = {t.sparse_dim for t in templates}
    return Template(tuple(axes), dtype, sparse.pop() if len(sparse) == 1 else None)


def concatenated(templates: Iterable[Template]) -> Template:
    """
    :param templates: each with a feature axis of known size
    :return: the template of their concatenation along the feature axis
    :raises NetworkError: if their dtypes differ, or their other axes do not fit together
    """
    templates = list(templates)
    if len(templates) == 1:
        return templates[0]
    dtypes = sorted({template.dtype for template in templates})
    if len(dtypes) > 1:
        raise NetworkError(f"sources of different types, {' and '.join(dtypes)}, cannot be concatenated")
    outer = broadcast([template.with_feature(1) for template in templates])
    times = [axis for axis in outer.axes if axis.kind == TIME]
    if len(times) > 1 and all(len(template.axes) < len(outer.axes) for template in templates):
        raise NetworkError(f"sources with different time axes, {' and '.join(map(str, times))}, cannot be concatenated")
    size = sum(template.required(FEATURE).known_size for template in templates)
    return replace(outer.with_feature(size), dtype=dtypes[0])


def extern_templates(extern_data: Mapping[str, object]) -> dict[str, Template]:
    """
    :param extern_data: see `boulder.data.read_extern_data`
    :return: key → template of the data stream; each has a time axis of its own, or none
    :raises DataError: for a wrong entry
    """
    return {key: _stream_template(stream) for key, stream in read_extern_data(extern_data).items()}


def _stream_template(stream: Stream) -> Template:
    axes: tuple[Axis, ...] = (Batch, Time(stream.key)) if stream.has_time_axis else (Batch,)
    axes += tuple(Spatial(size, stream.inner[:number].count(size)) for number, size in enumerate(stream.inner))
    if stream.sparse:
        return Template(axes, stream.dtype, stream.dim)
    return Template((*axes, Feature(stream.dim)) if stream.has_feature_axis else axes, stream.dtype)
