"""The config that is being loaded or whose functions are running. Code in net dicts asks for it by `get_global_config`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from boulder.errors import ConfigError

_active: list[Any] = []  # the last one is active; a config that loads another one has both here


@contextlib.contextmanager
def activated(config: object) -> Iterator[None]:
    """Makes a config the active one."""
    _active.append(config)
    try:
        yield
    finally:
        _active.pop()


def active_config() -> Any:
    """:return: None if no config is active"""
    return _active[-1] if _active else None


def required_config() -> Any:
    """:raises ConfigError: if no config is active"""
    if not _active:
        raise ConfigError("get_global_config: no config is being loaded, and no function of one is running")
    return _active[-1]
