"""Describes layers that are computed once, in order: templates, parameters and losses of a `Subnet` that is no loop."""

from __future__ import annotations

from boulder.errors import NetworkError
from boulder.network.layer import Site
from boulder.network.params import variable_scope
from boulder.network.reading import checked_template
from boulder.network.refs import Ref, RefKind
from boulder.network.specs import InnerSpec, LayerSpec, SubnetSpec
from boulder.network.subnet import Node, Subnet
from boulder.network.template import Template


def describe_in_order(subnet: Subnet) -> SubnetSpec:
    """
    :return: each layer after its sources
    :raises NetworkError: names the layer, what was found and what was expected
    """
    return _Description(subnet).result()


class _Description:
    def __init__(self, subnet: Subnet):
        self.subnet = subnet
        self.spec = SubnetSpec()
        self.inner: dict[str, InnerSpec] = {}
        self.scopes: dict[str, str] = {}  # first part of parameter paths → the layer that owns them

    def result(self) -> SubnetSpec:
        for node in self.subnet.nodes.values():
            self._describe(node)
        return self.spec

    def _describe(self, node: Node) -> None:
        for ref in node.refs:
            if ref.kind is RefKind.SUBLAYER and ref.subnet == self.subnet.name:
                self._expose(ref, node)
        site = self.subnet.site(node, {ref: self._template(ref) for ref in node.sources}, self._template)
        sources = tuple(ref.key for ref in node.sources)
        if node.inner:
            inner = self.inner[node.name] = node.inner.describe(self._template)
            self.spec.update(inner)
            template, sources = inner.output, (f"{site.name}/output",)
        else:
            template = checked_template(site)
        self.spec.losses.update(self.subnet.checked_losses(node, template, site))
        self._check_paths(site)
        self.spec.layers[site.name] = LayerSpec(site.name, node.layer, sources, template, tuple(site.params))

    def _template(self, ref: Ref) -> Template:
        """:return: of a layer that is described already, or of a data stream"""
        return self.subnet.place.streams[ref.name] if ref.is_stream else self.spec.layers[ref.key].template

    def _expose(self, ref: Ref, node: Node) -> None:
        """Puts a layer that another layer holds among the layers of this subnet."""
        exposed = self.inner[ref.holder].exposed
        if ref.sublayer not in exposed:
            raise NetworkError(
                f"{node.where}: 'from' names {ref.name!r}, which does not exist in mode {self.subnet.mode!r}"
            )
        self.spec.layers.setdefault(ref.key, exposed[ref.sublayer])

    def _check_paths(self, site: Site) -> None:
        scope = variable_scope(site.name)
        other = self.scopes.setdefault(scope, site.name) if site.params else site.name
        if other != site.name:
            raise site.fail(
                f"its parameters would have the same paths as those of layer {other!r}, {scope}/…; rename it"
            )
