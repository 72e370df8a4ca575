"""Number of epochs of each step of the construction: RETURNN's `repetitions`, and `#repetitions` per index."""

from __future__ import annotations

import operator

from boulder.counted import counted
from boulder.errors import ScheduleError, nearest


def resolve_repetitions(repetitions: object, num_steps: int, per_step: list[int | None]) -> list[int]:
    """
    Follows RETURNN's `Pretrain`: at the top level any empty or false value means 1; the last value of a list is
    repeated; a dict has `"default"` (else 1), step numbers from 0 or, if negative, from the end, and `"final"` for the
    original network. Unlike in RETURNN, `"final"` may be combined with step numbers, and takes precedence over `-1`.

    :param repetitions: None, int, list or dict of the config
    :param num_steps: number of constructed networks plus one for the original network, the last step
    :param per_step: `#repetitions` of each step's net dict, or None
    :return: epochs per step, of length `num_steps`; 0 skips a step
    :raises ScheduleError: for a value that is not an integer or is negative, too many values, an unknown step, or if no
        epoch is left
    """
    result = _of_all(repetitions, num_steps)
    result = [own if own is not None else n for n, own in zip(result, per_step, strict=True)]
    if not any(result):
        raise ScheduleError(
            f"repetitions: 0 epochs for all {counted(num_steps, 'step')}, expected at least one step to be trained"
        )
    return result


def repetition_at(repetitions: object, position: int, *, is_last: bool) -> int:
    """
    Resolves the repetitions of one step while the number of steps is still unknown.

    :param position: number of the step, from 0
    :param is_last: whether it is the original network
    :return: epochs of this step
    :raises ScheduleError: as `resolve_repetitions`, and for steps that count from the end, except `-1`
    """
    num_steps = position + (1 if is_last else 2)
    if isinstance(repetitions, dict):
        numbers = [key for key in repetitions if hasattr(key, "__index__")]
        for key in numbers:
            if key < -1:
                raise ScheduleError(f"repetitions: found step {key}, but the number of steps depends on the history")
        repetitions = {key: value for key, value in repetitions.items() if key not in numbers or key < num_steps}
    elif isinstance(repetitions, list | tuple):
        repetitions = repetitions[:num_steps]
    return _of_all(repetitions, num_steps)[position]


def as_repetition(value: object, what: str) -> int:
    """
    :param what: context for messages
    :return: `value` as a number of epochs
    :raises ScheduleError: if it is not an integer or is negative
    """
    try:
        number = operator.index(value)  # type: ignore[arg-type]  # raises TypeError for floats and others
    except TypeError:
        raise ScheduleError(f"{what}: found {value!r}, expected a whole number of epochs") from None
    if number < 0:
        raise ScheduleError(f"{what}: found {number}, expected 0 or more epochs")
    return number


def _of_all(repetitions: object, num_steps: int) -> list[int]:
    if isinstance(repetitions, dict):
        return _from_dict(repetitions, num_steps)
    if isinstance(repetitions, list | tuple):
        return _from_list(repetitions, num_steps)
    if repetitions is None:
        return [1] * num_steps
    return [as_repetition(repetitions, "repetitions") or 1] * num_steps


def _from_list(values: list | tuple, num_steps: int) -> list[int]:
    if len(values) > num_steps:
        raise ScheduleError(
            f"repetitions: found {len(values)} values, expected at most {num_steps}, "
            f"one for each of the {num_steps - 1} constructed networks and one for the original"
        )
    numbers = [as_repetition(value, f"repetitions[{i}]") for i, value in enumerate(values)] or [1]
    return numbers + numbers[-1:] * (num_steps - len(numbers))


def _from_dict(values: dict, num_steps: int) -> list[int]:
    steps: dict[int, object] = {}
    for key, value in values.items():
        if key in ("default", "final"):
            continue
        if isinstance(key, str) or not hasattr(key, "__index__"):
            raise ScheduleError(
                f"repetitions: found key {key!r}, expected a step number, 'default' or 'final'"
                + nearest(str(key), ["default", "final"])
            )
        if not -num_steps <= key < num_steps:
            raise ScheduleError(
                f"repetitions: found step {key}, expected 0 to {num_steps - 1} (the last is the original network)"
            )
        steps[operator.index(key)] = value
    result = [as_repetition(values.get("default", 1), "repetitions['default']")] * num_steps
    for step, value in sorted(steps.items()):  # RETURNN's order: a step's own number takes precedence over -1
        result[step] = as_repetition(value, f"repetitions[{step}]")
    if "final" in values:
        result[-1] = as_repetition(values["final"], "repetitions['final']")
    return result
