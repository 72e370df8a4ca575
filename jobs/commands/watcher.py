"""What `boulder run` says while the manager is at work."""

from __future__ import annotations

import contextlib
import os
import threading
import time

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from boulder.report import phase_table
from boulder.training.progress import make_bar
from boulder.training.scores import describe_record, read_scores
from jobs.commands.show_plan import tell_what_it_needs
from jobs.phase_training import PhaseTrainingJob
from jobs.pipeline import laid_out_pipelines
from jobs.workdir.job_name import name_of
from jobs.workdir.sisyphus_names import folder_of, is_finished

_SECONDS_BETWEEN_LOOKS = 1.0


class Watcher:
    """
    Beside the manager: prints the phases that are laid out, each job that ends and each epoch that is scored; at a
    terminal, bars of the epochs.
    """

    def __init__(self, graph, console: Console):
        self._graph, self._console = graph, console
        self.failed: set[str] = set()
        """ids of the jobs whose failure was told"""
        self._began = time.time()  # failures before that are of an earlier run; their jobs are tried again
        self._finished: set[str] = set()
        self._epochs: dict[str, int] = {}
        self._rows: dict[str, list[dict]] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._bar = make_bar(console) if console.is_terminal else None
        self._bars: dict[str, int] = {}

    def __enter__(self) -> Watcher:
        self._tell_phases()
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
            with contextlib.suppress(RuntimeError):  # the graph grew meanwhile; the next look sees all of it
                self._look()

    def _look(self) -> None:
        for job in self._trainings():
            for record in self._new_records(job):
                self._console.print(escape(describe_record(record)), soft_wrap=True)
            if self._bar:
                self._draw(job)
        for job in self._graph.jobs():
            if job.job_id() in self._finished and not _is_finished(job):  # boulder rerun
                self._finished.discard(job.job_id())
                self._epochs.pop(job.job_id(), None)
            if job.job_id() not in self._finished and _is_finished(job):
                self._finished.add(job.job_id())
                self._console.print(f"finished: {escape(name_of(job))}", style="green", highlight=False)
            if job.job_id() not in self.failed and _error_logs(job, since=self._began):
                self.failed.add(job.job_id())
                tell_failure(job, "error", self._console)
        self._tell_phases()

    def _tell_phases(self) -> None:
        """Of each pipeline, the rows that are new: an adaptive one grows."""
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


def tell_failure(job, state: str, console: Console) -> None:
    logs = _error_logs(job)
    told = "; ".join(map(_last_line, logs)) or f"state {state}; its folder is {folder_of(job)}"
    console.print(f"[red]failed:[/red] {escape(name_of(job))}: {escape(told)}", highlight=False, soft_wrap=True)
    for log in logs:
        console.print(f"        log: {escape(log)}", highlight=False, soft_wrap=True)


def _is_finished(job) -> bool:
    return is_finished(job)


def _error_logs(job, since: float = 0.0) -> list[str]:
    """:return: logs of the tasks that ended with an error, after `since` seconds of the epoch"""
    folder = folder_of(job)
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
