"""Isolates the changes that a config makes to the process: modules, paths, environment, arguments.

They apply while the config is loaded and while its functions are called (`entered`). Outside, the process is as if there
were no config. Libraries that it imports stay imported; its own modules do not, so that configs cannot share them.
"""

from __future__ import annotations

import contextlib
import os
import random
import sys
import types
from collections.abc import Iterator
from pathlib import Path

from boulder.network.code.active_config import activated
from boulder.network.code.tensorflow_names import imported
from boulder.returnn.config_object import Config
from boulder.returnn.placeholders import Placeholder, StandInModule, planning
from boulder.returnn.repository_modules import AbsentFinder, RepositoryFinder, is_of_repository
from boulder.returnn.stand_ins import Finder, hidden_names, is_stand_in
from boulder.schedule.numbering import counting

MODULE_NAME = "__returnn_config__"
"""`__name__` of a config, as in RETURNN."""


class Surroundings:
    """The process state of one config."""

    def __init__(self, file: Path) -> None:
        self.config = Config()
        self.folder = file.parent
        self.modules: dict[str, types.ModuleType] = {}
        """The config's own modules, and the stand-ins that it has imported."""
        self.path = list(dict.fromkeys([str(self.folder), str(file.resolve().parent)]))  # the file may be a link
        """Entries of `sys.path` that the config adds."""
        self.argv = ["rnn.py", str(file)]
        self.cwd: str | None = None
        self.environment: dict[str, str | None] = {}
        """Environment variables that the config has set; None: deleted."""
        self.counts: dict = {}
        """Counts of the config's objects, see `boulder.schedule.numbering`."""
        self.repositories = RepositoryFinder()
        self._depth = 0

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Applies the state. Contexts may be nested, also with those of another config."""
        if self._depth:
            yield
            return
        self._depth += 1
        process = _Process()
        hidden = {name: sys.modules.pop(name) for name in (*hidden_names(lazy=True), *self._shadowed())}
        sys.path = [*self.path, *(entry for entry in process.path if entry not in self.path)]
        sys.argv = self.argv
        sys.meta_path[:0] = [Finder(lazy=True), self.repositories]
        sys.modules.update(self.modules)
        known = {name: id(module) for name, module in sys.modules.items()}
        _set_environment(self.environment)
        if self.cwd and os.path.isdir(self.cwd):
            os.chdir(self.cwd)
        try:
            with activated(self.config), planning(), counting(self.counts), _pickled_by_value(self.modules):
                yield
        finally:
            self.path = [entry for entry in sys.path if entry not in process.path or entry in self.path]
            self.argv, self.cwd = sys.argv, os.getcwd() if os.getcwd() != process.cwd else None
            self.environment = process.environment_changes()
            process.restore()
            self._take_modules(known)
            sys.modules.update(hidden)
            self._depth -= 1

    def _shadowed(self) -> list[str]:
        """:return: modules of other code, e.g. of earlier configs, with the name of a file beside this config"""
        if not self.folder.is_dir():  # deleted in the meantime
            return []
        beside = {entry.stem for entry in self.folder.iterdir() if entry.suffix == ".py" or entry.is_dir()}
        found = []
        for name, module in sys.modules.items():
            top = name.partition(".")[0]
            if top not in beside or top in sys.stdlib_module_names or top in ("boulder", "__main__"):
                continue
            file = getattr(sys.modules.get(top, module), "__file__", None) or ""
            if not is_stand_in(name) and "site-packages" not in file and "dist-packages" not in file:
                found.append(name)
        return found

    def _take_modules(self, known: dict[str, int]) -> None:
        for name, module in list(sys.modules.items()):
            if is_stand_in(name) or name in self.modules or (known.get(name) != id(module) and self.owns(module)):
                self.modules[name] = sys.modules.pop(name)

    def owns(self, module: types.ModuleType) -> bool:
        """:return: whether a module belongs to the config: it lies on its path, or has imported stand-ins"""
        namespace = getattr(module, "__dict__", {})
        file = namespace.get("__file__") or next(iter(namespace.get("__path__", ())), None)
        if module.__name__.partition(".")[0] in ("boulder", "sisyphus"):  # may be imported late, from any folder
            return False
        if is_of_repository(module.__name__) or any(
            isinstance(value, StandInModule | Placeholder) for value in list(namespace.values())
        ):
            return True
        if not isinstance(file, str) or "site-packages" in file or "dist-packages" in file:
            return False
        file = os.path.abspath(file)
        return any(file.startswith(os.path.abspath(entry) + os.sep) for entry in self.path)


class _Process:
    """Saves the state of the process and restores it."""

    def __init__(self) -> None:
        self.path, self.argv, self.meta_path = sys.path, sys.argv, list(sys.meta_path)
        self.environment, self.cwd = dict(os.environ), os.getcwd()
        self.recursion_limit, self.random = sys.getrecursionlimit(), random.getstate()

    def environment_changes(self) -> dict[str, str | None]:
        """:return: variables that have changed → their current value; None: deleted"""
        before, now = self.environment, dict(os.environ)
        return {key: now.get(key) for key in {**before, **now} if before.get(key) != now.get(key)}

    def restore(self) -> None:
        _set_environment({key: self.environment.get(key) for key in self.environment_changes()})
        if os.getcwd() != self.cwd:
            os.chdir(self.cwd)
        sys.path, sys.argv, sys.meta_path[:] = self.path, self.argv, self.meta_path
        sys.setrecursionlimit(self.recursion_limit)
        random.setstate(self.random)


def _set_environment(values: dict[str, str | None]) -> None:
    for key, value in values.items():
        if value is None:
            os.environ.pop(key, None)
        else:
            os.environ[key] = value


@contextlib.contextmanager
def _pickled_by_value(modules: dict[str, types.ModuleType]) -> Iterator[None]:
    """Pickles the config's modules by value, because a worker cannot import them."""
    own = [module for name, module in modules.items() if not is_stand_in(name)]
    if not own:
        yield
        return
    import cloudpickle

    own = [module for module in own if module.__name__ not in cloudpickle.list_registry_pickle_by_value()]
    for module in own:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in own:
            if module.__name__ in cloudpickle.list_registry_pickle_by_value():
                cloudpickle.unregister_pickle_by_value(module)


@contextlib.contextmanager
def in_a_worker(config: Config | None = None) -> Iterator[None]:
    """
    Applies while a function of a config computes: RETURNN's modules are stand-ins, and TensorFlow has its version 1 names.

    :param config: becomes the active config
    """
    finders: list = [Finder(lazy=False)]
    if not any(isinstance(finder, RepositoryFinder) for finder in sys.meta_path):
        finders.append(AbsentFinder())
    hidden = {name: sys.modules.pop(name) for name in hidden_names(lazy=False)}
    sys.meta_path[:0] = finders
    try:
        with imported(), contextlib.nullcontext() if config is None else activated(config):
            yield
    finally:
        for finder in finders:
            sys.meta_path.remove(finder)
        for name in hidden_names(lazy=False):
            del sys.modules[name]
        sys.modules.update(hidden)
