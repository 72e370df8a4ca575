"""Reports progress while the manager of `boulder run` is at work."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from boulder.counted import counted
from boulder.report import phase_table
from boulder.training.epoch_line import describe_record
from boulder.training.progress import make_bar
from boulder.training.scores import read_scores
from jobs.commands.show_plan import tell_what_it_needs
from jobs.commands.system_error import tell_full_places
from jobs.phase_training import PhaseTrainingJob
from jobs.pipeline import laid_out_pipelines
from jobs.workdir.job_name import name_of
from jobs.workdir.killed import why_killed
from jobs.workdir.manager_log import refusal
from jobs.workdir.sisyphus_names import folder_of, is_finished
from jobs.workdir.submissions import read_submissions
from sisyphus import Job, gs

_SECONDS_BETWEEN_LOOKS = 1.0


class Watcher:
    """
    A thread beside the manager. Prints the phases once they are laid out, each job that ends and each epoch that is scored;
    at a terminal, it also shows a progress bar for each training. Use it as a context.
    """

    def __init__(self, graph: Any, console: Console) -> None:
        self._graph, self._console = graph, console
        self.failed: set[str] = set()
        """Ids of the jobs whose failure was reported."""
        self._began = time.time()  # older failures are of an earlier run, and their jobs are tried again
        self._finished: set[str] = set()
        self._epochs: dict[str, int] = {}
        self._rows: dict[str, list[dict]] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._bar = make_bar(console) if console.is_terminal else None
        self._bars: dict[str, Any] = {}

    def __enter__(self) -> Watcher:
        self._tell_phases()
        done = [job for job in self._graph.jobs() if is_finished(job)]
        self._finished = {job.job_id() for job in done}
        if done:
            self._console.print(
                f"{len(done)} of {counted(len(list(self._graph.jobs())), 'job is', 'jobs are')} finished already"
            )
        for job in self._trainings():
            self._new_records(job)  # epochs of an earlier run are not printed again
        if self._bar:
            self._bar.start()
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join()
        if self._bar:
            self._bar.stop()
        self._look()

    def _run(self) -> None:
        while not self._stop.wait(_SECONDS_BETWEEN_LOOKS):
            with contextlib.suppress(RuntimeError):  # the graph grew meanwhile; the next look sees all of it
                self._look()

    def _look(self) -> None:
        for job in self._trainings():
            for record in self._new_records(job):
                self._console.print(escape(describe_record(record, job.losses)), soft_wrap=True)
                for line in record.get("warnings", ()):
                    self._console.print(f"[yellow]warning: {escape(line)}[/yellow]", soft_wrap=True)
            if self._bar:
                self._draw(job, self._bar)
        for job in self._graph.jobs():
            if job.job_id() in self._finished and not is_finished(job):  # boulder rerun
                self._finished.discard(job.job_id())
                self._epochs.pop(job.job_id(), None)
            if job.job_id() not in self._finished and is_finished(job):
                self._finished.add(job.job_id())
                self._console.print(f"finished: {escape(name_of(job))}", style="green", highlight=False)
            if job.job_id() not in self.failed and (state := self._failure(job)):
                self.failed.add(job.job_id())
                tell_failure(job, state, self._console)
        self._tell_phases()

    def _failure(self, job: Job) -> str | None:
        """:return: the state of a job that failed during this run, or that the manager has refused"""
        if _error_logs(job, since=self._began):
            return gs.STATE_ERROR
        return gs.STATE_QUEUE_ERROR if refusal(job, since=self._began) else None

    def _tell_phases(self) -> None:
        """Print the new rows of each pipeline's phase table: an adaptive pipeline grows."""
        for name, pipeline in list(laid_out_pipelines().items()):
            told = self._rows.get(name, [])
            if pipeline.rows != told:
                self._rows[name] = pipeline.rows
                self._console.print(f"[bold]{escape(name)}[/bold]")
                phase_table([row for row in pipeline.rows if row not in told], self._console)
                tell_what_it_needs(pipeline.needs, self._console)

    def _trainings(self) -> list[PhaseTrainingJob]:
        jobs = [job for job in self._graph.jobs() if isinstance(job, PhaseTrainingJob)]
        return sorted(jobs, key=lambda job: job.phases[0]["first_epoch"])

    def _new_records(self, job: PhaseTrainingJob) -> list[dict]:
        told = self._epochs.get(job.job_id(), 0)
        records = [record for record in read_scores(job.out_scores.get_path()) if record["epoch"] > told]
        if records:
            self._epochs[job.job_id()] = records[-1]["epoch"]
        return records

    def _draw(self, job: PhaseTrainingJob, bars: Any) -> None:
        progress, bar = job.progress(), self._bars.get(job.job_id())
        if progress is None or is_finished(job):
            if bar is not None:
                bars.remove_task(self._bars.pop(job.job_id()))
            return
        if bar is None:
            bar = self._bars[job.job_id()] = bars.add_task("", total=None, scores="")
        state = bars.tasks[bars.task_ids.index(bar)]
        if state.description != progress["what"]:
            bars.reset(bar, description=progress["what"])
        bars.update(bar, completed=progress["done"], total=progress["total"])


def tell_failure(job: Job, state: str, console: Console) -> None:
    """
    Print why a job failed, and where its logs are.

    :param state: see `why_failed`
    """
    told = why_failed(job, state)
    console.print(f"[red]failed:[/red] {escape(name_of(job))}: {escape(told)}", highlight=False, soft_wrap=True)
    for log in _error_logs(job):
        console.print(f"        log: {escape(log)}", highlight=False, soft_wrap=True)
    if full := tell_full_places():
        console.print(f"        {escape(full)}", highlight=False, soft_wrap=True)


def why_failed(job: Job, state: str) -> str:
    """
    :param state: one of `jobs.workdir.states.FAILED`
    :return: the last error message in the job's logs, or what the manager said, or what the state means
    """
    told = "; ".join(map(_last_line, _error_logs(job))) or refusal(job)
    if told:
        return told
    killed = why_killed(job)
    folder = f"{f'{killed}; ' if killed else ''}its folder is {folder_of(job)}"
    if state == gs.STATE_RETRY_ERROR:
        return (
            f"it was started {len(read_submissions(job))} times, the last {gs.MAX_SUBMIT_RETRIES} without progress "
            f"(MAX_SUBMIT_RETRIES in settings.py); {folder}"
        )
    if state == gs.STATE_INTERRUPTED_NOT_RESUMABLE:
        return f"it was interrupted, and cannot resume, only begin anew; {folder}"
    if state == gs.STATE_QUEUE_ERROR:
        numbers = [number for one in read_submissions(job) for number in one.numbers][-1:]
        asked = "".join(f"; `qstat -j {number}` tells why" for number in numbers)
        return f"the queue does not start it{asked}; {folder}"
    return f"state {state}; {folder}"


def _error_logs(job: Job, since: float = 0.0) -> list[str]:
    """:return: logs of the tasks that failed after `since`, in seconds since 1970"""
    folder = folder_of(job)
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    errors = [name for name in names if name.startswith("error.")]
    new = [name for name in errors if os.path.getmtime(os.path.join(folder, name)) >= since]
    return [os.path.join(folder, f"log.{name.removeprefix('error.')}") for name in new]


def _last_line(log: str) -> str:
    """:return: the last line of a log that has an error message, else its last line"""
    try:
        with open(log, encoding="utf-8", errors="replace") as file:
            lines = [Text.from_ansi(line).plain.strip() for line in file if line.strip()]
    except OSError as error:
        return str(error)
    told = [line for line in lines if "Error: " in line]
    return (told or lines or ["the log is empty"])[-1]
