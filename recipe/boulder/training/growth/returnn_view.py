"""A growing network as functions written for RETURNN see it: layers, parameters and a session, on NumPy arrays.

    def importer(layer, values_dict, session):                              # custom_param_importer of a layer
        for name, param in layer.params.items():
            value = session.run(param)                                      # or param.eval(session)
            value[: len(values_dict[name])] = values_dict[name]
            param.load(value, session)                                      # or param.assign(value), or
            layer.network.get_var_assigner(param).assign(value, session)

Names are RETURNN's: `W` instead of `rec/W` for a recurrent layer, and `s/W` in a loop for the parameter of its layer `s`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy

from boulder.errors import ConfigError, nearest
from boulder.network.params import ParamSpec, variable_scope
from boulder.training.growth.matching import Specs
from boulder.training.growth.per_layer import owners


def name_within(owner: str, spec: ParamSpec) -> str:
    """
    :param owner: the parameter's layer, or a loop around it
    :return: RETURNN's name of the parameter there
    """
    if owner == spec.layer:
        return spec.name.removeprefix("rec/")
    return spec.path.removeprefix("/rec/".join(map(variable_scope, owner.split("/"))) + "/rec/")


def values_by_owner(specs: Specs, values: Mapping[str, numpy.ndarray]) -> dict[str, dict[str, numpy.ndarray]]:
    """:return: layer or loop → name → array; both refer to the same array"""
    result: dict[str, dict[str, numpy.ndarray]] = {}
    for spec in specs.values():
        for owner in owners(spec.layer):
            result.setdefault(owner, {})[name_within(owner, spec)] = values[spec.path]
    return result


class Shape(tuple[int, ...]):
    __slots__ = ()

    def as_list(self) -> list[int]:
        return list(self)


class GrowingParam:
    """Stands for a variable in RETURNN; can be read and assigned."""

    def __init__(self, spec: ParamSpec, network: GrowingNetwork) -> None:
        self._spec, self._network = spec, network
        self.name = f"{spec.path}:0"
        self.shape = Shape(spec.shape)
        self.dtype = numpy.dtype(spec.dtype)

    def get_shape(self) -> Shape:
        return self.shape

    def eval(self, session: object = None) -> numpy.ndarray:
        """:return: a copy of the current value"""
        return self._network.values[self._spec.path].copy()

    numpy = eval

    def assign(self, value: Any, session: object = None) -> None:
        """:raises ConfigError: for a value of another shape or type"""
        self._network.set(self._spec, value)

    load = assign


class GrowingLayer:
    """
    Stands for a layer in RETURNN.

    :param absolute_name: e.g. `decoder/s`
    """

    def __init__(self, absolute_name: str, network: GrowingNetwork) -> None:
        self._absolute_name, self.network = absolute_name, network
        self.name = absolute_name.rpartition("/")[2]
        self.params: dict[str, GrowingParam] = {}

    def get_absolute_name(self) -> str:
        return self._absolute_name


class GrowingNetwork:
    """
    Stands for a network in RETURNN.

    :param specs: path → specification of the parameter
    :param values: path → array; updated by assignments
    """

    def __init__(self, specs: Specs, values: dict[str, numpy.ndarray]) -> None:
        self.values = values
        self.changed: dict[str, None] = {}
        self.layers: dict[str, GrowingLayer] = {}
        """Absolute name → layer or loop with parameters."""
        for spec in specs.values():
            param = GrowingParam(spec, self)
            for owner in owners(spec.layer):
                layer = self.layers.setdefault(owner, GrowingLayer(owner, self))
                layer.params[name_within(owner, spec)] = param

    def set(self, spec: ParamSpec, value: Any) -> None:
        self.values[spec.path] = checked(value, spec)
        self.changed[spec.path] = None

    def get_layer(self, name: str) -> GrowingLayer:
        """:raises ConfigError: if there is no such layer with parameters"""
        if name not in self.layers:
            raise ConfigError(f"the new network has no layer {name!r} with parameters{nearest(name, self.layers)}")
        return self.layers[name]

    def get_params_list(self) -> list[GrowingParam]:
        return list({param.name: param for layer in self.layers.values() for param in layer.params.values()}.values())

    @staticmethod
    def get_var_assigner(param: GrowingParam) -> GrowingParam:
        return param


class Session:
    """Stands for a session of TensorFlow 1."""

    def run(self, fetches: Any) -> Any:
        """
        :param fetches: a parameter, or lists and dicts of them
        :return: their values
        """
        if isinstance(fetches, dict):
            return {key: self.run(value) for key, value in fetches.items()}
        if isinstance(fetches, list | tuple):
            return [self.run(value) for value in fetches]
        if isinstance(fetches, GrowingParam):
            return fetches.eval()
        raise ConfigError(f"session.run returns the values of parameters, but was called with {fetches!r:.60}")


def checked(value: Any, spec: ParamSpec) -> numpy.ndarray:
    """
    :return: a copy of `value` in the parameter's dtype
    :raises ConfigError: for a value of another shape, or of a type that cannot be cast
    """
    array = numpy.asarray(value)
    if array.shape != spec.shape:
        raise ConfigError(f"parameter {spec.path!r}: expected an array of shape {spec.shape}, found {array.shape}")
    if not numpy.can_cast(array.dtype, spec.dtype, "same_kind"):
        raise ConfigError(f"parameter {spec.path!r}: expected an array of {spec.dtype}, found {array.dtype}")
    return array.astype(spec.dtype)
