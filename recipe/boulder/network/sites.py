"""What the spec half of a layer needs to know of its subnet, and the check of the layer's loss."""

from __future__ import annotations

from collections.abc import Mapping

from boulder.network.axes import DYNAMIC, Axis
from boulder.network.layer import Layer, Site
from boulder.network.reading import loss_specs
from boulder.network.refs import Ref, RefKind
from boulder.network.specs import LossSpec
from boulder.network.subnet import Node, Subnet, TemplateOf
from boulder.network.template import Template


def site_of(
    subnet: Subnet, node: Node, known: Mapping[Ref, Template], template_of: TemplateOf, loop: Axis | None = None
) -> Site:
    """
    :param known: templates of the sources, as far as they are known
    :param template_of: gives the templates of the sources of `copy` layers among the sources
    :param loop: axis of the loop around the layer
    """
    refs = {ref.key: ref for ref in node.sources}

    def look_through(key: str) -> list[tuple[str, Template]] | None:
        copied = _copied(subnet, refs[key])
        refs.update((ref.key, ref) for ref in copied or ())
        return None if copied is None else [(ref.key, template_of(ref)) for ref in copied]

    def layer_of(key: str) -> Layer | None:
        return subnet.layer_of(refs[key]) if key in refs else None

    return Site(
        name=subnet.key(node.name),
        layer=node.layer,
        sources=[(ref.key, known[ref]) for ref in node.sources if ref in known],
        default_dim=default_dim(subnet, node),
        look_through=look_through,
        path=node.path,
        scope=subnet.scope(node.name),
        trainable=subnet.trainable(node.name),
        loop=loop,
        mode=subnet.mode,
        layer_of=layer_of,
        beside=frozenset(ref.key for ref in node.sources if ref.subnet == subnet.name),
    )


def _copied(subnet: Subnet, ref: Ref) -> tuple[Ref, ...] | None:
    """:return: the sources of the layer that `ref` reads, if the layer only copies them"""
    if ref.subnet != subnet.name or ref.kind is not RefKind.LAYER:
        return None
    node = subnet.nodes[ref.name]
    return node.sources if node.layer.copies_sources else None


def default_dim(subnet: Subnet, node: Node) -> int | None:
    """:return: the default of `n_out`: the dimension that the layer's target requires"""
    key = node.target or node.layer.target
    if key is None:
        return None
    stream = subnet.place.streams[key]
    return node.loss.output_dim(stream) if node.loss and node.target else stream.dim


def checked_losses(subnet: Subnet, node: Node, output: Template, site: Site) -> dict[str, LossSpec]:
    """
    :param output: template of the layer's output, outside of loops
    :return: layer name → its loss; empty for a layer without a loss
    :raises NetworkError: if the loss does not fit the output
    """
    if node.loss is None:
        return {}
    if output.batch is None and any(axis.kind in DYNAMIC for axis in output.axes):
        raise site.fail(f"a loss needs the sequences of a batch, and its output is {output}, the same for all of them")
    key = node.target or node.layer.target
    problem = node.loss.check(output, subnet.place.streams[key] if key else None)
    if problem:
        raise site.fail(problem)
    return loss_specs(site.name, node.layer, node.loss, node.target)
