"""`activation`: a function of each entry, e.g. relu."""

from dataclasses import dataclass

from boulder.network import activations
from boulder.network.layer import ConcatLayer, Site, layer_class
from boulder.network.template import Template


@layer_class("activation")
@dataclass(frozen=True, kw_only=True)
class Activation(ConcatLayer):
    """
    :param activation: see `boulder.network.activations`
    """

    activation: str | None

    def spec(self, site: Site) -> Template:
        activations.check(self.activation, site.where)
        template = site.input()
        site.dense_dim(template)
        if self.n_out is not None and self.n_out != template.dim:
            raise site.fail(f"'n_out' is {self.n_out}, but its input has {template.dim}")
        return template

    def compute(self, run, *sources):
        return run.input(sources).activated(self.activation)
