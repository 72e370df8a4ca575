"""`repeat`: repeats each entry of an axis, which makes the axis longer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from boulder.lazy import TFTensor, tf
from boulder.network.axes import BATCH, BEAM, DYNAMIC, LOOP, TIME, Axis
from boulder.network.axis_names import find_axis
from boulder.network.dims import NetDim
from boulder.network.further_sources import FurtherSources
from boulder.network.layer import layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.roles import resized
from boulder.network.site import Site
from boulder.network.taking import taken, without_padding
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening
from boulder.network.widening.ways import along


@layer_class("repeat")
@dataclass(frozen=True, kw_only=True)
class Repeat(FurtherSources):
    """Repeats each entry along an axis. RETURNN: RepeatLayer.

    :param repetitions: number of copies of each entry, consecutive along the axis; or a layer that gives a number, 0 or more,
        for each frame
    :param axis: see `boulder.network.axis_names`
    """

    further: ClassVar[tuple[str, ...]] = ("repetitions",)
    repetitions: int | str
    axis: object = "T"

    def spec(self, site: Site) -> Template:
        template = self.site_of_input(site).input()
        axis = find_axis(template, self.axis, site)
        if axis.kind == BATCH or (axis.size is None and axis.kind not in DYNAMIC):
            raise site.fail(f"cannot repeat along axis {axis} of {template}")
        for name, numbers in self.divided(site.sources)[1].values():
            return self._by_layer(template, axis, name, numbers, site)
        if int(self.repetitions) < 1:
            raise site.fail(f"'repetitions' must be at least 1, found {self.repetitions}")
        return template.with_axis_replaced(axis, self._new(axis, template))

    def named_axes(self, site: Site, output: Template) -> list[tuple[NetDim, Axis | None]]:
        if self.out_dim is None:
            return []
        template = self.site_of_input(site).input()
        old = find_axis(template, self.axis, site)
        added = len(output.axes) - len(template.axes)  # before those of the input
        return [(self.out_dim, output.axes[added + template.axes.index(old)])]

    def _by_layer(self, template: Template, axis: Axis, name: str, numbers: Template, site: Site) -> Template:
        outer = [a for a in numbers.axes if a != axis]
        if not numbers.dtype.startswith("int") or axis not in numbers.axes or any(a.kind not in _OUTER for a in outer):
            other = axis.kind == TIME and any(a.kind == TIME for a in outer)
            hint = "; 'reinterpret_data' with 'size_base' gives it these frames" if other else ""
            raise site.fail(
                f"'repetitions' must be ints for each entry of axis {axis}, but {name!r} is {numbers}{hint}"
            )
        source = axis.origin if axis.size is None else (f"{axis.size}",)
        new = Axis(TIME, None, ("repeat by", name, source))
        added = [a for a in outer if a not in template.axes]
        result = template.with_axis_replaced(axis, new)
        return replace(result, axes=(*added, *result.axes))

    def _new(self, axis: Axis, template: Template) -> Axis:
        times = int(self.repetitions)
        return axis.repeated(times) if axis.size is None else resized(axis, axis.size * times, template)

    def widening(self, w: Widening) -> None:
        along(w, self.axis)

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        own, named = self.divided(sources)
        x = run.input(own)
        axis = find_axis(x.template, self.axis, self.site(run))
        if named:
            return self._compute_by_layer(run, x, axis, named["repetitions"])
        new, times = run.template.axes[x.template.axes.index(axis)], int(self.repetitions)
        if axis.size is None:
            run.set_length_from(new, axis, lambda n: n * times)
        axes = tuple(new if a == axis else a for a in x.axes)
        return x.made(tf.repeat(x.value, times, axis=x.axes.index(axis)), axes, run.template)

    @staticmethod
    def _compute_by_layer(run: LayerRun, x: Tensor, axis: Axis, numbers: Tensor) -> Tensor:
        new = next(a for a in run.template.axes if a.origin[:1] == ("repeat by",) and a not in x.axes)
        outer = tuple(a for a in numbers.axes if a != axis)
        if axis.size is None:
            outer = tuple(dict.fromkeys([*outer, *run.length_axes(axis)]))
        counts = without_padding(run, run.broadcast(numbers, Template((*outer, axis), "int32")))
        ends = tf.cumsum(tf.maximum(0, counts.value), -1)  # of the copies of each entry
        run.set_length(new, ends[..., -1] if axis.size else _last(ends), outer)
        index = _numbers(ends, run.frames(new))
        valid = tf.range(run.frames(new)) < run.length_over(outer, new)[..., None]
        return x.made(*taken(x, axis, index, (*outer, new), valid), run.template)


_OUTER = (BATCH, LOOP, BEAM)


def _last(ends: TFTensor) -> TFTensor:
    """:return: the last entry along the last axis, 0 if there is none"""
    return tf.reduce_max(tf.pad(ends, [*([[0, 0]] * (ends.shape.rank - 1)), [1, 0]]), -1)


def _numbers(ends: TFTensor, frames: TFTensor) -> TFTensor:
    """
    :param ends: int32 [..., N], numbers of the frames after the copies of each entry
    :param frames: int32 scalar
    :return: int32 [..., frames], the entry that each frame is a copy of
    """
    flat = tf.reshape(ends, [-1, tf.shape(ends)[-1]])
    wanted = tf.broadcast_to(tf.range(frames), [tf.shape(flat)[0], frames])
    found = tf.searchsorted(flat, wanted, side="right")
    return tf.reshape(found, tf.concat([tf.shape(ends)[:-1], [frames]], 0))
