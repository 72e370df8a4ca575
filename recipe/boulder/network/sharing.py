"""Parameters that several layers have in common: by `name_scope`, and because one is the other one in an extra net."""

from __future__ import annotations

from dataclasses import replace

from boulder.errors import NetworkError
from boulder.network.extra_nets import plain_name
from boulder.network.params import ParamSpec
from boulder.network.specs import LayerSpec, NetworkSpec

_OPTIONS = (
    "param_variational_noise",
    "param_dropout",
    "param_dropout_min_ndim",
    "updater_opts",
    "custom_param_importer",
)
"""options of a layer on its parameters"""


def check_paths(spec: NetworkSpec) -> None:
    """
    Layers with a common `name_scope` share their parameters; others need paths of their own.

    :raises NetworkError: if two layers would have the same parameter, or a shared one has two shapes
    """
    owners: dict[str, tuple[LayerSpec, ParamSpec]] = {}
    for layer in spec.all_layers():
        for param in layer.params:
            owner, first = owners.setdefault(param.path, (layer, param))
            if owner.name == layer.name:
                continue
            if plain_name(owner.name) == plain_name(layer.name):
                _check_same((owner, first), (layer, param))
                continue
            where = f"layer {layer.name!r} ({layer.layer.class_name})"
            if not (_has_scope(spec, layer) or _has_scope(spec, owner)):
                raise NetworkError(
                    f"{where}: its parameters would have the same paths as those of layer {owner.name!r}, "
                    f"{param.path.rpartition('/')[0]}/…; rename it"
                )
            if param.shape != first.shape:
                raise NetworkError(
                    f"{where}: shares the parameter {param.path!r} with layer {owner.name!r} by 'name_scope', but needs the "
                    f"shape {param.shape}, found {first.shape}"
                )


def _has_scope(spec: NetworkSpec, layer: LayerSpec) -> bool:
    """:return: whether the layer, or one that holds it, has a `name_scope`"""
    parts = layer.name.split("/")
    around = (spec.layers.get("/".join(parts[:count])) for count in range(1, len(parts)))
    return any(found.layer.name_scope is not None for found in (layer, *filter(None, around)))


def _check_same(first: tuple[LayerSpec, ParamSpec], second: tuple[LayerSpec, ParamSpec]) -> None:
    """
    :param first: a layer and its parameter
    :param second: the layer and the parameter of another net with the same names
    """
    where = f"layers {first[0].name!r} and {second[0].name!r} have the same parameter {first[1].path}"
    if first[1].shape != second[1].shape:
        raise NetworkError(f"{where}, but with the shapes {first[1].shape} and {second[1].shape}")
    without_parts = [replace(param, splits=(), returnn_splits=None) for _, param in (first, second)]
    if without_parts[0] != without_parts[1]:
        raise NetworkError(f"{where}, expected the same initializer and 'trainable'")
    for option in _OPTIONS:
        found = [getattr(layer.layer, option) for layer, _ in (first, second)]
        if found[0] != found[1]:
            raise NetworkError(f"{where}, expected the same {option!r}, found {found[0]!r} and {found[1]!r}")
