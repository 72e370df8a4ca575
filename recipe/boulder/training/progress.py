"""Progress of an epoch: a bar on a terminal, a line now and then in a log, and a file for other processes."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from boulder import strict_json
from boulder.atomic_file import write_text
from boulder.training.epoch_line import number
from boulder.training.scores import Sums

_SECONDS_BETWEEN_LINES = 30
_SECONDS_BETWEEN_WRITES = 1


class Progress:
    """
    A context manager around all epochs.

    :param file: receives the progress for other processes, see `read_progress`; removed at the end. None for no file.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._bar: Any = None  # of rich
        self._task: Any = None
        self._what, self._done, self._printed, self._written = "", 0, time.monotonic(), 0.0
        self._total: int | None = 0
        self._begun, self._before = self._printed, 0

    def __enter__(self) -> Progress:
        if sys.stdout.isatty():
            self._bar = make_bar()
            self._bar.start()
        return self

    def __exit__(self, *_error: object) -> None:
        if self._bar:
            self._bar.stop()
        if self._file:
            self._file.unlink(missing_ok=True)

    def begin(self, what: str, total: int | None, done: int) -> None:
        """Start a pass over `total` batches, None if unknown, of which `done` were processed before."""
        self._what, self._total, self._done, self._printed = what, total, done, time.monotonic()
        self._begun, self._before = self._printed, done
        self._write()
        if self._bar:
            if self._task is not None:
                self._bar.remove_task(self._task)
            self._task = self._bar.add_task(what, total=total, completed=done, scores="")

    def advance(self, sums: Sums) -> None:
        """Count one more batch."""
        self._done += 1
        now = time.monotonic()
        if self._done == self._before + 1:  # the first batch compiles the network; its time says nothing of the others
            self._begun, self._before = now, self._done
        if now - self._written > _SECONDS_BETWEEN_WRITES:
            self._write()
        if self._bar:
            self._bar.update(self._task, advance=1, scores=_text(sums))
        elif now - self._printed > _SECONDS_BETWEEN_LINES:
            self._printed = now
            print(f"{self._what}: batch {done_of(self._done, self._total)}, {_text(sums)}", flush=True)

    def _write(self) -> None:
        self._written = time.monotonic()
        if not self._file:
            return
        values = {"what": self._what, "done": self._done, "total": self._total}
        values |= {"batches": self._done - self._before, "seconds": round(self._written - self._begun, 3)}
        with contextlib.suppress(OSError):  # on a full disk the next checkpoint fails, and reports it
            write_text(self._file, strict_json.dumps(values))


def done_of(done: int, total: int | None) -> str:
    """:return: `3/10`, or `3` if the number of batches is unknown"""
    return f"{done}" if total is None else f"{done}/{total}"


def make_bar(console: Any = None) -> Any:
    """
    :param console: a `rich.console.Console`; None for the default
    :return: a `rich.progress.Progress`, which disappears when it stops
    """
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Bar(*columns, TextColumn("{task.fields[scores]}"), transient=True, console=console)


def read_progress(file: str | os.PathLike[str]) -> dict[str, Any] | None:
    """
    :return: None if no training is running; else {"what": …, "done": batches, "total": batches} and the speed: this process
        did "batches" in "seconds", without its first batch. "total" is None if the number of batches is not known
    """
    try:
        progress: dict[str, Any] = json.loads(Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return progress


def _text(sums: Sums) -> str:
    return ", ".join(f"{key} {number(value)}" for key, value in sums.means().items())
