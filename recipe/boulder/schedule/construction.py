"""Calls the construction algo, index by index, and keeps what it returned at each."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

from boulder.errors import ScheduleError, nearest
from boulder.schedule.comparing import same_value
from boulder.schedule.copying import copy_value
from boulder.schedule.difference import changes
from boulder.schedule.phases import COPY_PARAM_MODES
from boulder.schedule.repetitions import as_repetition

HASH_KEYS = ("#config", "#repetitions", "#repetition", "#copy_param_mode")
"""What a net dict may say about its own step, next to its layers."""


@dataclass(frozen=True)
class Step:
    """One network of the construction, taken apart."""

    index: int | None
    network: dict[str, dict]
    config: dict[str, object]
    copy_param_mode: str | None
    repetitions: int | None


def construct(algo: Callable | None, network: dict, *, copy_param_mode: str | None, max_index: int) -> tuple[Step, ...]:
    """
    Calls `algo(idx=…, net_dict=…)` with idx 0, 1, 2, … until it returns None (or anything empty, as in RETURNN's
    `Pretrain`), each time with a deep copy of the original. The original network is appended as the last step.
    Where a network has layers equal to the step before, it shares them: a thousand indices cost what they change.

    :param algo: None constructs nothing: the original network is the only step
    :param copy_param_mode: for the steps that do not have their own
    :raises ScheduleError: the algo raises, never ends, returns no net dict, or changes the original network
    """
    witness = copy_value(network, objects=False)
    original = copy_value(network)
    original_step = _step(None, original, "the original network", copy_param_mode, {})
    steps: list[Step] = []
    plural = "#repetitions" in original
    while algo:
        idx = len(steps)
        where = f"construction_algo at idx {idx}"
        net_dict = _call(algo, idx, copy_value(original), where)
        if not same_value(witness, network):
            found = changes(witness, network) or "its # keys"
            raise ScheduleError(
                f"{where}: changed the original network ({found}) through a reference it kept, "
                "expected it to change and return the net_dict that it is given"
            )
        if net_dict is None:
            break
        if idx >= max_index:
            raise ScheduleError(
                f"{where}: found a network, expected None by now: a construction has at most max_index={max_index} "
                "indices, and one that never returns None never ends"
            )
        plural = plural or "#repetitions" in net_dict
        shared = steps[-1].network if steps else original_step.network
        steps.append(_step(idx, net_dict, where, copy_param_mode, shared))
    if plural and algo:
        warnings.warn("RETURNN ignores '#repetitions' (it reads '#repetition'); here both work", stacklevel=3)
    return (*steps, original_step)


def _call(algo: Callable, idx: int, net_dict: dict, where: str) -> dict | None:
    try:
        result = algo(idx=idx, net_dict=net_dict)
    except Exception as error:  # the algo is the user's code
        text = " ".join(str(error).split())
        raise ScheduleError(f"{where}: {type(error).__name__}: {text} ({_line_of(error, algo)})") from error
    if result is None or (isinstance(result, dict | list | tuple | bool | int | str) and not result):
        return None  # RETURNN ends at any false value
    if not isinstance(result, dict):
        raise ScheduleError(f"{where}: returned {_short(result)}, expected a net dict or None")
    return result


def _line_of(error: Exception, algo: Callable) -> str:
    """`file:line` of the last line that ran in the algo's own file."""
    frames, position = [], error.__traceback__.tb_next  # without the line here that called it
    while position is not None:
        frames.append((position.tb_frame.f_code.co_filename, position.tb_lineno))
        position = position.tb_next
    if not frames:  # never got that far: it does not take these arguments
        code = getattr(algo, "__code__", None)
        return (
            f"{code.co_filename}:{code.co_firstlineno}, called with idx= and net_dict="
            if code
            else "called with idx= and net_dict="
        )
    file, line = [frame for frame in frames if frame[0] == frames[0][0]][-1]
    return f"{file}:{line}"


def _step(index: int | None, net_dict: dict, where: str, copy_param_mode: str | None, shared: dict) -> Step:
    for name, layer in net_dict.items():
        if not isinstance(name, str):
            raise ScheduleError(f"{where}: found layer name {_short(name)}, expected a str")
        if name.startswith("#"):
            if name not in HASH_KEYS:
                raise ScheduleError(f"{where}: found unknown key {name!r}{nearest(name, HASH_KEYS)}")
        elif not isinstance(layer, dict):
            raise ScheduleError(f"{where}: layer {name!r} is {_short(layer)}, expected a dict of its options")
    return Step(
        index=index,
        network={
            name: shared[name] if same_value(layer, shared.get(name)) else copy_value(layer, objects=False)
            for name, layer in net_dict.items()
            if not name.startswith("#")
        },
        config=_config(net_dict, where),
        copy_param_mode=check_copy_param_mode(
            net_dict.get("#copy_param_mode", copy_param_mode), f"{where}: '#copy_param_mode'"
        ),
        repetitions=_repetitions(net_dict, where),
    )


def _config(net_dict: dict, where: str) -> dict[str, object]:
    config = net_dict.get("#config", {})
    if not isinstance(config, dict) or not all(isinstance(key, str) for key in config):
        raise ScheduleError(f"{where}: '#config' is {_short(config)}, expected a dict of config keys to values")
    return copy_value(config, objects=False)


def _repetitions(net_dict: dict, where: str) -> int | None:
    found = {
        key: as_repetition(net_dict[key], f"{where}: {key!r}")
        for key in ("#repetitions", "#repetition")
        if key in net_dict
    }
    if len(set(found.values())) > 1:
        raise ScheduleError(
            f"{where}: found '#repetitions' {found['#repetitions']} and '#repetition' {found['#repetition']}, "
            "expected one of them or the same value"
        )
    return next(iter(found.values()), None)


def check_copy_param_mode(mode: object, what: str) -> str | None:
    """
    :return: `mode`
    :raises ScheduleError: if there is no such mode
    """
    if mode is not None and mode not in COPY_PARAM_MODES:
        raise ScheduleError(
            f"{what}: found {mode!r}, expected {', '.join(COPY_PARAM_MODES)} or None"
            + nearest(str(mode), COPY_PARAM_MODES)
        )
    return mode


def _short(value: object) -> str:
    text = " ".join(repr(value).split())
    return f"{text if len(text) <= 60 else text[:57] + '…'} ({type(value).__name__})"
