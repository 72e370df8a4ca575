"""Paths inside arguments, units of requirements, the environment of a job."""

import contextlib
import enum
import os
import string

import sisyphus.global_settings as gs
from sisyphus.copies import hardlink_or_copy as hardlink_or_copy
from sisyphus.delayed_ops import try_get as try_get
from sisyphus.for_recipes import sh as sh
from sisyphus.function_cache import cache_result as cache_result
from sisyphus.hash import get_object_state
from sisyphus.needs_upstream import lacking
from sisyphus.thread_dumps import (
    default_handle_exception_interrupt_main_thread as default_handle_exception_interrupt_main_thread,
)
from sisyphus.thread_dumps import dump_all_thread_tracebacks as dump_all_thread_tracebacks
from sisyphus.thread_dumps import format_signum as format_signum
from sisyphus.thread_dumps import get_system_informations as get_system_informations
from sisyphus.thread_dumps import install_signal_handler_if_default as install_signal_handler_if_default
from sisyphus.thread_dumps import maybe_install_signal_handers as maybe_install_signal_handers
from sisyphus.thread_dumps import signal_handler as signal_handler

execute_in_dir = contextlib.chdir
__getattr__ = lacking(__name__, ("FinishedResultsCache", "MemoryProfiler", "finished_results_cache"))


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


def str_to_GB(m) -> float:
    """Converts `4`, `"4G"` or `"512M"` to gigabytes."""
    factors = {"T": 1024.0, "G": 1.0, "M": 1 / 1024, "K": 1 / 1024**2}
    text = str(m)
    try:
        return float(text[:-1]) * factors[text[-1]] if text[-1:] in factors else float(text)
    except ValueError:
        raise ValueError(f"memory requirement {m!r}: expected gigabytes as a number or a string like '512M'") from None


def str_to_hours(t) -> float:
    """Converts `1.5` or `"1:30:00"` to hours."""
    parts = str(t).split(":")
    try:
        if len(parts) == 3:
            return int(parts[0]) + int(parts[1]) / 60 + int(parts[2]) / 3600
        return float(t)
    except ValueError:
        raise ValueError(f"time requirement {t!r}: expected hours as a number or a string like '1:30:00'") from None


class EnvironmentModifier:
    """The environment of a job, the same for every user and shell. Pickled with the job, so its attributes are upstream's."""

    def __init__(self, *, cleanup_env=True):
        self.cleanup_env = cleanup_env
        self.keep_vars = set()
        self.set_vars = {}
        self.set_vars_verbatim = {}

    def __repr__(self):
        kept = f"keep={self.keep_vars!r} " if self.cleanup_env else ""
        return f"cleanup_env={self.cleanup_env} {kept}set={self.set_vars!r}"

    def keep(self, var):
        self.keep_vars.update([var] if isinstance(var, str) else var)

    def set(self, var, value=None):
        self.set_vars.update(var if isinstance(var, dict) else {var: value})

    def set_verbatim(self, key, value):
        self.set_vars_verbatim[key] = value

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
