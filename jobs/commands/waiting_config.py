"""Configs that need values which jobs have yet to make: where they wait, they are run again once the values are there."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from boulder.awaited import made_by_jobs, name_of_job, not_yet_known
from boulder.errors import NotYetKnown
from jobs.announced import laid_out_pipelines
from sisyphus import toolkit
from sisyphus.loader import config_manager

_problems: dict[tuple[Any, ...], str] = {}
"""What was waited for → the message."""


def load_config(called: str) -> None:
    """
    Run a config of Sisyphus. Where it needs a value that a job has yet to make, the job is requested, and the config is run again
    from its beginning once the job has finished, as an async config goes on. Jobs and outputs that are the same count once.

    :param called: name of the config for Sisyphus
    :raises Exception: any that the config raises
    """
    module, _, name = called.partition("(")[0].replace("/", ".").rpartition(".")
    function = getattr(sys.modules.get(module), name, None)
    if inspect.iscoroutinefunction(function):
        setattr(sys.modules[module], name, _repeated(function))
        config_manager.load_configs([called])
        return
    try:
        config_manager.load_configs([called])
    except Exception as error:
        waits = not_yet_known(error)
        if waits is None or not _jobs_of(waits):
            raise
        setattr(sys.modules[module], name, _repeated(function))
        config_manager.load_configs([called])


def _repeated(function: Any) -> Callable[..., Awaitable[Any]]:
    """:return: a config that runs until it needs a value, waits for it, and begins again"""
    if getattr(function, "begins_again", False):
        return function

    @functools.wraps(function)
    async def config(*arguments: Any) -> Any:
        while True:
            try:
                result = function(*arguments)
                return await result if inspect.isawaitable(result) else result
            except Exception as error:
                waits = not_yet_known(error)
                if waits is None or not _jobs_of(waits):
                    raise
                paths = list(made_by_jobs(list(waits.values)))
                _problems[tuple(sorted(paths))] = str(waits)
                await toolkit.async_run(paths)

    config.begins_again = True  # type: ignore[attr-defined]
    return config


def _jobs_of(error: NotYetKnown) -> list[Any]:
    """:return: the jobs that have yet to make the values"""
    return [path.creator for path in made_by_jobs(list(error.values)) if not path.available()]


def waiting_lines() -> Iterator[str]:
    """:return: what the configs wait for that are not run to their end; the scores of an adaptive pipeline are told with it"""
    scores = {path for pipeline in laid_out_pipelines().values() if pipeline.needs for path in pipeline.scores}
    for target in list(toolkit.sis_graph.targets) if config_manager.reader_running() else ():
        if target.name != "async_run":
            continue
        paths = [path for path in target.required_full_list if not path.available() and path not in scores]
        names = dict.fromkeys(name_of_job(path.creator) if path.creator else path.get_path() for path in paths)
        if names:
            problem = _problems.get(tuple(sorted(target.required_full_list)))
            yield f"the rest waits for {' and '.join(names)}, which `boulder run` runs" + (
                f": {problem}" if problem else ""
            )
