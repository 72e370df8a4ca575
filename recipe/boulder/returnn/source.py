"""`Source`: what the training of a config needs of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from boulder.returnn.config_object import Config
from boulder.schedule import Plan


class Source(Protocol):
    """A `ReturnnConfig`, which is defined above this package's readers of options."""

    file: Path
    config: Config
    extern_data: dict[str, dict]

    @property
    def values(self) -> dict[str, object]: ...

    def with_config(self, function: Callable, option: str) -> Callable: ...

    def plan(self, further_epochs: int = 0) -> Plan: ...
