"""`boulder run`: the manager without questions, with what the training says, and with an exit code.

Works with the real Sisyphus and with embedded/sisyphus: both have this Manager, graph and loader.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from boulder.errors import BoulderError
from boulder.report import phase_table
from boulder.training.progress import make_bar
from boulder.training.scores import describe_record, read_scores
from jobs.config_name import check_config_name, errors_of_config
from jobs.phase_training import PhaseTrainingJob
from jobs.pipeline import laid_out_pipelines
from jobs.work_lock import lock_work_directory

_SECONDS_BETWEEN_LOOKS = 1.0
_FAILED = ("error", "retry_error", "queue_error", "input_missing", "interrupted_not_resumable")


def run(configs: Sequence[str], console: Console, verbose: bool = False) -> int:
    """
    :param configs: e.g. `config/g2p.demo`
    :param verbose: let Sisyphus say what it does
    :return: exit code: 0 if all outputs are there, 1 if a job failed, 130 after Ctrl-C
    :raises BoulderError: for what is wrong before any job is submitted
    """
    if not os.path.exists("settings.py"):
        raise BoulderError(f"there is no settings.py in {os.getcwd()}; change to the folder that has it, with config/")
    for config in configs:
        check_config_name(config)
    level = logging.INFO if verbose else logging.CRITICAL  # what concerns the user is told here
    logging.basicConfig(stream=sys.stderr, level=level, format="%(message)s", force=True)
    asyncio.set_event_loop(asyncio.new_event_loop())  # upstream's loader asks for one

    from sisyphus import gs, toolkit
    from sisyphus.loader import config_manager
    from sisyphus.manager import Manager

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # who stops us so shall find all as after Ctrl-C
    lock_work_directory()
    toolkit._sis_running_in_manager = True
    for config in configs:
        with errors_of_config(config):
            config_manager.load_configs([config])
    for name, pipeline in laid_out_pipelines().items():
        console.print(f"[bold]{escape(name)}[/bold]")
        phase_table(pipeline.rows, console)

    class QuietManager(Manager):
        """Never asks. When all is done already, outputs and aliases are written anew."""

        def input(self, prompt):
            return "u" if prompt.startswith("All calculations") else "n"

    gs.PRINT_ERROR = verbose
    engine = toolkit.cached_engine()
    engine.start_engine()
    try:
        # A job that failed in an earlier run is moved aside and tried again: the same command is how one goes on.
        manager = QuietManager(
            sis_graph=toolkit.sis_graph,
            job_engine=engine,
            link_outputs=True,
            clear_errors_once=True,
            clear_interrupts_once=True,
            start_computations=True,
        )
        manager.unpause()
        with _Watcher(toolkit.sis_graph, console) as watcher:
            manager.run()
    except KeyboardInterrupt:
        console.print("stopped; the same command goes on from here")
        return 130
    finally:
        engine.stop_engine()
    return _tell_result(toolkit.sis_graph, engine, watcher.failed, console)


class _Watcher:
    """Beside the manager: prints each job that ends and each epoch that is scored; at a terminal, bars of the epochs."""

    def __init__(self, graph, console: Console):
        self._graph, self._console = graph, console
        self.failed: set[str] = set()
        """ids of the jobs whose failure was told"""
        self._began = time.time()  # failures before that are of an earlier run; their jobs are tried again
        self._finished: set[str] = set()
        self._epochs: dict[str, int] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._bar = make_bar(console) if console.is_terminal else None
        self._bars: dict[str, int] = {}

    def __enter__(self) -> _Watcher:
        done = [job for job in self._graph.jobs() if _is_finished(job)]
        self._finished = {job.job_id() for job in done}
        if done:
            self._console.print(f"{len(done)} of {len(list(self._graph.jobs()))} jobs are finished already")
        for job in self._trainings():
            self._new_records(job)  # those of an earlier run are not told again
        if self._bar:
            self._bar.start()
        self._thread.start()
        return self

    def __exit__(self, *_error) -> None:
        self._stop.set()
        self._thread.join()
        if self._bar:
            self._bar.stop()
        self._look()

    def _run(self) -> None:
        while not self._stop.wait(_SECONDS_BETWEEN_LOOKS):
            self._look()

    def _look(self) -> None:
        for job in self._trainings():
            for record in self._new_records(job):
                self._console.print(escape(describe_record(record)), soft_wrap=True)
            if self._bar:
                self._draw(job)
        for job in self._graph.jobs():
            if job.job_id() not in self._finished and _is_finished(job):
                self._finished.add(job.job_id())
                self._console.print(f"finished: {escape(_name(job))}", style="green", highlight=False)
            if job.job_id() not in self.failed and _error_logs(job, since=self._began):
                self.failed.add(job.job_id())
                _tell_failure(job, "error", self._console)

    def _trainings(self) -> list[PhaseTrainingJob]:
        jobs = [job for job in self._graph.jobs() if isinstance(job, PhaseTrainingJob)]
        return sorted(jobs, key=lambda job: job.phases[0]["first_epoch"])

    def _new_records(self, job: PhaseTrainingJob) -> list[dict]:
        told = self._epochs.get(job.job_id(), 0)
        records = [record for record in read_scores(job.out_scores.get_path()) if record["epoch"] > told]
        if records:
            self._epochs[job.job_id()] = records[-1]["epoch"]
        return records

    def _draw(self, job: PhaseTrainingJob) -> None:
        progress, bar = job.progress(), self._bars.get(job.job_id())
        if progress is None or _is_finished(job):
            if bar is not None:
                self._bar.remove_task(self._bars.pop(job.job_id()))
            return
        if bar is None:
            bar = self._bars[job.job_id()] = self._bar.add_task("", total=None, scores="")
        state = self._bar.tasks[self._bar.task_ids.index(bar)]
        if state.description != progress["what"]:
            self._bar.reset(bar, description=progress["what"])
        self._bar.update(bar, completed=progress["done"], total=progress["total"])


def _is_finished(job) -> bool:
    return any(os.path.exists(job._sis_path(name)) for name in ("finished", "finished.tar.gz"))


def _name(job) -> str:
    """:return: the job's alias, or its class and hash"""
    return min(job.get_aliases() or [job.job_id()])


