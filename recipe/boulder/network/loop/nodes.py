"""What stands between the layers of a net dict once a loop is taken apart. No net dict names these classes."""

from __future__ import annotations

from dataclasses import dataclass

from boulder.lazy import tf
from boulder.network.axes import Axis
from boulder.network.layer import ConcatLayer, Layer
from boulder.network.loop.axes import left


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


@dataclass(frozen=True, kw_only=True)
class Result(Layer):
    """What a loop has left for the layers after it."""

    class_name = "rec"

    def compute(self, run, output):
        return output


@dataclass(frozen=True, kw_only=True)
class Left(Layer):
    """A layer of a loop, as it is outside of it. Its name is the key of a SUBLAYER reference."""

    class_name = "rec"

    def compute(self, run, output):
        return left(run, output, run.template)
