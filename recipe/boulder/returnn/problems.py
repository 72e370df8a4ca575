"""`Problems`: collects everything that is wrong with a config, to tell it at once."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

from boulder.errors import BoulderError, ConfigProblems


class Problems:
    """What several phases have in common is told once, for the first of them."""

    def __init__(self) -> None:
        self._where: dict[str, str] = {}  # message → the phase that it was first found in

    def __bool__(self) -> bool:
        return bool(self._where)

    @property
    def messages(self) -> list[str]:
        return [f"{where}{message}" for message, where in self._where.items()]

    def add(self, messages: Iterable[str], where: str = "") -> None:
        """:param where: the phase, as the beginning of a line; "" for the whole config"""
        for message in messages:
            self._where.setdefault(message, where)

    @contextlib.contextmanager
    def noted(self, where: str = "") -> Iterator[None]:
        """Context that ends at a BoulderError, whose message is added."""
        try:
            yield
        except ConfigProblems as error:
            self.add(error.problems, where)
        except BoulderError as error:
            self.add([str(error)], where)

    def raise_if_any(self, config: str) -> None:
        """
        :param config: name of the file
        :raises ConfigProblems: if there are problems
        """
        if self:
            raise ConfigProblems.of(config, [message.removeprefix(f"{config}: ") for message in self.messages])
