"""`activation`: an activation function, such as relu, applied to each entry."""

from dataclasses import dataclass, replace

from boulder.network import activations
from boulder.network.concat_layer import ConcatLayer
from boulder.network.layer import layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening
from boulder.network.widening.ways import SCALED, activates, passes


@layer_class("activation")
@dataclass(frozen=True, kw_only=True)
class Activation(ConcatLayer):
    """An activation function, such as relu, of each entry. RETURNN: ActivationLayer, whose "safe_log" has a gradient below `eps`.

    :param activation: see `boulder.network.activations`; "abs" also of complex numbers
    :param opts: options of the function: `eps` of "safe_log" (1e-20), `alpha` of "leaky_relu" (0.2), `approximate` of "gelu" (False)
    """

    activation: str | None
    opts: dict | None = None

    def spec(self, site: Site) -> Template:
        template = site.input()
        activations.check(self.activation, template, site.where)
        if self.opts:
            activations.check_options(self.activation, self.opts, site.where)
        return replace(template, dtype="float32") if template.dtype == "complex64" else template

    def widening(self, w: Widening) -> None:
        passes(w)
        activates(w, self.activation)
        if self.activation in SCALED:
            w.multiplied_with(w.sources)

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        return replace(run.input(sources).activated(self.activation, self.opts), template=run.template)