def _tell_result(graph, engine, told: set[str], console: Console) -> int:
    """Prints outputs, and failures that were not told yet. :return: exit code"""
    missing = 0
    for target in sorted(graph.targets, key=lambda target: target.name):
        path = os.path.join("output", target.name)
        if not all(required.available() for required in target.required):
            missing += 1
            continue
        text = _short_text(path)
        console.print(f"{escape(path)}{': ' if text else ''}{escape(text)}", highlight=False, soft_wrap=True)
    states = graph.get_jobs_by_status(engine=engine, skip_finished=True)
    failed = {job.job_id(): (job, state) for state in _FAILED for job in states.get(state, ())}
    for name, (job, state) in sorted(failed.items()):
        if name not in told:
            _tell_failure(job, state, console)
    if failed or missing:
        console.print(f"{missing} outputs are missing, {len(failed)} jobs failed; the same command tries again")
        return 1
    return 0


def _tell_failure(job, state: str, console: Console) -> None:
    logs = _error_logs(job)
    told = "; ".join(map(_last_line, logs)) or f"state {state}; its folder is {job._sis_path()}"
    console.print(f"[red]failed:[/red] {escape(_name(job))}: {escape(told)}", highlight=False, soft_wrap=True)
    for log in logs:
        console.print(f"        log: {escape(log)}", highlight=False, soft_wrap=True)


def _short_text(path: str) -> str:
    """:return: what a small text file says"""
    if not path.endswith(".txt") or not os.path.exists(path) or os.path.getsize(path) > 2000:
        return ""
    with open(path, encoding="utf-8") as file:
        return file.read().strip()


def _error_logs(job, since: float = 0.0) -> list[str]:
    """:return: logs of the tasks that ended with an error, after `since` seconds of the epoch"""
    folder = job._sis_path()
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    errors = [name for name in names if name.startswith("error.")]
    new = [name for name in errors if os.path.getmtime(os.path.join(folder, name)) >= since]
    return [os.path.join(folder, f"log.{name.removeprefix('error.')}") for name in new]


def _last_line(log: str) -> str:
    """:return: the last line of a log that tells an error"""
    try:
        with open(log, encoding="utf-8", errors="replace") as file:
            lines = [Text.from_ansi(line).plain.strip() for line in file if line.strip()]
    except OSError as error:
        return str(error)
    told = [line for line in lines if "Error: " in line]
    return (told or lines or ["the log is empty"])[-1]
