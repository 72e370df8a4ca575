"""Matching of new parameters to the old ones that they take their values from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
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
    only in a number (lstm0_fw, lstm1_fw, …; block1_ff1, block2_ff1, …), the i-th layer of the new network copies the
    (i mod L)-th. If that layer has another shape, as the first layer often does, the next one of the same shape is copied.
    A layer without parameters, such as the sum at the end of a block, takes the place of the (i mod L)-th where others read it.

    :return: new layer → old layer, for the new layers that copy one or take its place
    """
    old_shapes, new_shapes = _shapes(old_specs), _shapes(new_specs)
    copies = _cyclic(old_shapes, new_shapes, lambda old, new: old_shapes[old] == new_shapes[new])
    old_read, new_read = source_names(old_specs) - set(old_shapes), source_names(new_specs) - set(new_shapes)
    return _cyclic(old_read, new_read, lambda _old, _new: True) | copies


def _cyclic(old: Iterable[str], new: Iterable[str], fit: Callable[[str, str], bool]) -> dict[str, str]:
    """
    :param fit: whether an old layer fits a new one
    :return: new name → old name that differs in one number, the last one if possible
    """
    known, result = set(old), {}
    trained_of, members_of = _families(known), _families(new)
    for layer in new:
        for family in [] if layer in known else _families_of(layer):
            trained, members = trained_of.get(family, []), members_of[family]
            i = members.index(layer)
            around = [trained[(i + step) % len(trained)] for step in range(len(trained))]
            fitting = [name for name in around if fit(name, layer)]
            if fitting:
                result[layer] = fitting[0]
                break
    return result


def next_layers(specs: Specs) -> dict[str, str]:
    """:return: layer → the one of its shape whose name has the next number, by the first number for which there is one"""
    shapes, result = _shapes(specs), {}
    for layer in shapes:
        for match in re.finditer(r"\d+", layer):
            following = f"{layer[: match.start()]}{int(match[0]) + 1}{layer[match.end() :]}"
            if shapes.get(following) == shapes[layer]:
                result[layer] = following
                break
    return result


def _shapes(specs: Specs) -> dict[str, dict[str, tuple[int, ...]]]:
    """:return: layer → name of the parameter → shape"""
    result: dict[str, dict[str, tuple[int, ...]]] = {}
    for spec in specs.values():
        result.setdefault(spec.layer, {})[spec.name] = spec.shape
    return result


def _families_of(layer: str) -> list[tuple[str, str]]:
    """:return: (name before a number, name after it), the last number first"""
    return [(layer[: match.start()], layer[match.end() :]) for match in reversed([*re.finditer(r"\d+", layer)])]


def _families(layers: Iterable[str]) -> dict[tuple[str, str], list[str]]:
    """:return: (name before a number, name after it) → layers with such names, in the order of that number"""
    found: dict[tuple[str, str], list[str]] = {}
    for layer in layers:
        for family in _families_of(layer):
            found.setdefault(family, []).append(layer)
    for (before, after), members in found.items():
        members.sort(key=lambda layer: int(layer[len(before) : len(layer) - len(after)]))
    return found
