"""Matching of new parameters to the old ones that they take their values from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import chain

from boulder.errors import ConfigError, nearest
from boulder.network.params import ParamSpec
from boulder.training.growth.by_source import is_output

Specs = Mapping[str, ParamSpec]
"""path → parameter"""


def match_params(old_specs: Specs, new_specs: Specs, init_from: Mapping[str, str]) -> dict[str, ParamSpec]:
    """
    :param init_from: new layer → old layer, where they differ
    :return: path of a new parameter → the old parameter of the same name in the matching layer, if there is one
    """
    old = {(spec.layer, spec.name): spec for spec in old_specs.values()}
    keys = {path: (init_from.get(spec.layer, spec.layer), spec.name) for path, spec in new_specs.items()}
    return {path: old[key] for path, key in keys.items() if key in old}


def check_init_from(init_from: Mapping[str, str], old_specs: Specs, new_specs: Specs) -> None:
    """:raises ConfigError: if it names an unknown layer, or one without parameters"""
    for new, old in init_from.items():
        for name, specs, which in ((new, new_specs, "new"), (old, old_specs, "old")):
            known = layer_names(specs)
            if name not in known:
                raise ConfigError(
                    f"growth: 'init_from' maps {new!r} to {old!r}, but the {which} network has no layer {name!r} with "
                    f"parameters{nearest(str(name), known)}"
                )


def layer_names(specs: Specs) -> set[str]:
    """:return: layers that have parameters or are sources of a layer with parameters"""
    return {spec.layer for spec in specs.values()} | source_names(specs)


def source_names(specs: Specs) -> set[str]:
    """:return: sources of layers with parameters"""
    axes = (parts for spec in specs.values() for axis, parts in enumerate(spec.splits) if not is_output(spec, axis))
    return {part.label for part in chain.from_iterable(axes) if part.label}


def stacked(old_specs: Specs, new_specs: Specs) -> dict[str, str]:
    """
    Depth-wise stacking (Gong et al. 2019; G_stack of Du et al. 2024): if the old network has L layers whose names differ
    only in a number (lstm0_fw, lstm1_fw, …), the i-th layer of the new network copies the (i mod L)-th. If that layer has
    another shape, as the first layer often does, the next one of the same shape is copied.

    :return: new layer → old layer, for the new layers that copy one
    """
    old_shapes, new_shapes = _shapes(old_specs), _shapes(new_specs)
    old_families, new_families = _families(old_shapes), _families(new_shapes)
    result = {}
    for family, members in new_families.items():
        trained = old_families.get(family, [])
        for i, layer in enumerate(members):
            around = [trained[(i + step) % len(trained)] for step in range(len(trained))]
            same = [name for name in around if old_shapes[name] == new_shapes[layer]]
            if layer not in old_shapes and same:
                result[layer] = same[0]
    return result


def _shapes(specs: Specs) -> dict[str, dict[str, tuple[int, ...]]]:
    """:return: layer → name of the parameter → shape"""
    result: dict[str, dict[str, tuple[int, ...]]] = {}
    for spec in specs.values():
        result.setdefault(spec.layer, {})[spec.name] = spec.shape
    return result


def _families(layers: Mapping[str, object]) -> dict[tuple[str, str], list[str]]:
    """:return: (name before its last number, name after it) → layers with such names, in the order of that number"""
    found: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for layer in layers:
        match = re.fullmatch(r"(.*?)(\d+)(\D*)", layer)
        if match:
            found.setdefault((match[1], match[3]), []).append((int(match[2]), layer))
    return {family: [layer for _, layer in sorted(members)] for family, members in found.items()}
