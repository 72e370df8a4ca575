"""`elemwise_prod`: the input times a trained factor for each entry along some axes."""

from __future__ import annotations

from dataclasses import dataclass

from boulder.network.axes import FEATURE, Axis
from boulder.network.axis_names import find_axes
from boulder.network.concat_layer import ConcatLayer
from boulder.network.layer import layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening
from boulder.network.widening.ways import passes


@layer_class("elemwise_prod")
@dataclass(frozen=True, kw_only=True)
class ElemwiseProd(ConcatLayer):
    """y = x · W, entry by entry along static axes. W [*axes] begins with ones. RETURNN: ElemwiseProdLayer.

    :param axes: axes of W in the order of the input, see `boulder.network.axis_names`
    :param size: their sizes, as a check; None: no check
    """

    axes: object
    size: list[int] | None = None

    def spec(self, site: Site) -> Template:
        template = site.input()
        axes = self._factor_axes(template, site)
        if template.dtype != "float32":
            raise site.fail(f"needs float32 values, but its input is {template}")
        if not axes or any(axis.size is None for axis in axes):
            raise site.fail(
                f"'axes' must be axes of known size, found {', '.join(map(str, axes)) or 'none'} of {template}"
            )
        sizes = tuple(axis.known_size for axis in axes)
        if self.size is not None and tuple(self.size) != sizes:
            raise site.fail(f"'size' is {tuple(self.size)}, but the axes have the sizes {sizes}")
        rows = site.input_parts()
        known = all(part.size for part in rows) and sum(part.size for part in rows) == template.dim
        splits = tuple(rows if a.kind == FEATURE and known else site.whole(a.known_size) for a in axes)
        site.param("W", sizes, 1.0, splits=splits)
        return template

    def _factor_axes(self, template: Template, site: Site) -> list[Axis]:
        return sorted(find_axes(template, self.axes, site), key=template.axes.index)

    def widening(self, w: Widening) -> None:
        x = passes(w)
        w.param("W", *(x.term(axis) for axis in self._factor_axes(x.new, w.site())))
        w.multiplied_with(w.sources)

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        x = run.input(sources)
        axes = self._factor_axes(x.template, self.site(run))
        factor = Tensor(run.param("W"), tuple(axes), x.template).ordered(x.axes)
        return x.mapped(lambda value: value * factor)
