"""`initial_output: "apply(0)"`: in the first frame of a loop, `prev:` of a layer is what the layer computes from zeros."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from boulder.errors import NetworkError
from boulder.network.layer import Layer
from boulder.network.layer_run import LayerRun
from boulder.network.loop.beams import Chooser, no_hypotheses
from boulder.network.reading import checked_template
from boulder.network.site import Site
from boulder.network.specs import LayerSpec
from boulder.network.subnet import Node
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening

APPLY = "apply(0)"


@dataclass(frozen=True, kw_only=True)
class OfZeros(Layer):
    """
    What a layer of a loop computes from zeros, before the loop. No net dict names this class.

    :param layer: the layer
    :param key: its name
    :param zeros: name → template, of its sources
    :param paths: name → path, of its parameters
    """

    class_name = "rec"
    layer: Layer
    key: str
    zeros: tuple[tuple[str, Template], ...]
    paths: Mapping[str, str] = field(default_factory=dict)

    @property
    def wrapped(self) -> Layer:
        return self.layer

    def widening(self, w: Widening) -> None:
        w.tie_axes(w.tensor(self.key))

    def compute(self, run: LayerRun) -> Tensor | dict[str, Tensor]:
        run = replace(run, paths=self.paths, sources=tuple(name for name, _ in self.zeros))
        return self.layer.compute(run, *(run.full(template, 0) for _, template in self.zeros))


def of_zeros(name: str, node: Node, site: Site) -> LayerSpec:
    """
    :param name: absolute name of the result
    :param site: the layer in one frame
    :raises NetworkError: if the layer depends on more than its sources
    """
    layer = node.layer
    has_state = layer.state(site, checked_template(replace(site, params=[])))
    if node.inner or node.sharing or has_state or isinstance(layer, Chooser) or layer.reads_memory or layer.batch_norm:
        raise NetworkError(
            f"{node.where}: 'initial_output' {APPLY!r} needs a layer that computes its output from its sources alone; "
            "expected 'base:' and a layer outside of the loop"
        )
    site = replace(site, sources=[(key, no_hypotheses(template)) for key, template in site.sources], params=[])
    template = checked_template(site)
    paths = {param.name: param.path for param in site.params}
    zeroed = OfZeros(layer=layer, key=site.name, zeros=tuple(site.sources), paths=paths)
    return LayerSpec(name, zeroed, (), template, ())
