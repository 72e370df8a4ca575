"""`compare`: elementwise comparison of the sources, or of a source and a constant. Sources are broadcast."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from boulder.lazy import tf
from boulder.network.axes import FEATURE
from boulder.network.common_axes import aligned, broadcast_axes
from boulder.network.layer import Layer, layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.site import Site
from boulder.network.template import Template, broadcast
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening

_KINDS = {
    "equal": lambda a, b: a == b,
    "not_equal": lambda a, b: a != b,
    "less": lambda a, b: a < b,
    "less_equal": lambda a, b: a <= b,
    "greater": lambda a, b: a > b,
    "greater_equal": lambda a, b: a >= b,
}


@layer_class("compare")
@dataclass(frozen=True, kw_only=True)
class Compare(Layer):
    """Whether the sources, and `value`, are equal, less, …; chained like Python's a < b < c. RETURNN: CompareLayer.

    :param kind: the comparison
    :param value: constant operand, after the sources
    :param allow_broadcast_all_sources: has no effect: sources are always broadcast
    """

    some_sources_suffice = True

    kind: Literal["equal", "not_equal", "less", "less_equal", "greater", "greater_equal"] = "equal"
    value: int | float | None = None
    allow_broadcast_all_sources: bool = True

    def spec(self, site: Site) -> Template:
        if len(site.sources) + (self.value is not None) < 2:
            raise site.fail("needs at least two operands: two sources in 'from', or one source and 'value'")
        dtypes = {template.dtype for _, template in site.sources}
        if len(dtypes) > 1:
            raise site.fail(f"its sources must have one dtype, found {' and '.join(sorted(dtypes))}")
        with site.naming_sources():
            template = broadcast([template for _, template in site.sources])
        return Template(template.axes, "bool")

    def widening(self, w: Widening) -> None:
        w.check_read(w.sources)
        for source in w.sources:
            w.tie_axes(source)

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        values = aligned(sources)
        if self.value is not None:
            values.append(tf.cast(self.value, values[0].dtype))
        result = None
        for a, b in pairwise(values):
            holds = _KINDS[self.kind](a, b)
            result = holds if result is None else tf.logical_and(result, holds)
        axes = [axis for axis in broadcast_axes(sources) if axis.kind != FEATURE]
        return run.tensor(result, (*axes, run.template.feature) if run.template.feature else axes, run.template)
