"""Classes by the names that net dicts use for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from boulder.errors import NetworkError, nearest


class Registry(dict[str, type]):
    """
    :param what: what the classes are, for messages
    :param option: the option of a layer that names one
    """

    def __init__(self, what: str, option: str):
        super().__init__()
        self._what, self._option = what, option

    def register(self, name: str) -> Callable[[type], type]:
        """:return: a decorator that gives a class this name"""

        def decorate(cls: type) -> type:
            cls.class_name = name
            self[name] = cls
            return cls

        return decorate

    def find(self, name: Any, where: str) -> type:
        """:raises NetworkError: if there is none of that name"""
        if not isinstance(name, str):
            raise NetworkError(f"{where}: {self._option!r} must be a string, found {name!r:.80}")
        if name not in self:
            raise NetworkError(f"{where}: unknown {self._what} {name!r}{nearest(name, self)}")
        return self[name]
