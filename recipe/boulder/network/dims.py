"""`Dim` objects of net dicts: names of axes that layers and data streams define, and that other layers ask for.

A config creates `Dim` objects (`DimLike`), whose arithmetic keeps the derivation. `describe` replaces each by a `NetDim`, the
same one for equal objects. A data stream, or a layer by `out_dim`, `out_spatial_dims`, …, binds it to an axis; where another
layer names it, it is looked up. Axes of different `Dim` objects are different, also if their sizes are equal, as in RETURNN
since behavior_version 16.

    time                        bound to the time axis of a data stream, or of a layer
    time.ceildiv_right(2)       the axis that `pool` or `conv` with stride 2 make of it
    2 * time                    the axis that `repeat` or `merge_dims` make of it
    time + 1, 1 + time          the axis that `postfix_in_time`, `prefix_in_time` make of it
    heads * features            a static axis of that size
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from boulder.errors import NetworkError
from boulder.network.axes import BATCH, BEAM, LOOP, SPATIAL, Axis, Batch
from boulder.network.roles import with_feature_at
from boulder.network.template import Template


class DimLike:
    """What the network reads of a `Dim` object of a config. Equal objects are one axis.

    :param dimension: size; None if it depends on the data, or if the layer that defines the axis gives it
    :param description: name for messages
    :param kind: "batch", "spatial", "feature" or None
    :param derivation: (operation, left, right), where left or right is a `DimLike`; empty for a `Dim` that is not derived
    :param match_priority: of axes with the same `Dim` in one tensor, the one with the highest is meant
    """

    dimension: int | None
    description: str
    kind: str | None
    derivation: tuple
    match_priority: int

    def without_priority(self) -> DimLike:
        """:return: the `Dim` of which this one is a copy with another `match_priority`"""
        raise NotImplementedError


class MarkedDim:
    """A `Dim` in `out_shape` that is not an axis of the output, e.g. its classes.

    :param tag: the `Dim`
    """

    tag: DimLike
    mark: str


class NetDim:
    """
    A `Dim` within one network.

    :param name: unique within the network
    :param size: as of `DimLike.dimension`
    :param priority: as of `DimLike.match_priority`
    :param derivation: as of `DimLike.derivation`, with `NetDim` objects
    :param base: the same axis without a priority; None if this is it
    """

    def __init__(
        self, name: str, size: int | None, kind: str | None, derivation: tuple, priority: int, base: NetDim | None
    ) -> None:
        self.name, self.size, self.kind, self.derivation, self.priority = name, size, kind, derivation, priority
        self._base, self._axis = base, Batch if kind == BATCH else None

    @property
    def axis(self) -> Axis | None:
        """:return: the axis, in some role; None if nothing has defined it yet"""
        if self._base:
            return self._base.axis
        return self._axis or self._derived()

    @property
    def is_single_step(self) -> bool:
        """:return: whether it is RETURNN's `single_step_dim`, a frame of a loop"""
        return self.name == "single-step" and self.size == 1

    def same_axis(self, axis: Axis) -> bool:
        own = self.axis
        return own is not None and own.identity == axis.identity

    def defined(self, axis: Axis, where: str) -> Axis:
        """
        Binds the axis of a layer's output to this `Dim`.

        :param axis: axis of the output
        :param where: the layer, for messages
        :return: the axis with its name
        :raises NetworkError: if this `Dim` is another axis, or has another size
        """
        known = self.axis
        if self.size is not None and axis.size != self.size:
            raise NetworkError(f"{where}: {self} has {self.size} entries, but the axis of its output is {axis}")
        if known and (known.size is None) != (axis.size is None):
            raise NetworkError(f"{where}: {self} is the axis {known}, but the axis of its output is {axis}")
        if axis.size is None or axis.dim:
            if known and known.identity != axis.identity:
                if axis.has_given_lengths:
                    return known  # with lengths that are checked, see `LayerSpec.with_names`
                raise NetworkError(f"{where}: {self} is the axis {known}, but the axis of its output is {axis}")
            axis = replace(axis, label=self.name) if axis.size is None and not axis.label else axis
            self._bind(axis)
            return axis
        self._bind(known or Axis(SPATIAL, axis.size, (), self.name))
        named = replace(axis, dim=self.axis.dim if self.axis else "")
        if named.kind == SPATIAL:
            named = replace(named, origin=(str(self.priority),) if self.priority else ())
        return named

    def _bind(self, axis: Axis) -> None:
        if self._base:
            self._base._bind(axis)
        else:
            self._axis = axis.as_time() if axis.has_lengths else axis

    def _derived(self) -> Axis | None:
        """:return: the axis as derived from that of another `Dim`, if it is dynamic and was made by a layer"""
        match self.derivation:
            case ("/ceil/", NetDim(axis=Axis(size=None) as axis), int(n)):
                return axis.every(n)
            case ("*", NetDim(axis=Axis(size=None) as axis), int(n)) | (
                "*",
                int(n),
                NetDim(axis=Axis(size=None) as axis),
            ):
                return axis.repeated(n)
            case ("+", NetDim(axis=Axis(size=None) as axis), int(n)):
                return axis.derived("postfix", n)
            case ("+", int(n), NetDim(axis=Axis(size=None) as axis)):
                return axis.derived("prefix", n)
            case ("-", NetDim(axis=Axis(size=None) as axis), int(n)):
                return axis.derived("less", n)
        return None

    def __repr__(self) -> str:
        return f"Dim {self.name!r}"


