"""Parameters that several layers have in common: by `name_scope`."""

from __future__ import annotations

from boulder.errors import NetworkError
from boulder.network.params import ParamSpec
from boulder.network.specs import LayerSpec, NetworkSpec


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
