"""`repeat`: each frame several times in a row, so that the time axis gets longer."""

from dataclasses import dataclass

from boulder.lazy import tf
from boulder.network.axes import TIME
from boulder.network.layer import ConcatLayer, Site, layer_class
from boulder.network.template import Template


@layer_class("repeat")
@dataclass(frozen=True, kw_only=True)
class Repeat(ConcatLayer):
    """
    :param repetitions: how often each frame comes
    :param axis: the time axis, under one of RETURNN's names for it
    """

    repetitions: int
    axis: str = "T"

    def spec(self, site: Site) -> Template:
        template = site.input()
        if self.axis.lower() not in ("t", "time"):
            raise site.fail(f"'axis' must be 'T', the only axis that can be repeated, found {self.axis!r}")
        if template.time is None:
            raise site.fail(f"needs a time axis, but its input is {template}")
        if self.repetitions < 1:
            raise site.fail(f"'repetitions' must be at least 1, found {self.repetitions}")
        return template.with_axis_replaced(template.time, template.time.repeated(self.repetitions))

    def compute(self, run, *sources):
        x = run.input(sources)
        old, new = x.template.time, run.template.axis(TIME)
        run.set_length_from(new, old, lambda n: n * self.repetitions)
        axes = tuple(new if axis == old else axis for axis in x.axes)
        return x.made(tf.repeat(x.value, self.repetitions, axis=x.axes.index(old)), axes, run.template)
