"""`WrapEpochValue`: values inside a net dict that depend on the epoch."""

from collections.abc import Callable

from boulder.errors import ScheduleError
from boulder.schedule.user_code import call_user

_ATOMS = (str, int, float, bool, type(None))


class WrapEpochValue:
    """Stands in a net dict, at any depth, for what a function gives for the epoch of the training."""

    def __init__(self, func: Callable) -> None:
        """
        :param func: called as `func(epoch=…)`, the epoch counted from 1
        """
        self.func = func

    def get_value(self, epoch: int) -> object:
        """:return: the value in this epoch"""
        return self.func(epoch=epoch)

    def __deepcopy__(self, memo: dict) -> "WrapEpochValue":
        return self  # as functions are: nothing in it changes

    def __repr__(self) -> str:
        return f"WrapEpochValue({self.func!r})"


def is_epoch_value(value: object) -> bool:
    """:return: whether it is a `WrapEpochValue`, ours or that of RETURNN, which a config may have brought along"""
    if isinstance(value, WrapEpochValue):
        return True
    kind = type(value)
    if kind in _ATOMS or kind is dict or kind is list or kind is tuple:
        return False
    names = {cls.__name__ for cls in kind.__mro__}
    return "WrapEpochValue" in names and callable(getattr(value, "get_value", None))


def has_epoch_values(value: object, _outer: frozenset[int] = frozenset()) -> bool:
    """:return: whether there is a `WrapEpochValue` in dicts, lists and tuples of any depth"""
    if isinstance(value, dict | list | tuple):
        if id(value) in _outer:  # contains itself; who makes JSON of it says so
            return False
        items = value.values() if isinstance(value, dict) else value
        outer = _outer | {id(value)}
        return any(type(item) not in _ATOMS and has_epoch_values(item, outer) for item in items)
    return is_epoch_value(value)


def at_epoch(value: object, epoch: int, where: str, path: str) -> object:
    """
    :param where: index and epoch, for messages
    :param path: keys to this value, for messages
    :return: `value` with each `WrapEpochValue` replaced by its value in this epoch. What has none is shared
    :raises ScheduleError: if its function raises
    """
    if not has_epoch_values(value):
        return value
    if isinstance(value, dict):
        return {key: at_epoch(item, epoch, where, f"{path}/{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        items = [at_epoch(item, epoch, where, f"{path}[{i}]") for i, item in enumerate(value)]
        return items if isinstance(value, list) else tuple(items)
    # The class is looked through, so that the line of the message is one of the config.
    inner = getattr(value, "func", None) if type(value).__name__ == "WrapEpochValue" else None
    function = inner if callable(inner) else value.get_value
    return call_user(function, f"{where}: WrapEpochValue at {path!r}", epoch=epoch)


def refuse_epoch_values(network: dict) -> None:
    """:raises ScheduleError: if a network that is trained without pretraining has a `WrapEpochValue`"""
    for name, layer in network.items():
        if has_epoch_values(layer):
            raise ScheduleError(
                f"{name!r}: found a WrapEpochValue, but there is no pretraining whose epoch it could follow; "
                "expected pretrain={'construction_algo': 'no_network_modifications', 'repetitions': number of epochs}"
            )
