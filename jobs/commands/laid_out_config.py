"""What a command reads: a RETURNN config file, or the pipelines that a config of Sisyphus lays out."""

from __future__ import annotations

from pathlib import Path

from boulder.errors import ConfigError
from jobs.announced import laid_out_pipelines, unique_names
from jobs.commands.config_name import check_config_name, errors_of_config
from jobs.laid_out import Pipeline
from jobs.workdir.manager_log import listen


def returnn_file(name: str, command: str) -> Path | None:
    """
    :param command: for messages
    :return: the file, if `name` is one of RETURNN; None for a config of Sisyphus, which is in config/
    :raises ConfigError: if it looks like the name of a file that does not exist
    """
    path = Path(name)
    if path.is_file() and path.resolve().parent != Path("config").resolve():
        return path
    if not path.is_file() and path.suffix in (".config", ".json", ""):
        raise ConfigError(f"{command} {name!r}: there is no such file; a config of Sisyphus is FILE.FUNCTION")
    return None


def pipelines_of(name: str) -> dict[str, Pipeline]:
    """
    Runs a config of Sisyphus. No job is submitted.

    :return: the pipelines that it lays out, by their names
    :raises BoulderError: if it fails, or lays out none
    """
    called = check_config_name(name)

    from sisyphus.loader import config_manager

    listen()
    with unique_names(), errors_of_config(name):
        config_manager.load_configs([called])
    if not laid_out_pipelines():
        raise ConfigError(f"config {name!r}: it lays out no pipeline")
    return laid_out_pipelines()
