"""`returnn.config`: the class, and the config that is being loaded, or whose function runs."""

from boulder.errors import ConfigError
from boulder.returnn.options import Config

_active: list[Config] = []
"""The last is the one. A config that loads another one has both here."""


def get_global_config(raise_exception: bool = True, auto_create: bool = False, **_ignored) -> Config | None:
    """Of RETURNN's options, those that matter here."""
    if _active:
        return _active[-1]
    if auto_create:
        return Config()
    if raise_exception:
        raise ConfigError("get_global_config: no config is being loaded, and no function of one is running")
    return None
