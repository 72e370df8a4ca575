"""The check of a layer's loss against the layer's output."""

from __future__ import annotations

from boulder.network.axes import BEAM, DYNAMIC, LOOP
from boulder.network.flat_axes import as_frames
from boulder.network.reading import loss_specs
from boulder.network.site import Site
from boulder.network.specs import LossSpec
from boulder.network.subnet import Node, TemplateOf
from boulder.network.template import Template


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
    problem = problem or node.loss.check_params([p.name for p in site.params] + [p.name for p in site.borrowed])
    if problem:
        raise site.fail(problem)
    return loss_specs(site.name, node.layer, node.loss, None if ref is None else ref.key)
