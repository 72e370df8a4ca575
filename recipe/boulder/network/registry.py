"""Classes by the names that net dicts use for them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar, cast

from boulder.errors import NetworkError
from boulder.network.foreign_names import class_meant


class Named(Protocol):
    class_name: ClassVar[str]
    """name in net dicts"""


Base = TypeVar("Base", bound=Named)
Subclass = TypeVar("Subclass", bound=Named)


class Registry(dict[str, type[Base]], Generic[Base]):
    """
    :param what: kind of the classes, for messages
    :param option: option of a layer that names a class
    :param refused: name that RETURNN knows → why there is no such class here
    :param foreign: name in other toolkits → what it is here
    """

    def __init__(
        self, what: str, option: str, refused: Mapping[str, str] | None = None, foreign: Mapping[str, str] | None = None
    ):
        super().__init__()
        self._what, self._option, self._refused, self.foreign = what, option, refused or {}, foreign or {}
        self._modules: dict[str, str] = {}

    def import_on_demand(self, modules: Mapping[str, str]) -> None:
        """:param modules: name → module that registers this name; imported when the class is asked for"""
        self._modules |= modules

    def register(self, name: str) -> Callable[[type[Subclass]], type[Subclass]]:
        """
        :return: a decorator that registers a class under this name
        :raises NetworkError: if another class has it
        """

        def decorate(cls: type[Subclass]) -> type[Subclass]:
            if super(Registry, self).__contains__(name):
                raise NetworkError(
                    f"{self._what} {name!r} is registered twice: {self[name].__module__}, {cls.__module__}"
                )
            cls.class_name = name
            self[name] = cast(type[Base], cls)
            return cls

        return decorate

    def find(self, name: Any, where: str) -> type[Base]:
        """:raises NetworkError: if no class has that name"""
        if not isinstance(name, str):
            raise NetworkError(f"{where}: {self._option!r} must be a string, found {name!r:.80}")
        if name in self._refused:
            raise NetworkError(f"{where}: {self._what} {name!r} {self._refused[name]}")
        if name not in self:
            raise NetworkError(f"{where}: unknown {self._what} {name!r}{class_meant(name, self, self.foreign)}")
        return self[name]

    # A dict of all classes; asking for one imports its module, and listing them imports all

    def __missing__(self, name: str) -> type[Base]:
        if name in self._modules:
            importlib.import_module(self._modules[name])
            return super().__getitem__(name)
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in self._modules

    def __iter__(self) -> Iterator[str]:
        return super(Registry, self._with_all()).__iter__()

    def __len__(self) -> int:
        return super(Registry, self._with_all()).__len__()

    def keys(self) -> Any:
        return super(Registry, self._with_all()).keys()

    def values(self) -> Any:
        return super(Registry, self._with_all()).values()

    def items(self) -> Any:
        return super(Registry, self._with_all()).items()

    def _with_all(self) -> Self:
        for module in self._modules.values():
            importlib.import_module(module)
        return self
