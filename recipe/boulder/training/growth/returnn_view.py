"""What functions written for RETURNN see of a network that grows: layers, parameters and a session, over NumPy arrays.

    def importer(layer, values_dict, session):                              # custom_param_importer of a layer
        for name, param in layer.params.items():
            value = session.run(param)                                      # or param.eval(session)
            value[: len(values_dict[name])] = values_dict[name]
            param.load(value, session)                                      # or param.assign(value), or
            layer.network.get_var_assigner(param).assign(value, session)

Names are RETURNN's: `W` and not `rec/W` for a recurrent layer, `s/W` for what a loop has of its layer `s`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy

from boulder.errors import ConfigError, nearest
from boulder.network.params import ParamSpec, variable_scope
from boulder.training.growth.matching import Specs
from boulder.training.growth.per_layer import owners


def name_within(owner: str, spec: ParamSpec) -> str:
    """
    :param owner: the parameter's layer, or a loop that this stands in
    :return: what RETURNN calls the parameter there
    """
    if owner == spec.layer:
        return spec.name.removeprefix("rec/")
    return spec.path.removeprefix("/rec/".join(map(variable_scope, owner.split("/"))) + "/rec/")


def values_by_owner(specs: Specs, values: Mapping[str, numpy.ndarray]) -> dict[str, dict[str, numpy.ndarray]]:
    """:return: layer or loop → name → array; the same array for both"""
    result: dict[str, dict[str, numpy.ndarray]] = {}
    for spec in specs.values():
        for owner in owners(spec.layer):
            result.setdefault(owner, {})[name_within(owner, spec)] = values[spec.path]
    return result


class Shape(tuple):
    __slots__ = ()

    def as_list(self) -> list[int]:
        return list(self)


class GrowingParam:
    """A variable of RETURNN's, as far as it can be read and set."""

    def __init__(self, spec: ParamSpec, network: GrowingNetwork):
        self._spec, self._network = spec, network
        self.name = f"{spec.path}:0"
        self.shape = Shape(spec.shape)
        self.dtype = numpy.dtype(spec.dtype)

    def get_shape(self) -> Shape:
        return self.shape

    def eval(self, session=None) -> numpy.ndarray:
        """:return: a copy of the value, at first the initial one"""
        return self._network.values[self._spec.path].copy()

    numpy = eval

    def assign(self, value, session=None) -> None:
        """:raises ConfigError: for another shape, or what is no array of numbers"""
        self._network.set(self._spec, value)

    load = assign


class GrowingLayer:
    """
    :param absolute_name: `decoder/s`
    """

    def __init__(self, absolute_name: str, network: GrowingNetwork):
        self._absolute_name, self.network = absolute_name, network
        self.name = absolute_name.rpartition("/")[2]
        self.params: dict[str, GrowingParam] = {}

    def get_absolute_name(self) -> str:
        return self._absolute_name


class GrowingNetwork:
    """
    :param specs: of the parameters that it has
    :param values: path → array; what is set appears there
    """

    def __init__(self, specs: Specs, values: dict[str, numpy.ndarray]):
        self.values = values
        self.changed: dict[str, None] = {}
        self.layers: dict[str, GrowingLayer] = {}
        """By absolute names, loops as well as the layers in them; those that have parameters."""
        for spec in specs.values():
            param = GrowingParam(spec, self)
            for owner in owners(spec.layer):
                layer = self.layers.setdefault(owner, GrowingLayer(owner, self))
                layer.params[name_within(owner, spec)] = param

    def set(self, spec: ParamSpec, value) -> None:
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
    """What stands for a session of TensorFlow 1."""

    def run(self, fetches):
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
        raise ConfigError(f"session.run gives the values of parameters, found {fetches!r:.60}")


def checked(value, spec: ParamSpec) -> numpy.ndarray:
    """
    :return: `value` as an array of its own, in the parameter's type
    :raises ConfigError: for another shape, or a type that this one cannot hold
    """
    array = numpy.asarray(value)
    if array.shape != spec.shape:
        raise ConfigError(f"parameter {spec.path!r}: expected an array of shape {spec.shape}, found {array.shape}")
    if not numpy.can_cast(array.dtype, spec.dtype, "same_kind"):
        raise ConfigError(f"parameter {spec.path!r}: expected an array of {spec.dtype}, found {array.dtype}")
    return array.astype(spec.dtype)
