"""`repeat`: repeats each frame, which makes the time axis longer."""

from dataclasses import dataclass
from typing import ClassVar

from boulder.lazy import tf
from boulder.network.axes import TIME
from boulder.network.in_padding import InPadding
from boulder.network.layer import ConcatLayer, layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor


@layer_class("repeat")
@dataclass(frozen=True, kw_only=True)
class Repeat(ConcatLayer):
    """Repeats each frame. RETURNN: RepeatLayer.

    :param repetitions: number of copies of each frame, consecutive in time
    :param axis: only the time axis, "T" or "time"
    """

    in_padding: ClassVar[InPadding] = InPadding.SOURCE

    repetitions: int
    axis: str = "T"

    def spec(self, site: Site) -> Template:
        template = site.input()
        if self.axis.lower() not in ("t", "time"):
            raise site.fail(f"only the time axis can be repeated: 'axis' must be 'T', found {self.axis!r}")
        if template.time is None:
            raise site.fail(f"needs a time axis, but its input is {template}")
        if self.repetitions < 1:
            raise site.fail(f"'repetitions' must be at least 1, found {self.repetitions}")
        return template.with_axis_replaced(template.time, template.time.repeated(self.repetitions))

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        x = run.input(sources)
        old, new = x.template.required(TIME), run.template.required(TIME)
        run.set_length_from(new, old, lambda n: n * self.repetitions)
        axes = tuple(new if axis == old else axis for axis in x.axes)
        return x.made(tf.repeat(x.value, self.repetitions, axis=x.axes.index(old)), axes, run.template)
