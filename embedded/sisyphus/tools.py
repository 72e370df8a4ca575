"""Paths inside arguments, units of requirements, the environment of a job."""

import enum
import os
import string

import sisyphus.global_settings as gs
from sisyphus.delayed_ops import try_get as try_get
from sisyphus.hash import get_object_state


def sis_hash(obj):
    return gs.SIS_HASH(obj)


def extract_paths(args) -> set:
    """Returns all Paths and Variables in `args`, at any depth: they become a job's inputs."""
    found, seen, stack = set(), {}, [args]
    while stack:
        obj = stack.pop()
        if obj is None or isinstance(obj, (str, int, float, complex, bytes, enum.Enum)) or id(obj) in seen:
            continue
        seen[id(obj)] = obj  # keeps it alive, so that no new object gets its id
        if getattr(obj, "_sis_path", None) is True and not isinstance(obj, type):
            found.add(obj)
        elif isinstance(obj, (list, tuple, set, frozenset)):
            stack.extend(obj)
        elif isinstance(obj, dict):
            stack.extend(v for k, v in obj.items() if not (isinstance(k, str) and k.startswith("_sis_")))
        else:
            stack.append(get_object_state(obj))
    return found


def str_to_GB(amount) -> float:
    """Converts `4`, `"4G"` or `"512M"` to gigabytes."""
    factors = {"T": 1024.0, "G": 1.0, "M": 1 / 1024, "K": 1 / 1024**2}
    text = str(amount)
    try:
        return float(text[:-1]) * factors[text[-1]] if text[-1:] in factors else float(text)
    except ValueError:
        raise ValueError(
            f"memory requirement {amount!r}: expected gigabytes as a number or a string like '512M'"
        ) from None


def str_to_hours(amount) -> float:
    """Converts `1.5` or `"1:30:00"` to hours."""
    parts = str(amount).split(":")
    try:
        if len(parts) == 3:
            return int(parts[0]) + int(parts[1]) / 60 + int(parts[2]) / 3600
        return float(amount)
    except ValueError:
        raise ValueError(
            f"time requirement {amount!r}: expected hours as a number or a string like '1:30:00'"
        ) from None


class EnvironmentModifier:
    """The environment of a job, the same for every user and shell. Pickled with the job, so its attributes are upstream's."""

    def __init__(self, *, cleanup_env=True):
        self.cleanup_env = cleanup_env
        self.keep_vars = set()
        self.set_vars = {}
        self.set_vars_verbatim = {}

    def keep(self, names):
        self.keep_vars.update([names] if isinstance(names, str) else names)

    def set(self, names, value=None):
        self.set_vars.update(names if isinstance(names, dict) else {names: value})

    def set_verbatim(self, name, value):
        self.set_vars_verbatim[name] = value

    def changed(self, before) -> dict:
        """Returns the environment for one before it; `$NAME` in a value refers to the variable before the change."""
        after = {name: value for name, value in before.items() if not self.cleanup_env or name in self.keep_vars}
        for name, value in self.set_vars.items():
            after[name] = string.Template(value).substitute(before) if isinstance(value, str) else str(value)
        return after | getattr(self, "set_vars_verbatim", {})

    def modify_environment(self):
        """Changes the environment of this process."""
        after = self.changed(dict(os.environ))
        for name in os.environ.keys() - after.keys():
            del os.environ[name]
        os.environ.update(after)


def default_environment() -> EnvironmentModifier:
    """Returns that of a job which changes nothing."""
    environment = EnvironmentModifier(cleanup_env=gs.CLEANUP_ENVIRONMENT)
    if gs.CLEANUP_ENVIRONMENT:
        environment.keep(gs.DEFAULT_ENVIRONMENT_KEEP)
        environment.set(gs.DEFAULT_ENVIRONMENT_SET)
    return environment
