"""Functions given as `custom_param_importer`: they set the parameters of their layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy

from boulder.network.params import ParamSpec
from boulder.schedule.user_code import call_user
from boulder.training.growth.matching import Specs
from boulder.training.growth.returnn_view import GrowingNetwork, Session, values_by_owner


class InitialValues(dict[str, numpy.ndarray]):
    """Path → array, computed on first access."""

    def __init__(self, specs: Specs, fresh: Callable[[ParamSpec], numpy.ndarray]) -> None:
        super().__init__()
        self._specs, self._fresh = specs, fresh

    def __missing__(self, path: str) -> numpy.ndarray:
        self[path] = self._fresh(self._specs[path])
        return self[path]

    def release(self, path: str) -> numpy.ndarray:
        """:return: the array, which is no longer held here"""
        value = self[path]
        del self[path]
        return value


def call_importers(
    functions: Mapping[str, Callable[..., Any]],
    init_from: Mapping[str, str],
    old: Mapping[str, numpy.ndarray],
    old_specs: Specs,
    network: GrowingNetwork,
) -> None:
    """
    :param functions: layer or loop → function that sets its parameters; called only if there are old values, as in RETURNN
    :param init_from: new layer → old layer
    :param old: path → array; the functions receive copies
    :raises ScheduleError: if a function raises an exception
    """
    if not functions:
        return
    before = values_by_owner(old_specs, {spec.path: old[spec.path].copy() for spec in old_specs.values()})
    for name, function in functions.items():
        values = before.get(init_from.get(name, name))
        if values:
            where = f"layer {name!r}: custom_param_importer"
            call_user(function, where, layer=network.layers[name], values_dict=values, session=Session())
