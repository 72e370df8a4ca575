"""`state`: the state of a recurrent layer before each frame, given by other layers. The layer computes a single step of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from boulder.network.axes import FEATURE
from boulder.network.dims import NetDim
from boulder.network.layer_run import LayerRun
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.units.initial_state import layers_in, parts_of


def checked(
    layer: Any, sources: Sequence[tuple[str, Template]], keys: Sequence[str | None], template: Template, site: Site
) -> Template:
    """
    :param layer: with the options `state`, `initial_state`, `axis`, `direction`
    :param sources: absolute name and template of each layer of the state
    :param keys: keys of the state
    :param template: of the input
    :return: of the input, with the axes of the state
    :raises NetworkError: if the layers do not give a state of the unit
    """
    if layer.initial_state is not None:
        raise site.fail("'initial_state' has no effect beside 'state', which gives the state before each frame")
    single = layer.axis is None or (isinstance(layer.axis, NetDim) and layer.axis.is_single_step)
    if not single or layer.reads_backwards:
        option = "'direction' -1" if single else f"'axis' {layer.axis!r}"
        raise site.fail(f"computes a single step from the given 'state', so {option} is not possible")
    if isinstance(layer.given_state, str) and len(keys) > 1:
        parts = ", ".join(f"{key!r}: …" for key in keys)
        raise site.fail(f"'state' must be {{{parts}}} with a layer for each, found {layer.given_state!r}")
    named = dict(zip(layers_in(layer.given_state), sources, strict=True))
    for part in parts_of(layer.given_state, keys, site, "state").values():
        if part not in named:
            raise site.fail(f"'state' must name a layer for each part of the state, found {part!r}")
    n = site.out_dim()
    for name, (_, of_state) in named.items():
        if of_state.feature is None or of_state.dim != n or of_state.dtype != "float32":
            raise site.fail(f"'state' names {name!r}, expected a vector of size {n}, found {of_state}")
        further = [axis for axis in of_state.axes if axis not in template.axes and axis.kind != FEATURE]
        outer = [axis for axis in template.axes if axis.kind != FEATURE]
        features = [axis for axis in template.axes if axis.kind == FEATURE]
        template = replace(template, axes=(*outer, *further, *features))
    return template


def tensors(
    given: str | dict | list, keys: Sequence[str | None], sources: Sequence[Tensor], run: LayerRun
) -> dict[str | None, Tensor]:
    """
    :param sources: one for each of `layers_in(given)`
    :return: key → state, with the axes of the output
    """
    named = dict(zip(layers_in(given), sources, strict=True))
    return {key: run.broadcast(named[str(part)], run.template) for key, part in parts_of(given, keys, None).items()}
