"""Layers of extra nets have the parameters of layers of the net beside them, see `boulder.network.extra_nets`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from boulder.errors import NetworkError
from boulder.network.extra_nets import plain_name
from boulder.network.params import ParamSpec
from boulder.network.specs import LayerSpec

_OPTIONS = (
    "param_variational_noise",
    "param_dropout",
    "param_dropout_min_ndim",
    "updater_opts",
    "custom_param_importer",
)
"""options of a layer on its parameters"""


def check_shared(layers: Iterable[LayerSpec]) -> None:
    """:raises NetworkError: if two layers differ in what they say of the same parameter"""
    owners: dict[str, tuple[LayerSpec, ParamSpec]] = {}
    for layer in layers:
        for param in layer.params:
            first, other = owners.setdefault(param.path, (layer, param))
            if first.name == layer.name or plain_name(first.name) != plain_name(layer.name):
                continue
            where = f"layers {first.name!r} and {layer.name!r} have the same parameter {param.path}"
            if other.shape != param.shape:
                raise NetworkError(f"{where}, but with the shapes {other.shape} and {param.shape}")
            if replace(other, splits=(), returnn_splits=None) != replace(param, splits=(), returnn_splits=None):
                raise NetworkError(f"{where}, expected the same initializer and 'trainable'")
            for option in _OPTIONS:
                ours, theirs = getattr(first.layer, option), getattr(layer.layer, option)
                if ours != theirs:
                    raise NetworkError(f"{where}, expected the same {option!r}, found {ours!r} and {theirs!r}")
