"""`activation`: an activation function, such as relu, applied to each entry."""

from dataclasses import dataclass, replace

from boulder.network import activations
from boulder.network.layer import ConcatLayer, layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor


@layer_class("activation")
@dataclass(frozen=True, kw_only=True)
class Activation(ConcatLayer):
    """An activation function, such as relu, of each entry. RETURNN: ActivationLayer.

    :param activation: see `boulder.network.activations`; "abs" also of complex numbers
    """

    activation: str | None

    def spec(self, site: Site) -> Template:
        template = site.input()
        activations.check(self.activation, template, site.where)
        return replace(template, dtype="float32") if template.dtype == "complex64" else template

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        return replace(run.input(sources).activated(self.activation), template=run.template)
