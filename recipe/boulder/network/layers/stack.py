"""`stack`: the sources side by side along a new axis."""

from __future__ import annotations

from dataclasses import dataclass, replace

from boulder.lazy import tf
from boulder.network.axes import BEAM, FEATURE, LOOP, SPATIAL, Axis, Feature
from boulder.network.layer import layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.made_axis import MakesAxis
from boulder.network.roles import unused
from boulder.network.site import Site
from boulder.network.template import Template, broadcast
from boulder.network.tensor import Tensor


@layer_class("stack")
@dataclass(frozen=True, kw_only=True)
class Stack(MakesAxis):
    """The sources, which may lack axes of each other, along a new axis with one entry for each. RETURNN: StackLayer.

    The new axis becomes the feature axis if it is the last static axis.

    :param axis: position of the new axis, where the batch is 0; None: before the features
    """

    axis: int | None = None

    def spec(self, site: Site) -> Template:
        return self._stacked([template for _, template in site.sources], site)[0]

    def _stacked(self, templates: list[Template], site: Site) -> tuple[Template, Axis]:
        """:return: template of the output, and its new axis"""
        if not templates:
            raise site.fail("needs a source in 'from'")
        if len({(t.dtype, t.sparse_dim) for t in templates}) > 1 or len({t.dim for t in templates}) > 1:
            raise site.fail_sources("only sources of one type and size can be stacked")
        with site.naming_sources():
            common = broadcast(templates)
        own = [axis for axis in common.axes if axis.kind not in (LOOP, BEAM)]
        place = len(own) - (common.feature is not None) if self.axis is None else self.axis
        place = place + len(own) + 1 if place < 0 else place
        if not 0 <= place <= len(own):
            raise site.fail(f"'axis' {self.axis} is not a position among the axes of {common}")
        new = unused(len(templates), own)
        axes = [*own[:place], new, *own[place:]]
        static = [axis for axis in axes if axis.kind in (FEATURE, SPATIAL)]
        if static[-1] == new and common.sparse_dim is None:
            feature = Feature(new.size)
            rest = [unused(a.size, own) if a.kind == FEATURE else a for a in axes]
            axes, new = [feature if a == new else a for a in rest], feature
        outer = [axis for axis in common.axes if axis.kind in (LOOP, BEAM)]
        return replace(common, axes=(*axes[:1], *outer, *axes[1:])), new

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        _, new = self._stacked([x.template for x in sources], self.site(run, *sources))
        common = broadcast([x.template for x in sources])
        value = tf.stack([run.broadcast(x, common).value for x in sources], -1)
        beside = next(
            (a for a in run.template.axes if a not in (*common.axes, new)), None
        )  # what the old feature axis is now
        axes = [beside if beside and a == common.feature else a for a in common.axes]
        return Tensor(value, (*axes, new), run.template)
