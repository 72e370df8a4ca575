"""Calls the construction algo for each index and collects the networks that it returns."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass

from boulder.awaited import resolved
from boulder.errors import ScheduleError
from boulder.schedule.comparing import same_value
from boulder.schedule.copying import copy_value
from boulder.schedule.difference import changes
from boulder.schedule.epoch_values import at_epoch, has_epoch_values
from boulder.schedule.hash_keys import REPETITION_KEYS, Settings, read_settings
from boulder.schedule.repetitions import as_repetition
from boulder.schedule.user_code import call_user, short


@dataclass(frozen=True)
class Step:
    """
    One network of the construction.

    :param index: argument `idx` of the algo; None: the original network
    :param layers: layers as returned, possibly with `WrapEpochValue`s
    :param keys: the `#` keys without repetitions
    :param settings: parsed `#` keys; None if they depend on the epoch
    :param wrapped: layers that depend on the epoch
    :param repetitions: epochs that the net dict requests
    :param plural: whether it uses `#repetitions`, which RETURNN ignores
    :param where: context for messages
    :param copy_param_mode: default if the `#` keys set none
    """

    index: int | None
    layers: dict[str, dict]
    keys: dict[str, object]
    settings: Settings | None
    wrapped: tuple[str, ...]
    repetitions: int | None
    plural: bool
    where: str
    copy_param_mode: str | None

    @property
    def depends_on_epoch(self) -> bool:
        """Whether epochs of this step may differ."""
        return bool(self.wrapped) or self.settings is None

    def at_epoch(self, epoch: int, shared: dict[str, dict]) -> tuple[dict[str, dict], Settings]:
        """
        :param shared: a network whose layers are reused where they are equal
        :raises ScheduleError: if a `WrapEpochValue` raises or has an invalid value
        """
        if not self.wrapped and self.settings is not None:
            return self.layers, self.settings
        where = f"{self.where}, epoch {epoch}"
        layers = dict(self.layers)
        for name in self.wrapped:
            layer = at_epoch(self.layers[name], epoch, where, name)
            _check_layer(name, layer, where)
            layers[name] = shared[name] if same_value(layer, shared.get(name)) else copy_value(layer, objects=False)
        keys = {name: at_epoch(value, epoch, where, name) for name, value in self.keys.items()}
        return layers, self.settings or read_settings(keys, where, self.copy_param_mode)


class Construction:
    """Calls an algo step by step. Steps share equal layers, so that a thousand indices cost only their changes."""

    def __init__(self, algo: Callable, network: dict, *, copy_param_mode: str | None, max_index: int) -> None:
        """
        :param algo: receives a deep copy of `network` in each call
        :param copy_param_mode: default for steps that set none
        :param max_index: limit on the number of indices
        """
        self.algo, self.network = algo, network
        self.copy_param_mode, self.max_index = copy_param_mode, max_index
        self.steps: list[Step] = []
        self._witness = copy_value(network, objects=False)
        self._original = copy_value(network)
        self.original_step = make_step(None, self._original, "the original network", copy_param_mode)

    def next_step(self, **more: object) -> Step | None:
        """
        :param more: arguments for the algo besides `idx` and `net_dict`
        :return: the next step, also appended to `steps`; None once the algo returns None (or, as in RETURNN, anything
            empty)
        :raises ScheduleError: if the algo raises, exceeds `max_index`, returns no net dict, or changes the original
            network
        """
        idx = len(self.steps)
        where = f"construction_algo at idx {idx}"
        net_dict = _call(self.algo, where, idx=idx, net_dict=copy_value(self._original), **more)
        if not same_value(self._witness, self.network):
            found: object = changes(self._witness, self.network) or "its # keys"
            raise ScheduleError(
                f"{where}: changed the original network ({found}) through a reference it kept, "
                "expected it to change and return its argument net_dict"
            )
        if net_dict is None:
            return None
        if idx >= self.max_index:
            raise ScheduleError(
                f"{where}: found a network, expected None by now: a construction has at most "
                f"max_index={self.max_index} indices, and one that never returns None never ends"
            )
        before = self.steps[-1] if self.steps else self.original_step
        self.steps.append(make_step(idx, net_dict, where, self.copy_param_mode, before.layers, before.wrapped))
        return self.steps[-1]


def construct(algo: Callable, network: dict, *, copy_param_mode: str | None, max_index: int) -> tuple[Step, ...]:
    """
    Calls `algo(idx=…, net_dict=…)` for idx 0, 1, 2, … until it returns None. The original network is the last step.

    :raises ScheduleError: see `Construction.next_step`
    """
    construction = Construction(algo, network, copy_param_mode=copy_param_mode, max_index=max_index)
    while construction.next_step():
        pass
    return (*construction.steps, construction.original_step)


def constructed(networks: list[dict[str, dict]], network: dict, *, copy_param_mode: str | None) -> tuple[Step, ...]:
    """
    Makes steps of networks that an algo returned all at once. The `#` keys of the original apply to all of them.

    :param networks: without `#` keys
    :param network: the original network
    """
    original = copy_value(network)
    steps = [make_step(None, original, "the original network", copy_param_mode)]
    keys = {name: value for name, value in original.items() if name.startswith("#")}
    for idx, layers in enumerate(networks):
        where, before = f"construction_algo at idx {idx}", steps[-1]
        steps.append(make_step(idx, layers | keys, where, copy_param_mode, before.layers, before.wrapped))
    return (*steps[1:], steps[0])


def make_step(
    index: int | None,
    net_dict: dict,
    where: str,
    copy_param_mode: str | None,
    shared: dict[str, dict] | None = None,
    shared_wrapped: tuple[str, ...] = (),
) -> Step:
    """
    :param shared: a network whose layers are reused where they are equal
    :param shared_wrapped: those of its layers that depend on the epoch
    :raises ScheduleError: if `net_dict` is not a net dict
    """
    shared = shared or {}
    layers: dict[str, dict] = {}
    keys: dict[str, object] = {}
    wrapped = []
    for name, layer in net_dict.items():
        if not isinstance(name, str):
            raise ScheduleError(f"{where}: found layer name {short(name)}, expected a str")
        if name.startswith("#"):
            keys[name] = layer
            continue
        if name in shared and same_value(layer, shared[name]):
            layers[name] = shared[name]
            is_wrapped = name in shared_wrapped
        else:
            layers[name] = copy_value(layer, objects=False)
            is_wrapped = has_epoch_values(layer)
        if is_wrapped:
            wrapped.append(name)
        else:
            _check_layer(name, layer, where)
    repetitions, plural = _repetitions(keys, where), "#repetitions" in keys
    keys = {name: copy_value(value, objects=False) for name, value in keys.items() if name not in REPETITION_KEYS}
    settings = None if has_epoch_values(keys) else read_settings(keys, where, copy_param_mode)
    return Step(index, layers, keys, settings, tuple(wrapped), repetitions, plural, where, copy_param_mode)


def history_parameter(algo: Callable) -> inspect.Parameter | None:
    """:return: the parameter `history` of an algo; `**kwargs`, which many algos have, does not count"""
    try:
        return inspect.signature(algo).parameters.get("history")
    except (TypeError, ValueError):  # a callable without a signature
        return None


def needs_history(algo: Callable) -> bool:
    """:return: whether `history` is a required argument of the algo"""
    parameter = history_parameter(algo)
    return parameter is not None and parameter.default is inspect.Parameter.empty


def _call(algo: Callable, where: str, **arguments: object) -> dict | None:
    result = call_user(algo, where, **arguments)
    if result is None or (isinstance(result, dict | list | tuple | bool | int | str) and not result):
        return None  # RETURNN stops at any false value
    if not isinstance(result, dict):
        raise ScheduleError(f"{where}: returned {short(result)}, expected a net dict or None")
    found: dict = resolved(result, where)
    return found


def _check_layer(name: str, layer: object, where: str) -> None:
    if not isinstance(layer, dict):
        raise ScheduleError(f"{where}: layer {name!r} is {short(layer)}, expected a dict of its options")


def _repetitions(keys: dict, where: str) -> int | None:
    found = {key: as_repetition(keys[key], f"{where}: {key!r}") for key in REPETITION_KEYS if key in keys}
    if len(set(found.values())) > 1:
        raise ScheduleError(
            f"{where}: found '#repetitions' {found['#repetitions']} and '#repetition' {found['#repetition']}, "
            "expected one of them or the same value"
        )
    return next(iter(found.values()), None)
