"""What a command reads: a RETURNN config file, or the pipelines that a config of Sisyphus lays out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from boulder.errors import ConfigError
from jobs.announced import laid_out_pipelines, unique_names
from jobs.commands.config_arguments import parse_arguments, split_name
from jobs.commands.config_name import check_config_name, errors_of_config, find_config
from jobs.commands.opened_config import continue_configs
from jobs.commands.waiting_config import load_config, waiting_lines
from jobs.laid_out import Pipeline
from jobs.workdir.manager_log import listen


def returnn_config(name: str) -> tuple[Path, dict[str, Any]] | None:
    """
    :return: the file and its arguments, if `name` is a RETURNN config file; None for a config of Sisyphus
    :raises ConfigError: if there is no such file, or for an argument that `boulder run` would refuse
    """
    found = find_config(name)
    if found.function is not None:
        return None
    if split_name(name)[1]:
        check_config_name(name)
    return found.file, parse_arguments(name)[1]


def pipelines_of(name: str, *, may_wait: bool = False) -> dict[str, Pipeline]:
    """
    Runs a config of Sisyphus. No job is submitted.

    :param may_wait: whether it may wait for jobs before its first pipeline
    :return: the pipelines that it lays out, by their names
    :raises BoulderError: if it fails, or lays out none
    """
    called = check_config_name(name)

    listen()
    with unique_names(), errors_of_config(name):
        load_config(called)
        continue_configs()
    waiting = list(waiting_lines())
    if not laid_out_pipelines() and not (waiting and may_wait):
        raise ConfigError(f"config {name!r}: it lays out no pipeline{f' yet; {waiting[0]}' if waiting else ''}")
    return laid_out_pipelines()
