"""`swap_axes` and `transpose`: another order of the axes. Values are found by axis, so only descriptions by number see it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from boulder.network.axes import BEAM, FEATURE, LOOP, SPATIAL, TIME, Axis
from boulder.network.axis_names import find_axis
from boulder.network.axis_order import in_order
from boulder.network.concat_layer import ConcatLayer
from boulder.network.layer import layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.roles import with_feature_at
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening


@dataclass(frozen=True, kw_only=True)
class _Ordered(ConcatLayer):
    def spec(self, site: Site) -> Template:
        template = site.input()
        own = _own(template)
        order = self.order(own, template, site)
        times = [[axis for axis in axes if axis.kind == TIME] for axes in (own, order)]
        if times[0] != times[1]:
            raise site.fail(
                f"would change which axis of {template} is time; 'reinterpret_data' with 'set_axes' says which"
            )
        new = iter(order)
        return replace(template, axes=tuple(axis if axis.kind in (LOOP, BEAM) else next(new) for axis in template.axes))

    def order(self, own: list[Axis], template: Template, site: Site) -> list[Axis]:
        """
        :param own: axes of `template` except those of a loop or a search
        :return: the same in their new order
        """
        raise NotImplementedError

    def widening(self, w: Widening) -> None:
        x = w.input()
        order = self.order(_own(x.new), x.new, w.site())
        for axis, made in zip(order, _own(w.output.new), strict=True):
            w.tie(x.term(axis), w.output.term(made))
        w.multiplied_with(w.sources)

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        x = run.input(sources)
        order, new = self.order(_own(x.template), x.template, self.site(run)), _own(run.template)
        return x.renamed(dict(zip(order, new, strict=True)), run.template)


def _own(template: Template) -> list[Axis]:
    """:return: axes that the layer sees: not those of loops and searches"""
    return [axis for axis in template.axes if axis.kind not in (LOOP, BEAM)]


@layer_class("swap_axes")
@dataclass(frozen=True, kw_only=True)
class SwapAxes(_Ordered):
    """The input with two axes swapped. The last static axis then has the features, as in RETURNN, unless another axis of the
    input has them. RETURNN: SwapAxesLayer.

    :param axis1: see `boulder.network.axis_names`
    :param axis2: another axis
    """

    axis1: object
    axis2: object

    def spec(self, site: Site) -> Template:
        template, swapped = site.input(), super().spec(site)
        if template.feature is None or template.feature != _last_static(template):
            return swapped
        return with_feature_at(swapped, _last_static(swapped))

    def order(self, own: list[Axis], template: Template, site: Site) -> list[Axis]:
        first, second = (find_axis(template, axis, site) for axis in (self.axis1, self.axis2))
        if first == second:
            raise site.fail(f"'axis1' and 'axis2' must be different axes, found {first} for both")
        swapped = {first: second, second: first}
        return [swapped.get(axis, axis) for axis in own]


@layer_class("transpose")
@dataclass(frozen=True, kw_only=True)
class Transpose(_Ordered):
    """The input with its axes in another order; each keeps its role. RETURNN: TransposeLayer.

    :param perm: axis of the output, or its number → axis of the input; other axes fill the other places in their order.
        Or a list of all axes of the input. See `boulder.network.axis_names`
    """

    perm: dict | list[object]

    def order(self, own: list[Axis], template: Template, site: Site) -> list[Axis]:
        return in_order(own, self.perm, template, site)


def _last_static(template: Template) -> Axis | None:
    """:return: the axis that has the features if nothing says otherwise"""
    return next((a for a in reversed(template.axes) if a.kind == SPATIAL or (a.kind == FEATURE and a.size)), None)
