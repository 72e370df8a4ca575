"""Describes layers that are computed once, in order: the whole network, and subnets that are not loops."""

from __future__ import annotations

from dataclasses import dataclass, replace

from boulder.errors import NetworkError
from boulder.network.axes import Axis
from boulder.network.extra_nets import plain_name
from boulder.network.layer import Layer, Site
from boulder.network.layer_run import LayerRun
from boulder.network.loss_check import checked_losses
from boulder.network.node_site import site_of
from boulder.network.reading import check_promises, checked_template, warn_of_ignored_loss
from boulder.network.refs import Ref, RefKind
from boulder.network.specs import InnerSpec, LayerSpec, SubnetSpec
from boulder.network.subnet import Node, Subnet, TemplateOf
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening
from boulder.network.widening.ways import renames


def describe_network(network: Subnet) -> SubnetSpec:
    """
    :return: specs of all layers, each after its sources
    :raises NetworkError: names the layer, what was found and what was expected
    """
    return Description(network, None, None).result()


@dataclass(frozen=True, kw_only=True)
class Exposed(Layer):
    """A layer that another layer holds, for the surroundings. No net dict names this class."""

    class_name = "subnetwork"

    def widening(self, w: Widening) -> None:
        renames(w)

    def compute(self, run: LayerRun, output: Tensor) -> Tensor:
        return replace(output, template=run.template)


class Description:
    """
    :param outer: templates of the surroundings; None for the whole network
    :param loop: axis of the loop around the layers
    """

    def __init__(self, subnet: Subnet, outer: TemplateOf | None, loop: Axis | None):
        self.subnet, self.outer, self.loop = subnet, outer, loop
        self.spec = SubnetSpec()
        self.inner: dict[str, InnerSpec] = {}

    def result(self) -> SubnetSpec:
        for node in self.subnet.nodes.values():
            self._describe(node)
        for node in self.subnet.nodes.values():
            self._add_layers_of_loss(node)
        return self.spec

    def _add_layers_of_loss(self, node: Node) -> None:
        names = self.subnet.layers_of_loss(node)
        if node.loss is None or not names:
            return
        if node.name not in self.spec.losses:  # it does not count
            return
        templates = {option: self._template_of(name) for option, name in names.items()}
        problem = node.loss.check_all_layers(self.spec.layers[node.name].template, templates)
        if problem:
            raise NetworkError(f"{node.where}: 'loss_opts': {problem}")
        self.spec.losses[node.name] = replace(self.spec.losses[node.name], layers=tuple(names.values()))

    def _template_of(self, name: str) -> Template:
        """:param name: of a layer, or "data:KEY" """
        if name in self.spec.layers:
            return self.spec.layers[name].template
        return self.subnet.place.streams[name.removeprefix("data:")]

    def _describe(self, node: Node) -> None:
        for ref in node.refs:
            if ref.kind is RefKind.SUBLAYER and ref.subnet == self.subnet.name:
                self._expose(ref, node)
        known = {ref: self.template(ref) for ref in node.sources}
        site = site_of(self.subnet.net_of(node.name), node, known, self.template, self.loop)
        sources = tuple(ref.key for ref in node.sources)
        if node.inner:
            inner = self.inner[node.name] = node.inner.describe(self.template, self.loop)
            self.spec.update(inner)
            template, sources = inner.output, (inner.result or f"{site.name}/output",)
            check_promises(site, template)
        else:
            template = checked_template(site)
        if node.loss:
            self.add_loss(node, site, template)
        self.add(site, sources, template)

    def add_loss(self, node: Node, site: Site, template: Template) -> None:
        """Adds the loss of a layer, if it counts."""
        if "/" in node.name and plain_name(node.name) != node.name:
            warn_of_ignored_loss(node.where, "it is in a subnetwork of an extra net", "the layer out of the subnetwork")
            return
        self.spec.losses.update(checked_losses(node, template, self.template, site))

    def add(self, site: Site, sources: tuple[str, ...], template: Template) -> None:
        """Adds the spec of a layer."""
        self.spec.layers[site.name] = LayerSpec(
            site.name,
            site.layer,
            sources,
            template,
            tuple(site.params),
            named=site.named,
            borrowed=tuple(site.borrowed),
        )

    def template(self, ref: Ref) -> Template:
        """:return: template of a layer that is described already, or of a data stream"""
        if self.outer and ref.subnet != self.subnet.name:
            return self.outer(ref)
        return self.subnet.place.streams[ref.name] if ref.is_stream else self.spec.layers[ref.key].template

    def _expose(self, ref: Ref, node: Node) -> None:
        """Adds a layer that another layer holds, as this subnet sees it."""
        exposed = self.inner[ref.holder].exposed
        if ref.sublayer not in exposed:
            raise NetworkError(
                f"{node.where}: 'from' names {ref.name!r}, which does not exist in mode {self.subnet.mode!r}"
            )
        self.spec.layers.setdefault(ref.key, exposed[ref.sublayer])
