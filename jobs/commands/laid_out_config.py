"""What a command reads: a RETURNN config file, or the pipelines that a config of Sisyphus lays out."""

from __future__ import annotations

from pathlib import Path

from boulder.errors import ConfigError
from jobs.commands.config_name import check_config_name, errors_of_config
from jobs.commands.opened_config import continue_configs
from jobs.commands.waiting_config import load_config, waiting_lines
from jobs.laid_out import Pipeline
from jobs.pipeline import laid_out_pipelines
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


def pipelines_of(name: str, *, may_wait: bool = False) -> dict[str, Pipeline]:
    """
    Runs a config of Sisyphus. No job is submitted.

    :param may_wait: whether it may wait for jobs before its first pipeline
    :return: the pipelines that it lays out, by their names
    :raises BoulderError: if it fails, or lays out none
    """
    called = check_config_name(name)
    laid_out_pipelines().clear()

    listen()
    with errors_of_config(name):
        load_config(called)
        continue_configs()
    waiting = list(waiting_lines())
    if not laid_out_pipelines() and not (waiting and may_wait):
        raise ConfigError(f"config {name!r}: it lays out no pipeline{f' yet; {waiting[0]}' if waiting else ''}")
    return laid_out_pipelines()
