"""`WrapEpochValue`: values inside a net dict that depend on the epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from boulder.errors import ScheduleError
from boulder.schedule.user_code import call_user

_ATOMS = (str, int, float, bool, type(None))


class WrapEpochValue:
    """Stands, at any depth of a net dict, for the value that a function returns for the current epoch."""

    def __init__(self, func: Callable) -> None:
        """
        :param func: called as `func(epoch=…)`; epochs count from 1
        """
        self.func = func

    def get_value(self, epoch: int) -> object:
        return self.func(epoch=epoch)

    def __deepcopy__(self, memo: dict) -> WrapEpochValue:
        return self  # shared, like functions

    def __repr__(self) -> str:
        return f"WrapEpochValue({self.func!r})"


def is_epoch_value(value: object) -> bool:
    """:return: whether it is a `WrapEpochValue`, of Boulder or of RETURNN, which a config may import"""
    if isinstance(value, WrapEpochValue):
        return True
    kind = type(value)
    if kind in _ATOMS or kind is dict or kind is list or kind is tuple:
        return False
    names = {cls.__name__ for cls in kind.__mro__}
    return "WrapEpochValue" in names and callable(getattr(value, "get_value", None))


def has_epoch_values(value: object, _outer: frozenset[int] = frozenset()) -> bool:
    """:return: whether dicts, lists and tuples contain a `WrapEpochValue` at any depth"""
    if isinstance(value, dict | list | tuple):
        if id(value) in _outer:  # contains itself; the conversion to JSON raises the error
            return False
        items = value.values() if isinstance(value, dict) else value
        outer = _outer | {id(value)}
        return any(type(item) not in _ATOMS and has_epoch_values(item, outer) for item in items)
    return is_epoch_value(value)


def at_epoch(value: Any, epoch: int, where: str, path: str) -> Any:
    """
    :param where: index and epoch, for messages
    :param path: keys to this value, for messages
    :return: `value` with each `WrapEpochValue` replaced by its value in this epoch; parts without one are shared
    :raises ScheduleError: if the function of a `WrapEpochValue` raises
    """
    if not has_epoch_values(value):
        return value
    if isinstance(value, dict):
        return {key: at_epoch(item, epoch, where, f"{path}/{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        items = [at_epoch(item, epoch, where, f"{path}[{i}]") for i, item in enumerate(value)]
        return items if isinstance(value, list) else tuple(items)
    # Calls the inner function directly, so that the message names a line of the config.
    inner = getattr(value, "func", None) if type(value).__name__ == "WrapEpochValue" else None
    function = inner if callable(inner) else value.get_value
    return call_user(function, f"{where}: WrapEpochValue at {path!r}", epoch=epoch)


def refuse_epoch_values(network: dict) -> None:
    """:raises ScheduleError: if a network that is trained without pretraining contains a `WrapEpochValue`"""
    for name, layer in network.items():
        if has_epoch_values(layer):
            raise ScheduleError(
                f"{name!r}: found a WrapEpochValue, but there is no pretraining whose epoch it could follow; "
                "expected pretrain={'construction_algo': 'no_network_modifications', 'repetitions': number of epochs}"
            )
