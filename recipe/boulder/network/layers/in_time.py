"""`prefix_in_time` and `postfix_in_time`: add frames before the first or after the last frame of each sequence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from boulder.lazy import tf
from boulder.network.axes import TIME, Axis
from boulder.network.axis_names import find_axis
from boulder.network.further_sources import FurtherSources
from boulder.network.layer import layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening
from boulder.network.widening.ways import along


@dataclass(frozen=True, kw_only=True)
class _InTime(FurtherSources):
    """
    :param axis: the time axis, see `boulder.network.axis_names`
    :param repeat: number of frames to add
    """

    axis: object = "T"
    repeat: int = 1

    def _time(self, template: Template, site: Site) -> Axis:
        axis = find_axis(template, self.axis, site)
        if axis.kind != TIME:
            raise site.fail(f"'axis' must be the time axis, found {axis} of {template}")
        if self.repeat < 0:
            raise site.fail(f"'repeat' must be 0 or more, found {self.repeat}")
        return axis

    def widening(self, w: Widening) -> None:
        along(w, self.axis)
        for source in w.divided()[1].values():
            w.tie_axes(source)


@layer_class("postfix_in_time")
@dataclass(frozen=True, kw_only=True)
class PostfixInTime(_InTime):
    """Appends frames to each sequence. RETURNN: PostfixInTimeLayer.

    :param postfix: value of the added frames: a number, or a layer without time that gives one frame per sequence
    """

    further: ClassVar[tuple[str, ...]] = ("postfix",)
    postfix: float | str = 0.0

    def spec(self, site: Site) -> Template:
        template = self.site_of_input(site).input()
        time = self._time(template, site)
        for name, postfix in self.divided(site.sources)[1].values():
            if time in postfix.axes or set(postfix.axes) - set(template.axes) or postfix.dtype != template.dtype:
                raise site.fail(f"'postfix' must be a single frame like those of {template}, but {name!r} is {postfix}")
        return template.with_axis_replaced(time, time.derived("postfix", self.repeat))

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        own, named = self.divided(sources)
        x = run.input(own)
        time = self._time(x.template, self.site(run))
        new = time.derived("postfix", self.repeat)
        run.set_length_from(new, time, lambda n: n + self.repeat)
        others = [axis for axis in x.axes if axis != time]
        value = tf.pad(x.ordered([*others, time]), [*([[0, 0]] * len(others)), [0, self.repeat]])
        postfix = named["postfix"].ordered(others)[..., None] if named else tf.cast(self.postfix, value.dtype)
        before = tf.range(tf.shape(value)[-1]) < run.length_over(others, time)[..., None]
        return x.made(tf.where(before, value, postfix), (*others, new), run.template)


@layer_class("prefix_in_time")
@dataclass(frozen=True, kw_only=True)
class PrefixInTime(_InTime):
    """Prepends frames to each sequence. RETURNN: PrefixInTimeLayer.

    :param prefix: value of the added frames
    :param size_base: layer whose time axis the output has; its lengths must fit
    """

    further: ClassVar[tuple[str, ...]] = ("size_base",)
    prefix: float = 0.0
    size_base: str | None = None

    def spec(self, site: Site) -> Template:
        template = self.site_of_input(site).input()
        time = self._time(template, site)
        for name, base in self.divided(site.sources)[1].values():
            if base.time is None:
                raise site.fail(f"'size_base' must have a time axis, but {name!r} is {base}")
            return template.with_axis_replaced(time, base.time)
        return template.with_axis_replaced(time, time.derived("prefix", self.repeat))

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        own, named = self.divided(sources)
        x = run.input(own)
        time = self._time(x.template, self.site(run))
        if named:
            new = named["size_base"].template.time
            message = f"layer {run.name!r}: 'size_base' has a different number of frames"
            tf.debugging.assert_equal(run.length(new), run.length(time) + self.repeat, message)
        else:
            new = time.derived("prefix", self.repeat)
            run.set_length_from(new, time, lambda n: n + self.repeat)
        others = [axis for axis in x.axes if axis != time]
        padding = [*([[0, 0]] * len(others)), [self.repeat, 0]]
        value = tf.pad(x.ordered([*others, time]), padding, constant_values=self.prefix)
        return x.made(value, (*others, new), run.template)
