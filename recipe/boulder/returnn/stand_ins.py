"""The import hook that gives a RETURNN config stand-ins for RETURNN's modules, and for TensorFlow while planning.

An installed RETURNN is ignored, so that a config gives the same plan everywhere.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import sys
import types
from collections.abc import Sequence

from boulder.returnn.placeholders import LAZY, StandInModule
from boulder.returnn.returnn_modules import OLD_NAMES, fill

TOP_LEVEL = frozenset({"returnn", *OLD_NAMES, *LAZY})


def is_stand_in(name: str) -> bool:
    """:return: whether a config that imports this module gets a stand-in"""
    return name.partition(".")[0] in TOP_LEVEL


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Import hook for the stand-ins."""

    def __init__(self, lazy: bool) -> None:
        """
        :param lazy: whether to replace TensorFlow as well, which is so while planning, but not in a worker
        """
        self.lazy = lazy

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if not is_stand_in(fullname) or (not self.lazy and fullname.partition(".")[0] in LAZY):
            return None
        is_package = fullname not in OLD_NAMES
        return importlib.util.spec_from_loader(fullname, self, is_package=is_package)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        return StandInModule(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        fill(module)


def hidden_names(lazy: bool) -> list[str]:
    """:return: names of loaded modules that a stand-in replaces, e.g. of an installed RETURNN"""
    return [name for name in sys.modules if is_stand_in(name) and (lazy or name.partition(".")[0] not in LAZY)]
