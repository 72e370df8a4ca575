"""The axis of a loop: a time axis from outside, iterations from inside."""

from __future__ import annotations

from dataclasses import replace

from boulder.network.axes import TIME, Axis, Batch
from boulder.network.template import Template


def within(template: Template, time: Axis) -> Template:
    """:return: of one frame"""
    return replace(template, axes=tuple(axis for axis in template.axes if axis != time))


def over_loop(template: Template, loop: Axis) -> Template:
    """:return: of all frames, as a layer that is computed for all of them sees it"""
    axes = [axis for axis in template.axes if axis != loop]
    at = 1 if axes[:1] == [Batch] else 0
    return replace(template, axes=(*axes[:at], loop, *axes[at:]))


def outside(template: Template, loop: Axis) -> Template:
    """:return: of all frames, with the loop's axis as the time that it is outside of the loop"""
    return over_loop(template, loop).with_axis_replaced(loop, loop.as_time())


def left(run, tensor, template: Template):
    """:return: `tensor` as it is outside of its loop: the loop's axis is one of time"""
    time = next(axis for axis in template.axes if axis.kind == TIME)
    return run.over_loop(tensor, time.as_loop()).renamed({time.as_loop(): time}, template)
