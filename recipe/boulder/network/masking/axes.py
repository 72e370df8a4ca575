"""The axis of the frames that a mask selects, and the templates along it."""

from __future__ import annotations

from dataclasses import replace

from boulder.network.axes import BATCH, BEAM, FEATURE, Axis
from boulder.network.template import Template

MASKED = "masked"
"""name of the operation that derives the axis"""


def masked_axis(axis: Axis, mask: str) -> Axis:
    """
    :param axis: time axis, or the iterations of a loop
    :param mask: name of the layer that selects its frames
    """
    return axis.derived(MASKED, mask)


def along(template: Template, axis: Axis, selected: Axis, mask: Template) -> Template:
    """:return: the template along `selected` instead of `axis`, with the axes of the mask: batch, hypotheses"""
    return with_outer(template.with_axis_replaced(axis, selected), mask)


def with_outer(template: Template, mask: Template) -> Template:
    """:return: the template with the axes of the mask that are no frames: batch, hypotheses"""
    missing = [axis for axis in mask.axes if axis.kind in (BATCH, BEAM) and axis not in template.axes]
    front = [axis for axis in template.axes if axis.kind == BATCH]
    rest = [axis for axis in template.axes if axis.kind not in (BATCH, FEATURE)]
    last = [axis for axis in template.axes if axis.kind == FEATURE]
    if not missing:
        return template
    batch = [axis for axis in missing if axis.kind == BATCH]
    beam = [axis for axis in missing if axis.kind == BEAM]
    return replace(template, axes=(*batch, *front, *beam, *rest, *last))
