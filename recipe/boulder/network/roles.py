"""Which of a tensor's axes is that of the features, and which is time, when axes come and go.

RETURNN's rule for the features is that theirs is the last static axis; time is the first of its kind.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from itertools import count

from boulder.network.axes import SPATIAL, Axis, Feature, Spatial, StaticTime
from boulder.network.template import Template


def unused(size: int, taken: Collection[Axis]) -> Axis:
    """:return: a spatial axis of that size that is none of `taken`"""
    return next(axis for number in count() if (axis := Spatial(size, number)) not in taken)


def without_axes(template: Template, removed: Collection[Axis]) -> Template:
    """:return: with the other axes, in their order; where the features have gone, the last static axis is theirs"""
    rest = [axis for axis in template.axes if axis not in removed]
    static = [i for i, axis in enumerate(rest) if axis.kind == SPATIAL]
    if template.feature in removed and static and template.sparse_dim is None:
        rest[static[-1]] = Feature(rest[static[-1]].size)
    return replace(template, axes=tuple(rest))


def with_feature_at(template: Template, axis: Axis | None) -> Template:
    """:return: with `axis`, one of its static ones, as that of the features; what was it before is one of the others"""
    return _with_role(template, template.feature, axis, Feature)


def with_time_at(template: Template, axis: Axis | None) -> Template:
    """:return: with `axis`, one of its static ones, as time; what was it before is one of the others, if it is static"""
    old = template.time if template.time and template.time.size is not None else None
    return _with_role(template, old, axis, StaticTime)


def _with_role(template: Template, old: Axis | None, axis: Axis | None, role: Callable[[int], Axis]) -> Template:
    axes = list(template.axes)
    if old and old != axis:
        axes[axes.index(old)] = unused(old.size, axes)
    if axis:
        axes[template.axes.index(axis)] = role(axis.size)
    return replace(template, axes=tuple(axes))


def with_time_first(template: Template, time: Axis) -> Template:
    """:return: with `time` before other time axes, so that it is what "T" means"""
    axes = [axis for axis in template.axes if axis != time]
    at = template.axes.index(template.time)
    return template if template.time == time else replace(template, axes=(*axes[:at], time, *axes[at:]))