class Marked:
    """A `NetDim` in `out_shape` that is not an axis of the output.

    :param mark: "dyn_size", "sparse" or "optional"
    """

    def __init__(self, dim: NetDim, mark: str) -> None:
        self.dim, self.mark = dim, mark

    def __repr__(self) -> str:
        return f"{self.dim!r} ({self.mark})"


class Dims:
    """All `Dim` objects of one network."""

    def __init__(self) -> None:
        self._known: dict[DimLike, NetDim] = {}
        self._names: set[str] = set()

    def of(self, dim: DimLike) -> NetDim:
        """:return: the same object for equal ones"""
        if dim not in self._known:
            base = dim.without_priority()
            if base is not dim:
                known = self.of(base)
                result = NetDim(known.name, known.size, known.kind, known.derivation, dim.match_priority, known)
            else:
                parts = tuple(self.of(part) if isinstance(part, DimLike) else part for part in dim.derivation)
                result = NetDim(self._unused(dim.description), dim.dimension, dim.kind, parts, 0, None)
            self._known[dim] = result
        return self._known[dim]

    def _unused(self, description: str) -> str:
        name, number = description, 1
        while name in self._names:
            number += 1
            name = f"{description} #{number}"
        self._names.add(name)
        return name

    def within(self, value: Any) -> Any:
        """
        :param value: options of a net dict, and what they contain
        :return: the same with `NetDim` objects; parts without a `Dim` are not copied
        """
        if isinstance(value, DimLike):
            return self.of(value)
        if isinstance(value, MarkedDim):
            return Marked(self.of(value.tag), value.mark)
        if isinstance(value, dict):
            items = [(self.within(key), self.within(item)) for key, item in value.items()]
            same = all(new is old for new, old in zip((item for _, item in items), value.values(), strict=True))
            return value if same and not any(isinstance(key, NetDim) for key, _ in items) else dict(items)
        if isinstance(value, list | tuple | set | frozenset):
            entries = [self.within(entry) for entry in value]
            same = all(new is old for new, old in zip(entries, value, strict=True))
            return value if same else type(value)(entries)
        return value


def size_of(value: object) -> object:
    """:return: the size of a `NetDim`, and any other value as it is"""
    return value.size if isinstance(value, NetDim) else value


def sizes_of(values: Iterable[Any]) -> list[Any]:
    return [size_of(value) for value in values]


def fitting(dim: NetDim, axes: Sequence[Axis]) -> list[Axis]:
    """
    :return: the axes that `dim` is. If nothing has defined a derived static `Dim`, axes of its size without a name
    """
    found = [axis for axis in axes if dim.same_axis(axis)]
    if len(found) > 1:
        numbers = [int(axis.origin[0]) if axis.kind == SPATIAL and axis.origin else 0 for axis in found]
        found = [axis for axis, number in zip(found, numbers, strict=True) if number == max(numbers)]
    if not found and dim.derivation and dim.size is not None:
        found = [axis for axis in axes if axis.size == dim.size and not axis.dim]
    return found


def with_in_dim(template: Template, dim: NetDim, where: str) -> Template:
    """
    :param template: of a layer's input
    :return: the same, where the axis `dim` is the feature axis
    :raises NetworkError: if there is no such axis
    """
    if template.sparse_dim is not None:
        if dim.size != template.sparse_dim:
            raise NetworkError(f"{where}: 'in_dim' is {dim} with {dim.size} entries, but its input is {template}")
        return template
    found = fitting(dim, [axis for axis in template.axes if axis.kind not in (BATCH, LOOP, BEAM)])
    feature = template.feature
    if not found and feature and not feature.dim and feature.size == dim.size:
        found = [feature]  # a feature axis that has no name
    if len(found) != 1 or found[0].size is None:
        raise NetworkError(f"{where}: 'in_dim' is {dim}, which is no static axis of its input {template}")
    return with_feature_at(template, found[0])
