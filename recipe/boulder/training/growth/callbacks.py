"""Callbacks of the config at the start of a phase.

`init_new_network_callback` is RETURNN's: it is called before values are copied, and may remove or change old values, or move
them to the name of another layer. `growth_callback` is called afterwards, and may replace arrays of the new network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy

from boulder.errors import ConfigError, nearest
from boulder.network.params import ParamSpec
from boulder.schedule.user_code import call_user, short
from boulder.training.growth.importing import InitialValues
from boulder.training.growth.matching import Specs
from boulder.training.growth.per_layer import owners
from boulder.training.growth.returnn_view import GrowingNetwork, Session, checked, name_within, values_by_owner

Arrays = Mapping[str, numpy.ndarray]


@dataclass
class OldNetworkParams:
    """
    :param values_dict: layer → name → array. Values of a layer in a loop are also listed under the loop, and are removed
        only if both entries are, as in RETURNN.
    :param global_train_step: number of training steps so far
    """

    values_dict: dict[str, dict[str, numpy.ndarray]]
    global_train_step: int


def before_growth(
    callback: Callable[..., Any],
    old: Arrays,
    old_specs: Specs,
    new_specs: Specs,
    start: InitialValues,
    epoch: int,
    step: int,
) -> tuple[dict[str, numpy.ndarray], dict[str, ParamSpec], set[str]]:
    """
    :param callback: called as `init_new_network_callback(session=, new_epoch=, new_network=, old_network_params=)`
    :param start: initial values of the new network, which the callback may set
    :return: arrays and specs of the old network by path, as the callback leaves them; paths that it set in the new network
    :raises ScheduleError: if the callback raises an exception
    :raises ConfigError: if it leaves a value that is not an array of numbers
    """
    copies = {spec.path: old[spec.path].copy() for spec in old_specs.values()}
    origins = {id(copies[spec.path]): spec for spec in old_specs.values()}
    params, network = OldNetworkParams(values_by_owner(old_specs, copies), step), GrowingNetwork(new_specs, start)
    where = "init_new_network_callback"
    call_user(callback, where, session=Session(), new_epoch=epoch, new_network=network, old_network_params=params)
    values: dict[str, numpy.ndarray] = {}
    specs: dict[str, ParamSpec] = {}
    every = {(spec.layer, spec.name): spec for spec in (*old_specs.values(), *new_specs.values())}
    for (layer, name), spec in every.items():
        array = _remaining(params.values_dict, spec)
        if array is None:
            continue
        if id(array) in origins:  # perhaps moved from another layer; the path leads to its optimizer slots
            specs[spec.path] = replace(origins[id(array)], layer=layer, name=name)
        else:
            array = _as_array(array, f"{where}: old values of {spec.path!r}")
            specs[spec.path] = ParamSpec(layer, name, f"{spec.path} of {where}", array.shape)
        values[specs[spec.path].path] = array
    return values, specs, set(network.changed)


def _remaining(values_dict: Mapping[str, Mapping[str, Any]], spec: ParamSpec) -> Any:
    """:return: the value listed under the layer itself, else under a loop around it; None if there is none"""
    for owner in reversed(owners(spec.layer)):
        value = (values_dict.get(owner) or {}).get(name_within(owner, spec))
        if value is not None:
            return value
    return None


def _as_array(value: Any, what: str) -> numpy.ndarray:
    array = numpy.asarray(value)
    if not numpy.can_cast(array.dtype, "float32", "same_kind"):
        raise ConfigError(f"{what}: expected an array of numbers, found {short(value)}")
    return array


def after_growth(
    callback: Callable[..., Any], params: Arrays, specs: Specs, old: Arrays, old_specs: Specs, epoch: int
) -> dict[str, numpy.ndarray]:
    """
    :param callback: called as `growth_callback(params=, specs=, old_params=, old_specs=, epoch=)` with dicts by path, of
        read-only arrays and of `boulder.network.ParamSpec`. Returns path → array for the arrays to replace, or None.
    :return: path → array, for the arrays to replace
    :raises ScheduleError: if the callback raises an exception
    :raises ConfigError: if it returns an unknown path, or an array of another shape or type
    """
    where = "growth_callback"
    replaced = call_user(
        callback,
        where,
        params=_read_only(params),
        specs=dict(specs),
        old_params=_read_only(old),
        old_specs=dict(old_specs),
        epoch=epoch,
    )
    if replaced is None:
        return {}
    if not isinstance(replaced, Mapping):
        raise ConfigError(f"{where}: returned {short(replaced)}, expected None or a dict of path to array")
    for path in replaced:
        if path not in specs:
            raise ConfigError(f"{where}: returned unknown parameter {path!r}{nearest(str(path), specs)}")
    try:
        return {path: checked(value, specs[path]) for path, value in replaced.items()}
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None


def _read_only(arrays: Arrays) -> dict[str, numpy.ndarray]:
    result = {path: array.view() for path, array in arrays.items()}
    for array in result.values():
        array.flags.writeable = False
    return result
