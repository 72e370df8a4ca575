"""`slice`: every n-th entry of a range along an axis; `reverse_sequence`: frames from the last to the first."""

from __future__ import annotations

from dataclasses import dataclass

from boulder.lazy import TFTensor, tf
from boulder.network.axes import BATCH, DYNAMIC, Axis
from boulder.network.axis_names import find_axis
from boulder.network.concat_layer import ConcatLayer
from boulder.network.layer import layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.roles import resized
from boulder.network.site import Site
from boulder.network.taking import taken
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening
from boulder.network.widening.ways import along


@layer_class("slice")
@dataclass(frozen=True, kw_only=True)
class Slice(ConcatLayer):
    """The entries from `slice_start` to before `slice_end`, every `slice_step`-th of them. RETURNN: SliceLayer.

    Along time, a negative `slice_end` counts from the end of each sequence, and a negative `slice_step` begins there;
    RETURNN counts from the end of the longest sequence. A positive `slice_end` gives a static axis; sequences that are
    shorter are filled up with zeros, where RETURNN reads the padding.

    :param axis: see `boulder.network.axis_names`
    :param slice_start: 0 or more; None: 0
    :param slice_end: None: the end
    :param slice_step: distance of the entries; with a negative one, which takes neither start nor end, the last entry is first
    """

    axis: object
    slice_start: int | None = None
    slice_end: int | None = None
    slice_step: int | None = None

    def spec(self, site: Site) -> Template:
        template = site.input()
        axis = find_axis(template, self.axis, site)
        if axis.kind == BATCH:
            raise site.fail("the batch cannot be sliced: which sequences are in it must not matter")
        self._check(site)
        return template.with_axis_replaced(axis, self._new(axis, template, site))

    def _check(self, site: Site) -> None:
        if self.slice_step == 0:
            raise site.fail("'slice_step' must not be 0")
        if self._start < 0:
            raise site.fail(f"'slice_start' must be at least 0, found {self._start}")
        if self._step < 0 and (self._start or self.slice_end is not None):
            raise site.fail("a negative 'slice_step' takes neither 'slice_start' nor 'slice_end'; slice twice")

    @property
    def _start(self) -> int:
        return self.slice_start or 0

    @property
    def _step(self) -> int:
        return 1 if self.slice_step is None else self.slice_step

    def _new(self, axis: Axis, template: Template, site: Site) -> Axis:
        if axis.size is not None or (self.slice_end is not None and self.slice_end >= 0):
            size = self.slice_end if axis.size is None else axis.size
            count = len(range(size or 0)[self._start : self.slice_end : self._step])
            if count < 1:
                raise site.fail(f"takes no entry of axis {axis}; its input is {template}")
            return resized(axis, count, template)
        if axis.kind not in DYNAMIC:
            raise site.fail(f"needs to know the size of axis {axis} of {template}")
        new = axis.derived("after", self._start) if self._start else axis
        new = new.derived("less", -self.slice_end) if self.slice_end else new
        return new.every(self._step) if self._step > 0 else new.derived("reversed").every(-self._step)

    def widening(self, w: Widening) -> None:
        along(w, self.axis)

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        x = run.input(sources)
        axis = find_axis(x.template, self.axis, self.site(run))
        new = run.template.axes[x.template.axes.index(axis)]
        if axis.size is None and (new.size is not None or self._step < 0):
            return self._of_frames(run, x, axis, new)
        if axis.size is None:
            run.set_length_from(new, axis, self._count)
        entries = slice(self.slice_start, self.slice_end, self.slice_step)
        value = x.value[(slice(None),) * x.axes.index(axis) + (entries,)]
        return x.made(value, [new if a == axis else a for a in x.axes], run.template)

    def _of_frames(self, run: LayerRun, x: Tensor, axis: Axis, new: Axis) -> Tensor:
        """:return: frames whose numbers depend on the length of the sequence"""
        run.set_length_from(new, axis, self._count)
        own = run.length_axes(axis)
        length = run.length_over(own, axis)[..., None]
        first = length - 1 if self._step < 0 else self._start + tf.zeros_like(length)
        index = first + tf.range(run.shape([new])[0]) * self._step
        valid = (index >= 0) & (index < length)
        return x.made(*taken(x, axis, index, (*own, new), valid), run.template)

    def _count(self, n: TFTensor) -> TFTensor:
        return -(-tf.maximum(0, n - self._start + (self.slice_end or 0)) // abs(self._step))


@layer_class("reverse_sequence")
@dataclass(frozen=True, kw_only=True)
class ReverseSequence(ConcatLayer):
    """The frames of each sequence in reverse order, with the same lengths. RETURNN: SliceLayer with `slice_step` -1.

    `tf.reverse_sequence` under that name.

    :param axis: see `boulder.network.axis_names`
    """

    axis: object = "T"

    def spec(self, site: Site) -> Template:
        template = site.input()
        axis = find_axis(template, self.axis, site)
        if axis.kind == BATCH or (axis.size is None and axis.kind not in DYNAMIC):
            raise site.fail(f"cannot reverse axis {axis} of {template}")
        return template

    def widening(self, w: Widening) -> None:
        along(w, self.axis)

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        x = run.input(sources)
        axis = find_axis(x.template, self.axis, self.site(run))
        if axis.size is not None:
            return x.mapped(lambda value: tf.reverse(value, [x.axes.index(axis)]))
        own = run.length_axes(axis)
        frame, length = tf.range(run.frames(axis)), run.length_over(own, axis)[..., None]
        index = tf.where(frame < length, length - 1 - frame, frame)
        return x.made(
            *taken(x.renamed({axis: _read(axis)}, x.template), _read(axis), index, (*own, axis)), run.template
        )


def _read(axis: Axis) -> Axis:
    """:return: an axis by another name, so that the result may have `axis`"""
    return axis.derived("read")
