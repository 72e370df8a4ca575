"""What stands between the layers of a net dict once a loop is taken apart. No net dict names these classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from boulder.lazy import tf
from boulder.network.axes import Axis
from boulder.network.layer import ConcatLayer, Layer
from boulder.network.loop.axes import left
from boulder.network.loop.length import MaxLength
from boulder.network.template import Template


@dataclass(frozen=True, kw_only=True)
class Enter(ConcatLayer):
    """What a loop goes through: a time axis becomes the loop's. It may be another one, if that is of the same lengths.

    :param loop: the loop's axis
    """

    class_name = "rec"
    loop: Axis

    def compute(self, run, *sources):
        x = run.input(sources)
        time = x.template.time
        run.check_same_lengths(time, self.loop.as_time())
        return x.renamed({time: self.loop}, run.template)


@dataclass(frozen=True, kw_only=True)
class Previous(Layer):
    """`prev:` of a layer that is there for all frames: the same, one frame later.

    :param loop: the loop's axis
    :param initial: what it is in the first frame; None: the second source says it. A layer with a memory says it itself
    """

    class_name = "rec"
    loop: Axis
    initial: float | int | bool | None = 0

    def compute(self, run, x, *initial):
        if not initial and x.memory and x.memory.first:
            initial = (x.memory.first,)
        x = run.over_loop(x, self.loop)
        axes = (self.loop, *(axis for axis in x.axes if axis != self.loop))
        value = x.ordered(axes)
        frame = value[:1]
        if initial:
            first = tf.broadcast_to(initial[0].ordered(axes), tf.shape(frame))
        else:
            first = tf.fill(tf.shape(frame), tf.cast(self.initial, value.dtype))
        return x.made(tf.concat([first, value[:-1]], axis=0), axes, run.template)


@dataclass(frozen=True, kw_only=True)
class FrameNumber(Layer):
    """`:i`, counted from 0.

    :param loop: the loop's axis
    """

    class_name = "rec"
    loop: Axis

    def compute(self, run):
        return run.tensor(tf.range(run.frames(self.loop)), (self.loop,), run.template)


@dataclass(frozen=True)
class Carried:
    """What a loop keeps from one frame to the next.

    :param layer: name of the layer
    :param previous: name under which it is read in the next frame
    :param template: of one frame
    :param initial: what it is in the first frame; None: the source of that name
    """

    layer: str
    previous: str
    template: Template
    initial: float | int | bool | str


@dataclass(frozen=True, kw_only=True)
class Iterations(Layer):
    """The layers that must be computed frame by frame.

    :param loop: the loop's axis
    :param carried: what is kept from frame to frame
    :param states: layer with a memory → what that is
    :param results: layers that are needed for all frames → their templates, of all frames
    :param logits: those of them whose values before the softmax are needed, too
    :param end: the layer that says of a sequence that it is over; None where the lengths are known before
    :param number: `:i`, the name of the frame's number
    :param max_length: how many frames there may be then
    :param include_eos: whether the frame in which `end` comes true belongs to the sequence
    :param beam: the axis of hypotheses, in a search
    """

    class_name = "rec"
    loop: Axis
    carried: tuple[Carried, ...]
    states: Mapping[str, Mapping[str, Template]]
    results: Mapping[str, Template]
    logits: tuple[str, ...]
    end: str | None
    number: str
    max_length: MaxLength
    include_eos: bool
    beam: Axis | None

    def compute(self, run, *sources):
        """:return: name → output, of all `results`"""
        from boulder.network.loop.iterate import iterate
        from boulder.network.loop.until_end import iterate_until_end

        named = dict(zip(run.sources, sources, strict=True))
        return iterate_until_end(run, self, named) if self.end or self.beam else iterate(run, self, named)


@dataclass(frozen=True, kw_only=True)
class Result(Layer):
    """What a loop has left for the layers after it."""

    class_name = "rec"

    def compute(self, run, output):
        return output


@dataclass(frozen=True, kw_only=True)
class Left(Layer):
    """A layer of a loop, as it is outside of it. Its name is `left_name` of the layer's."""

    class_name = "rec"

    def compute(self, run, output):
        return left(run, output, run.template)


def left_name(name: str) -> str:
    """:return: `decoder/left:att_weights` for `decoder/att_weights`"""
    return "/left:".join(name.split("/", 1))


def inner_name(name: str) -> str:
    """:return: what `left_name` was made of"""
    return name.replace("/left:", "/", 1)
