"""What the spec half of a layer needs to know of its subnet, and the check of the layer's loss."""

from __future__ import annotations

from collections.abc import Mapping

from boulder.network.axes import BEAM, DYNAMIC, LOOP, Axis
from boulder.network.flat_axes import as_frames
from boulder.network.layer import Layer
from boulder.network.reading import loss_specs
from boulder.network.refs import Ref, RefKind
from boulder.network.site import Site
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


def checked_losses(node: Node, output: Template, target_of: TemplateOf, site: Site) -> dict[str, LossSpec]:
    """
    :param output: template of the layer's output, outside of loops
    :param target_of: gives the template of the loss's target, outside of loops
    :return: layer name → its loss; empty for a layer without a loss
    :raises NetworkError: if the loss does not fit the output
    """
    if node.loss is None:
        return {}
    if output.batch is None and any(axis.kind in DYNAMIC for axis in output.axes):
        raise site.fail(f"a loss needs the sequences of a batch, and its output is {output}, the same for all of them")
    of_search = [template for _, template in [*(site.sources if node.layer.ends_search else []), ("", output)]]
    if node.loss.needs_search and not any(template.axis(BEAM) for template in of_search):
        raise site.fail(
            f"loss {node.loss.class_name!r} needs the output of a search, or of 'decide' on one, found {output}"
        )
    if any(axis.kind == LOOP and axis.origin[0] == "chunks" for axis in output.axes):
        raise site.fail("a loss on chunks is not supported; 'time_unchunking' makes them one sequence")
    output, ref = as_frames(output), node.target if node.has_target else None
    problem = node.loss.check(output, None if ref is None else target_of(ref))
    if problem:
        raise site.fail(problem)
    return loss_specs(site.name, node.layer, node.loss, None if ref is None else ref.key)
