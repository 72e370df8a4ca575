"""Lays out a config to inspect its jobs or act on them, perhaps while another process is its manager."""

from __future__ import annotations

import asyncio
import contextlib
import sys

from boulder.errors import ConfigError
from jobs.announced import laid_out_pipelines, unique_names
from jobs.commands.config_name import check_config_name, check_folder, errors_of_config
from jobs.commands.waiting_config import load_config, waiting_lines
from jobs.laid_out import Pipeline
from jobs.missing_data import planning_without_data
from jobs.workdir.manager_log import listen
from jobs.workdir.sisyphus_names import leave_jobs_unmarked
from sisyphus import toolkit
from sisyphus.loader import config_manager


def open_config(name: str, *, without_data: bool = False) -> dict[str, Pipeline]:
    """
    Lay out a config; resume an async config as far as the existing scores allow. Changes no file.

    :param name: e.g. `config/g2p.demo`
    :param without_data: go on if files of its data are missing, since nothing will be run
    :return: name → pipeline. Their jobs and everything that depends on them are in `toolkit.sis_graph`.
    :raises BoulderError: if the config does not exist, cannot be laid out, or lays out no pipeline
    """
    waiting = lay_out_config(name, without_data=without_data)
    pipelines = laid_out_pipelines()
    if not pipelines:
        raise ConfigError(f"config {name!r}: it lays out no pipeline{f' yet; {waiting[0]}' if waiting else ''}")
    for line in waiting:
        print(f"{name}: {line}", file=sys.stderr)
    return pipelines


def lay_out_config(name: str, *, without_data: bool = False) -> list[str]:
    """
    Likewise, for a config that need not lay out a pipeline.

    :return: what it waits for, a line each
    """
    check_folder()
    called = check_config_name(name)
    listen()
    asyncio.set_event_loop(asyncio.new_event_loop())  # upstream's loader needs one
    leave_jobs_unmarked()
    with unique_names(), errors_of_config(name), planning_without_data() if without_data else contextlib.nullcontext():
        load_config(called)
        continue_configs()
    return list(waiting_lines())


def continue_configs() -> None:
    """Resume async configs as far as the existing scores allow."""
    before = -1
    while config_manager.reader_running() and len(toolkit.sis_graph.targets) != before:
        before = len(toolkit.sis_graph.targets)
        config_manager.continue_readers()
