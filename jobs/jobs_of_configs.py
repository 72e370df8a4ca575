"""`JobsOfConfigs`: a manager records which jobs its configs need, so that `boulder clean` knows what is left over."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence

from boulder.errors import BoulderError
from jobs.announced import laid_out_pipelines
from jobs.workdir.config_records import ConfigRecord, read_records, write_records
from jobs.workdir.job_graph import with_inputs
from jobs.workdir.passive_target import PassiveTarget
from sisyphus import Job, toolkit
from sisyphus.loader import config_manager


def record_jobs_of(configs: Sequence[str]) -> None:
    """
    Let this manager record the jobs of its configs, now and as async configs and adaptive schedules lay out more.

    :param configs: names of all that the manager runs
    """
    target = JobsOfConfigs(configs)
    toolkit.sis_graph.add_target(target)
    target.update(force=True)


def record_jobs_of_sis_manager() -> None:
    """Do so in `sis manager`, whose command line says what it runs."""
    if configs := [word for word in sys.argv[2:] if _is_config(word)] or ["config.main"]:
        toolkit.sis_graph.add_target(JobsOfConfigs(configs))


def needed_jobs() -> list[Job]:
    """:return: the jobs of all pipelines and outputs that are laid out, and what they depend on, in topological order"""
    targets = list(toolkit.sis_graph.targets)
    asked = [path.creator for target in targets for path in target.required_full_list if path.creator]
    return with_inputs([*(job for pipeline in laid_out_pipelines().values() for job in pipeline.jobs), *asked])


def will_lay_out_more() -> bool:
    """Whether an async config or an adaptive schedule waits for results before it goes on."""
    return config_manager.reader_running() or any(p.needs is not None for p in laid_out_pipelines().values())


class JobsOfConfigs(PassiveTarget):
    """
    The configs of a manager share one graph, so each of them is recorded with the jobs of all: what is recorded too often stays.
    """

    def __init__(self, configs: Sequence[str]) -> None:
        super().__init__(f"jobs of {', '.join(configs)}")
        self._configs = (
            configs  # their names are looked up later, since a config is laid out while it is being imported
        )
        self._laid_out: tuple | None = None
        self._recorded: tuple[set[str], bool] | None = None

    def update(self, force: bool) -> None:
        """Never keeps anything from being trained."""
        numbers = tuple(len(pipeline.jobs) for pipeline in laid_out_pipelines().values())
        laid_out = (len(toolkit.sis_graph.targets), numbers, will_lay_out_more())
        if laid_out == self._laid_out and not force:
            return
        self._laid_out = laid_out
        found = {job.job_id() for job in needed_jobs()}, not will_lay_out_more()
        if found == self._recorded:
            return
        try:
            records = read_records()
            for config in self._configs:
                records[config] = records.get(config, ConfigRecord()).with_jobs(*found)
            write_records(records)
            self._recorded = found
        except (BoulderError, OSError) as error:
            logging.warning(f"boulder clean will not know of this run: {error}")


def _is_config(word: str) -> bool:
    """Whether a word of the command line names FILE.FUNCTION."""
    module, _, function = word.partition("(")[0].replace("/", ".").rpartition(".")
    return function.isidentifier() and os.path.isfile(f"{module.replace('.', '/')}.py")
