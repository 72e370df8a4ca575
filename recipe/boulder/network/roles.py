"""The roles of axes, feature and time, when axes are added or removed.

As in RETURNN, the feature axis is the last static axis, and time is the first axis of its kind.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from itertools import count

from boulder.network.axes import FEATURE, SPATIAL, TIME, Axis, Feature, Spatial, StaticTime
from boulder.network.template import Template


def unused(size: int | None, taken: Collection[Axis], dim: str = "") -> Axis:
    """
    :param dim: name of the axis
    :return: a spatial axis of that size that is not among `taken`
    """
    return next(axis for number in count() if (axis := replace(Spatial(size, number), dim=dim)) not in taken)


def as_feature(axis: Axis) -> Axis:
    """:return: the axis as the feature axis"""
    return Axis(FEATURE, axis.size, axis.origin if axis.has_lengths and axis.size is None else (), axis.dim)


def _as_time(axis: Axis) -> Axis:
    return replace(StaticTime(axis.size), dim=axis.dim)


def resized(axis: Axis, size: int, template: Template) -> Axis:
    """:return: a static axis with the role of `axis`, an axis of `template` that it replaces"""
    if axis.kind == FEATURE:
        return Feature(size)
    return StaticTime(size) if axis.kind == TIME else unused(size, [a for a in template.axes if a != axis])


def without_axes(template: Template, removed: Collection[Axis]) -> Template:
    """:return: the template without some axes; if the feature axis is removed, the last static axis becomes it"""
    rest = [axis for axis in template.axes if axis not in removed]
    static = [i for i, axis in enumerate(rest) if axis.kind == SPATIAL]
    if template.feature in removed and static and template.sparse_dim is None:
        rest[static[-1]] = as_feature(rest[static[-1]])
    return replace(template, axes=tuple(rest))


def with_feature_at(template: Template, axis: Axis | None) -> Template:
    """:return: the template with its axis `axis` as the feature axis; the old one becomes spatial, or time if it is dynamic"""
    return _with_role(template, template.feature, axis, as_feature)


def with_time_at(template: Template, axis: Axis | None) -> Template:
    """:return: the template with its static axis `axis` as time; the old time axis becomes spatial if it is static"""
    old = template.time if template.time and template.time.size is not None else None
    return _with_role(template, old, axis, _as_time)


def _with_role(template: Template, old: Axis | None, axis: Axis | None, role: Callable[[Axis], Axis]) -> Template:
    axes = list(template.axes)
    if old and old != axis:
        axes[axes.index(old)] = old.as_time() if old.is_dynamic_feature else unused(old.size, axes, old.dim)
    if axis:
        axes[template.axes.index(axis)] = role(axis)
    return replace(template, axes=tuple(axes))


def with_time_first(template: Template, time: Axis) -> Template:
    """:return: the template with `time` before other time axes, so that "T" means it"""
    axes = [axis for axis in template.axes if axis != time]
    at = template.axes.index(template.time)
    return template if template.time == time else replace(template, axes=(*axes[:at], time, *axes[at:]))
