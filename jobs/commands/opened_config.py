"""A config that is looked at, or whose jobs are dealt with, while another process may be its manager."""

from __future__ import annotations

import asyncio
import logging
import sys

from boulder.errors import ConfigError
from jobs.commands.config_name import check_config_name, check_folder, errors_of_config
from jobs.layout import Pipeline
from jobs.pipeline import laid_out_pipelines
from jobs.workdir.job_graph import with_inputs
from jobs.workdir.sisyphus_names import leave_jobs_unmarked
from sisyphus import Job, toolkit
from sisyphus.loader import config_manager


def open_config(name: str) -> dict[str, Pipeline]:
    """
    Lays out a config and, if it is async, goes on with it as far as the scores that there are let it. Changes no file.

    :param name: e.g. `config/g2p.demo`
    :return: name → pipeline; its jobs and what depends on them are in `toolkit.sis_graph`
    :raises BoulderError: for a config that does not exist, or cannot be laid out, or lays out no pipeline
    """
    check_folder()
    check_config_name(name)
    logging.basicConfig(stream=sys.stderr, level=logging.CRITICAL, format="%(message)s", force=True)
    asyncio.set_event_loop(asyncio.new_event_loop())  # upstream's loader asks for one
    leave_jobs_unmarked()
    with errors_of_config(name):
        config_manager.load_configs([name])
        continue_configs()
    pipelines = laid_out_pipelines()
    if not pipelines:
        raise ConfigError(f"config {name!r}: it lays out no pipeline")
    return pipelines


def continue_configs() -> None:
    """Goes on with async configs as far as the scores that there are let them."""
    before = -1
    while config_manager.reader_running() and len(toolkit.sis_graph.targets) != before:
        before = len(toolkit.sis_graph.targets)
        config_manager.continue_readers()


def jobs_of(pipelines: dict[str, Pipeline]) -> list[Job]:
    """:return: all jobs of the config, also those of pipelines that no output asks for, each after those it depends on"""
    asked = [path.creator for target in toolkit.sis_graph.targets for path in target.required_full_list if path.creator]
    return with_inputs([*(job for pipeline in pipelines.values() for job in pipeline.jobs), *asked])
