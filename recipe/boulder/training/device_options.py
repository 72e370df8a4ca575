"""`gpus` and `nodes`: the keys of a `#config` that choose the devices of a phase."""

from __future__ import annotations

from boulder.errors import ConfigError

DEVICE_KEYS = ("gpus", "nodes")


def check_device_option(key: str, value: object) -> None:
    """:raises ConfigError: if not a positive integer"""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigError(f"{key!r} must be a positive int, found {value!r:.60}")
