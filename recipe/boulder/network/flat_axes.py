"""Axes that are a part of the batch: frames that layers and losses treat like sequences.

Such an axis keeps its place in memory. It has the kind of the iterations of a loop, which layers treat like the batch.
"""

from __future__ import annotations

from boulder.network.axes import DYNAMIC, LOOP, Axis
from boulder.network.template import Template

_FLAT = "flat"
WHERE = "where"
"""beginning of the origin of an axis that `boolean_mask` makes"""


def flattened(axis: Axis) -> Axis:
    """:return: the axis as a part of the batch"""
    return Axis(LOOP, axis.size, (_FLAT, axis.kind, axis.origin or (f"{axis.size}",)))


def unflattened(axis: Axis) -> Axis:
    """:return: the axis that `axis` was before it became a part of the batch"""
    _, kind, origin = axis.origin
    return Axis(kind, axis.size, origin if kind in DYNAMIC or origin != (f"{axis.size}",) else ())


def is_flat(axis: Axis) -> bool:
    """:return: whether the axis was made a part of the batch"""
    return axis.kind == LOOP and axis.origin[0] == _FLAT


def as_frames(template: Template) -> Template:
    """:return: the template of a layer's output as a loss sees it: an axis that is a part of the batch is time"""
    flat = [axis for axis in template.axes if axis.kind == LOOP and axis.origin[0] in (_FLAT, WHERE)]
    return template.with_axis_replaced(flat[-1], flat[-1].as_time()) if flat else template
