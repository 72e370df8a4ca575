"""What the spec half of a layer needs to know of its subnet."""

from __future__ import annotations

from collections.abc import Mapping

from boulder.network.axes import Axis
from boulder.network.layer import Layer
from boulder.network.refs import Ref, RefKind
from boulder.network.site import Site
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
        if copied is None:
            return None
        refs.update((ref.key, ref) for ref in copied)
        try:
            return [(ref.key, template_of(ref)) for ref in copied]
        except KeyError:  # in a guess of templates, the copy's own one is enough
            return None

    def layer_of(key: str) -> Layer | None:
        return subnet.layer_of(refs[key]) if key in refs else None

    return Site(
        name=subnet.key(node.name),
        layer=node.layer,
        sources=[(ref.key, known[ref]) for ref in node.sources if ref in known],
        default_dim=default_dim(node, template_of),
        look_through=look_through,
        path=node.path,
        scope=subnet.scope(node.name),
        owner=subnet.owner(node.name),
        borrow=node.sharing.borrowed if node.sharing else lambda _param, _where: None,
        trainable=subnet.trainable(node.name),
        loop=loop,
        surroundings=subnet.name,
        mode=subnet.mode,
        layer_of=layer_of,
        beside=frozenset(ref.key for ref in node.sources if ref.subnet == subnet.name),
        expected=tuple(ref.key for ref in node.sources),
    )


def _copied(subnet: Subnet, ref: Ref) -> tuple[Ref, ...] | None:
    """:return: the sources of the layer that `ref` reads, if the layer only copies them"""
    if ref.subnet != subnet.name or ref.kind is not RefKind.LAYER:
        return None
    node = subnet.nodes[ref.name]
    return node.sources if node.layer.copies_sources else None


def default_dim(node: Node, template_of: TemplateOf) -> int | None:
    """:return: the default of `n_out`: the dimension that the layer's target requires, if it is known"""
    if node.target is None:
        return None
    try:
        target = template_of(node.target)
    except KeyError:  # a layer that is described later
        return None
    return node.loss.output_dim(target) if node.loss and node.has_target else target.dim
