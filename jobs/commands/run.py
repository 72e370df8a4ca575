"""`boulder run`: a manager that asks nothing, reports what the training reports, and has an exit code.

Works with the real Sisyphus and with embedded/sisyphus: both have this Manager, graph and loader.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from boulder.counted import counted
from jobs.announced import laid_out_pipelines, unique_names
from jobs.before_jobs import check_before_jobs
from jobs.commands.config_name import check_config_name, check_folder, errors_of_config
from jobs.commands.opened_config import continue_configs
from jobs.commands.waiting_config import load_config, waiting_lines
from jobs.commands.watcher import Watcher, tell_failure
from jobs.notices import kept_notices, show_notices
from jobs.workdir.changed_data import changed_data
from jobs.workdir.job_name import name_of
from jobs.workdir.manager_log import listen
from jobs.workdir.places import places_of_output, why_not_there, wrong_aliases
from jobs.workdir.sisyphus_names import become_manager, folder_of
from jobs.workdir.states import FAILED, TO_DO
from jobs.workdir.work_lock import lock_work_directory
from sisyphus import Job, toolkit
from sisyphus import global_settings as gs
from sisyphus.graph import OutputPath, OutputReport
from sisyphus.loader import config_manager
from sisyphus.manager import Manager, create_aliases

_ROUNDS_WITHOUT_HOPE = 4
"""An async config is resumed once a round, and what a job has just finished may let it lay out more."""


class QuietManager(Manager):
    """Never asks. If all jobs have finished, it writes outputs and aliases again."""

    _rounds_without_hope = _num_targets = 0
    verbose = False

    def print_state_overview(self, verbose: bool = False) -> None:
        if self.verbose:  # otherwise the Watcher tells what has changed
            super().print_state_overview(verbose)

    def input(self, prompt: str) -> str:
        return "u" if prompt.startswith("All calculations") else "n"

    def continue_manager_loop(self) -> bool:
        """
        Differs from upstream's in two ways: upstream's continues as long as an async config waits, even for a job that has
        failed, and creates aliases only for the jobs that exist when it starts.
        """
        if self._num_targets != len(self.sis_graph.targets):
            self._num_targets = len(self.sis_graph.targets)
            check_before_jobs()
            create_aliases(self.sis_graph.jobs())
        found = set(self.jobs)
        hope = TO_DO & found or not found & {*FAILED, gs.STATE_INPUT_MISSING}
        self._rounds_without_hope = 0 if hope else self._rounds_without_hope + 1
        return self._rounds_without_hope < _ROUNDS_WITHOUT_HOPE and super().continue_manager_loop()


def run(
    configs: Sequence[str], console: Console, verbose: bool = False, *, loaded: Callable[[], None] = lambda: None
) -> int:
    """
    :param configs: e.g. `config/g2p.demo`
    :param verbose: show Sisyphus's own messages
    :param loaded: callback after all configs are laid out, before the first job is submitted
    :return: exit code: 0 if all outputs exist, 1 if a job failed, 130 after Ctrl-C
    :raises BoulderError: if anything is wrong before the first job is submitted
    """
    with unique_names():
        return _run(configs, console, verbose, loaded)


def _run(configs: Sequence[str], console: Console, verbose: bool, loaded: Callable[[], None]) -> int:
    check_folder()
    called = {config: check_config_name(config) for config in configs}
    listen(verbose=verbose, keep=True)
    asyncio.set_event_loop(asyncio.new_event_loop())  # upstream's loader needs one
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # stopped so, the manager leaves as after Ctrl-C
    lock_work_directory()
    become_manager()
    for config in configs:
        with errors_of_config(config):
            load_config(called[config])
            continue_configs()
    _warn_of_what_is_not_asked_for()
    check_before_jobs()
    for name, notices in kept_notices().items():
        show_notices(name, notices, console)
    for line in changed_data(toolkit.sis_graph.jobs()):
        console.print(f"[yellow]warning: {escape(line)}[/yellow]", highlight=False, soft_wrap=True)
    for line in waiting_lines():
        console.print(escape(line), highlight=False, soft_wrap=True)
    loaded()

    gs.PRINT_ERROR = verbose
    engine = toolkit.cached_engine()
    engine.start_engine()
    try:
        # the manager resumes async configs, and asks jobs for their tasks
        with errors_of_config(" ".join(configs)):
            _allow_new_tries(toolkit.sis_graph.get_jobs_by_status(engine=engine).get(gs.STATE_RETRY_ERROR, ()))
            # A job that failed in an earlier run is moved aside and tried again: the same command resumes the pipeline.
            QuietManager.verbose = verbose
            manager = QuietManager(
                sis_graph=toolkit.sis_graph,
                job_engine=engine,
                link_outputs=True,
                clear_errors_once=True,
                clear_interrupts_once=True,
                start_computations=True,
            )
            manager.unpause()
            with _errors_as_they_are(), Watcher(toolkit.sis_graph, console) as watcher:
                manager.run()
    except KeyboardInterrupt:
        console.print("stopped; the same command resumes from here")
        return 130
    finally:
        engine.stop_engine()
    return _tell_result(toolkit.sis_graph, engine, watcher.failed, console)


def _warn_of_what_is_not_asked_for() -> None:
    """Sisyphus runs only jobs that an output needs."""
    asked = {job.job_id() for job in toolkit.sis_graph.jobs()}
    for name, pipeline in laid_out_pipelines().items():
        if not any(job.job_id() in asked for job in pipeline.jobs):
            warnings.warn(
                f"pipeline {name!r} is not trained: no output needs it; tk.register_output('{name}/checkpoint.h5', "
                "training.checkpoint) asks for it, with what lay_out returns",
                stacklevel=2,
            )
    if not toolkit.sis_graph.targets and not laid_out_pipelines() and not config_manager.reader_running():
        warnings.warn("there is nothing to do: the config registers no output (tk.register_output)", stacklevel=2)


def _allow_new_tries(jobs: Iterable[Job]) -> None:
    """Forget the submissions of earlier runs, so that they do not count as tries."""
    for job in jobs:
        for log in Path(folder_of(job)).glob("submit_log.*"):
            log.replace(log.with_name(f"before.{log.name}"))


@contextlib.contextmanager
def _errors_as_they_are() -> Iterator[None]:
    """Let an exception in the manager pass: upstream's prints its traceback and raises SystemExit instead."""
    hook = sys.excepthook

    def quiet_here(*error: Any) -> None:
        if threading.current_thread() is not threading.main_thread():
            hook(*error)

    sys.excepthook = quiet_here
    try:
        yield
    except SystemExit as left:
        if isinstance(left.__context__, Exception):
            raise left.__context__ from left.__context__.__cause__
        raise
    finally:
        sys.excepthook = hook


