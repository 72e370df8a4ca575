"""The axis of a loop: LOOP for the layers of the loop, TIME for the layers outside of it."""

from __future__ import annotations

from dataclasses import replace

from boulder.network.axes import Axis, Batch
from boulder.network.template import Template


def within(template: Template, time: Axis | None) -> Template:
    """:return: template of one frame along `time`"""
    return replace(template, axes=tuple(axis for axis in template.axes if axis != time))


def over_loop(template: Template, loop: Axis) -> Template:
    """:return: template of all frames, for a layer that is computed for all of them at once"""
    axes = [axis for axis in template.axes if axis != loop]
    at = 1 if axes[:1] == [Batch] else 0
    return replace(template, axes=(*axes[:at], loop, *axes[at:]))


def outside(template: Template, loop: Axis) -> Template:
    """:return: template of all frames outside of the loop, whose axis is a time axis there"""
    return over_loop(template, loop).with_axis_replaced(loop, loop.as_time())
