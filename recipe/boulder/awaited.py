"""Values that jobs make: variables of Sisyphus and what is computed from them, recognised by their methods.

Phases are planned with the values themselves. Where one is not there yet, `NotYetKnown` says which job it waits for.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from boulder.errors import NotYetKnown


def resolved(value: Any, where: str) -> Any:
    """
    :param value: dicts, lists and tuples of anything
    :param where: keys to the value, for messages
    :return: `value` with numbers and texts in place of the objects that stand for them; the same object if there are none.
        Paths stay
    :raises NotYetKnown: if a job has to finish first; names all such values
    """
    waiting: list[tuple[str, Any]] = []
    result = _resolved(value, where, waiting)
    if waiting:
        raise NotYetKnown(_told(waiting), [value for _, value in waiting])
    return result


def is_delayed(value: object) -> bool:
    """:return: whether it stands for a value that a job makes; a path stands for itself"""
    if isinstance(value, type) or not (hasattr(value, "is_set") and callable(getattr(value, "get", None))):
        return False
    return not hasattr(value, "get_path") or hasattr(value, "set")  # a variable is a file whose content can be set


def not_yet_known(error: Exception) -> NotYetKnown | None:
    """:return: what is waited for, if the error is that of `variable.get()` before the variable has a value, else None"""
    if isinstance(error, NotYetKnown):
        return error
    if type(error).__name__ != "VariableNotSet" or error.__traceback__ is None:
        return None
    position = error.__traceback__
    while position.tb_next is not None:
        position = position.tb_next
    variable = position.tb_frame.f_locals.get("self")
    paths = list(made_by_jobs(variable))
    return NotYetKnown(_told([("get()", variable)]), paths) if paths else None


def advice_about(error: Exception) -> str:
    """:return: the end of a message, if code took a variable, or its `get()` before it had a value, for the value; or empty"""
    if not isinstance(error, TypeError | AttributeError):
        return ""
    lines = [frame.line or "" for frame in traceback.extract_tb(error.__traceback__)]
    not_there = "NoneType" in str(error) and any(".get()" in line for line in lines)
    if not not_there and not _STANDS_FOR_VALUE.search(str(error)):
        return ""
    return (
        "; a variable has no value until its job has finished: pass it on as it is, without `get()`, or write an `async def` "
        "config with `await tk.async_run(variable)` before `variable.get()`"
    )


_STANDS_FOR_VALUE = re.compile(r"\bVariable\b|\bDelayed\w*|'_sort_key'")


def _resolved(value: Any, where: str, waiting: list[tuple[str, Any]]) -> Any:
    if is_delayed(value):
        if not value.is_set():
            waiting.append((where, value))
            return value
        return _resolved(value.get(), where, waiting)
    if type(value) is dict:
        items = {key: _resolved(item, f"{where}/{key}" if where else str(key), waiting) for key, item in value.items()}
        return items if any(items[key] is not item for key, item in value.items()) else value
    if type(value) in (list, tuple):
        found = [_resolved(item, f"{where}[{number}]", waiting) for number, item in enumerate(value)]
        return type(value)(found) if any(a is not b for a, b in zip(found, value, strict=True)) else value
    return value


def _told(waiting: Sequence[tuple[str, Any]]) -> str:
    parts = []
    for where, value in waiting:
        files = [f"{path.path!r} of the job {name_of_job(path.creator)}" for path in made_by_jobs(value)]
        parts.append(f"{where} waits for {' and '.join(files) or 'a value that is not there yet'}")
    return "; ".join(parts)


def made_by_jobs(value: Any) -> Iterator[Any]:
    """:return: the paths and variables that jobs make, within a value and the operations on it"""
    if getattr(value, "creator", None) is not None:
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from made_by_jobs(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from made_by_jobs(item)
    elif is_delayed(value):
        yield from made_by_jobs(vars(value))


def name_of_job(job: Any) -> str:
    """:return: the job's alias, or its id if it has none"""
    return str(min(job.get_aliases() or [job.job_id()]))