def _tell_result(graph: Any, engine: Any, told: set[str], console: Console) -> int:
    """
    Print the outputs, and the failures that were not reported yet.

    :param told: ids of the jobs whose failure was reported
    :return: exit code
    """
    missing, gone, undecided = 0, 0, False
    for target in sorted(graph.targets, key=lambda target: target.name):
        available = all(required.available() for required in target.required)
        if target.name == "async_run":  # an async config waits for it
            undecided = undecided or not available
        elif not available:
            missing += 1
        elif isinstance(target, OutputPath | OutputReport):
            for path in places_of_output(target):
                if why := why_not_there(target, path):
                    missing += 1
                    gone += 1
                    _tell_wrong(path, why, console)
                    continue
                text = _short_text(path)
                console.print(f"{escape(path)}{': ' if text else ''}{escape(text)}", highlight=False, soft_wrap=True)
    aliases = wrong_aliases(graph.jobs())
    for path, why in sorted(aliases.items()):
        _tell_wrong(path, why, console)
    states = graph.get_jobs_by_status(engine=engine, skip_finished=True)
    failed = {job.job_id(): (job, state) for state in FAILED for job in states.get(state, ())}
    for name, (job, state) in sorted(failed.items()):
        if name not in told:
            tell_failure(job, state, console)
    for path in sorted(states.get(gs.STATE_INPUT_MISSING, ())):
        console.print(f"[red]failed:[/red] a job reads {escape(path)}, which does not exist", soft_wrap=True)
    if failed or missing or undecided or aliases:
        further = " and further ones not decided" if undecided else ""
        found = f"{counted(missing, 'output is', 'outputs are')} missing{further}, {counted(len(failed), 'job')} failed"
        found += f", {counted(len(aliases), 'alias leads', 'aliases lead')} elsewhere" if aliases else ""
        held = ", ".join(sorted(name_of(job) for job in states.get(gs.STATE_HOLD, ())))
        again = "; the same command tries again" if failed or undecided or aliases or missing > gone else ""
        console.print(f"{found}{escape(f', held: {held}') if held else ''}{again}", soft_wrap=True)
        return 1
    return 0


def _tell_wrong(path: str, why: str, console: Console) -> None:
    console.print(f"[red]not there:[/red] {escape(path)}: {escape(why)}", highlight=False, soft_wrap=True)


def _short_text(path: str) -> str:
    """:return: content of a small text file; "" for any other file"""
    if not path.endswith(".txt") or not os.path.exists(path) or os.path.getsize(path) > 2000:
        return ""
    with open(path, encoding="utf-8") as file:
        return file.read().strip()
