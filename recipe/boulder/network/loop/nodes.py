"""Layers that a loop puts between the layers of the net dict. No net dict names these classes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from boulder.lazy import tf
from boulder.network.axes import FEATURE, TIME, Axis
from boulder.network.concat_layer import ConcatLayer
from boulder.network.layer import Layer
from boulder.network.layer_run import LayerRun
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening
from boulder.network.widening.ways import renames


@dataclass(frozen=True, kw_only=True)
class Enter(ConcatLayer):
    """The input of a loop: its time axis becomes the loop's axis. It may be a different time axis, of the same lengths.

    :param loop: the loop's axis
    :param time: the axis of the input; None: its time axis
    :param ends_loop: whether the loop may end before the input does, and goes on no longer
    """

    class_name = "rec"
    loop: Axis
    time: Axis | None = None
    ends_loop: bool = False

    def widening(self, w: Widening) -> None:
        renames(w)

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        x = run.input(sources)
        time = self.time or x.template.required(TIME)
        value = x.value if self.ends_loop else run.with_same_lengths(x.value, time, self.loop.as_time())
        return replace(x, value=value).renamed({time: self.loop}, run.template)


@dataclass(frozen=True, kw_only=True)
class Previous(Layer):
    """`prev:` of a layer that is computed for all frames at once: its output, shifted by one frame.

    :param loop: the loop's axis
    :param initial: value in the first frame; None: the second source. A layer with a state sets its own
    :param variable: name of the parameter with the features in the first frame, in place of `initial`
    """

    class_name = "rec"
    loop: Axis
    initial: float | int | bool | None = 0
    variable: str | None = None

    def widening(self, w: Widening) -> None:
        w.tie_axes(w.sources[0])
        for initial in w.sources[1:]:
            w.tie_axes(initial)
        if self.variable is not None:
            w.param(self.variable, w.output.feature)
        elif len(w.sources) == 1 and self.initial == 0:
            w.multiplied_with(w.sources)

    def compute(self, run: LayerRun, x: Tensor, initial: Tensor | None = None) -> Tensor:
        if self.variable is not None:
            vector = Template((x.template.required(FEATURE),))
            initial = run.tensor(run.param(self.variable), vector.axes, vector)
        elif initial is None and x.memory:
            initial = x.memory.first
        x = run.over_loop(x, self.loop)
        axes = (self.loop, *(axis for axis in x.axes if axis != self.loop))
        value = x.ordered(axes)
        frame = value[:1]
        if initial is None:
            first = tf.fill(tf.shape(frame), tf.cast(self.initial, value.dtype))
        else:
            first = tf.broadcast_to(initial.ordered(axes), tf.shape(frame))
        return x.made(tf.concat([first, value[:-1]], axis=0), axes, run.template)


@dataclass(frozen=True, kw_only=True)
class FrameNumber(Layer):
    """`:i`, the number of the frame, from 0.

    :param loop: the loop's axis
    """

    class_name = "rec"
    loop: Axis

    def compute(self, run: LayerRun) -> Tensor:
        return run.tensor(tf.range(run.frames(self.loop)), (self.loop,), run.template)


@dataclass(frozen=True, kw_only=True)
class Result(Layer):
    """A layer that is computed frame by frame, for the layers after the loop."""

    class_name = "rec"

    def widening(self, w: Widening) -> None:
        renames(w)

    def compute(self, run: LayerRun, output: Tensor) -> Tensor:
        return output


@dataclass(frozen=True, kw_only=True)
class Left(Layer):
    """A layer of a loop, for the layers outside of the loop."""

    class_name = "rec"

    def widening(self, w: Widening) -> None:
        renames(w)

    def compute(self, run: LayerRun, output: Tensor) -> Tensor:
        return left(run, output, run.template)


def left(run: LayerRun, tensor: Tensor, template: Template) -> Tensor:
    """
    :param template: template outside of the loop
    :return: `tensor` outside of the loop: the loop's axis becomes a time axis
    """
    time = template.required(TIME)
    return run.over_loop(tensor, time.as_loop()).renamed({time.as_loop(): time}, template)
