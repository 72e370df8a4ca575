"""Names of upstream that the stand-in lacks: they can be imported, and the error comes when they are used."""

import importlib.abc
import importlib.machinery
import types
from collections.abc import Callable, Collection, Sequence
from typing import NoReturn

MODULES = (
    "aws_batch_engine", "block", "cleaner", "filesystem", "load_sharing_facility_engine", "logging_format", "manager_ui",
    "shortcuts", "visualize",
)  # fmt: skip
"""Modules of upstream without one here"""


class Missing:
    """A name that can be imported, but neither called nor subclassed."""

    def __init__(self, name: str) -> None:
        self.__name__ = self.__qualname__ = name

    def __getattr__(self, attribute: str) -> "Missing":
        if attribute.startswith("__"):
            raise AttributeError(f"{self.__name__} has no attribute {attribute!r}")
        return Missing(f"{self.__name__}.{attribute}")

    def __call__(self, *args: object, **options: object) -> NoReturn:
        raise NotImplementedError(
            f"{self.__name__} needs Sisyphus itself (github.com/rwth-i6/sisyphus), in whose place is Boulder's stand-in here"
        )

    def __mro_entries__(self, bases: tuple) -> NoReturn:
        self()


def lacking(module: str, names: Collection[str], label: str = "") -> Callable[[str], Missing]:
    """
    :param module: name of a module here
    :param names: of upstream's that it lacks
    :param label: the module's name in messages
    :return: its `__getattr__`
    """

    def __getattr__(name: str) -> Missing:
        if name not in names:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        return Missing(f"{label or module.removeprefix('sisyphus.')}.{name}")

    return __getattr__


class MissingModules(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Import hook for modules of upstream that do not exist here."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        package, _, name = fullname.rpartition(".")
        found = package == "sisyphus" and name in MODULES
        return importlib.machinery.ModuleSpec(fullname, self) if found else None

    def exec_module(self, module: types.ModuleType) -> None:
        whole = Missing(module.__name__.removeprefix("sisyphus."))
        module.__getattr__ = lambda name: getattr(whole, name)  # type: ignore[method-assign]  # PEP 562
