"""`returnn.config`: the class `Config`, and the config that is being loaded or whose function is running."""

from boulder.network.code.active_config import active_config, required_config
from boulder.returnn.config_object import Config

__all__ = ["Config", "get_global_config"]


def get_global_config(raise_exception: bool = True, auto_create: bool = False, **_ignored: object) -> Config | None:
    """
    :param raise_exception: whether to raise an error if no config is active; otherwise None is returned
    :param auto_create: whether to return an empty config in that case
    :raises ConfigError: if no config is active
    """
    config = active_config()
    if config is None and auto_create:
        return Config()
    return required_config() if raise_exception else config
