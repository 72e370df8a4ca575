"""How far an epoch is: a bar where a person watches, a line now and then in a log, a file for who looks from outside."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from pathlib import Path

from boulder.atomic_file import write_text
from boulder.training.scores import Sums

_SECONDS_BETWEEN_LINES = 30
_SECONDS_BETWEEN_WRITES = 1


class Progress:
    """
    A context manager around all epochs.

    :param file: where it stands for other processes, see `read_progress`; gone at the end. None: nowhere
    """

    def __init__(self, file: Path | None):
        self._file = file
        self._bar = None
        self._task = None
        self._what, self._total, self._done, self._told, self._written = "", 0, 0, time.monotonic(), 0.0
        self._begun, self._before = self._told, 0

    def __enter__(self) -> Progress:
        if sys.stdout.isatty():
            self._bar = make_bar()
            self._bar.start()
        return self

    def __exit__(self, *_error) -> None:
        if self._bar:
            self._bar.stop()
        if self._file:
            self._file.unlink(missing_ok=True)

    def begin(self, what: str, total: int, done: int) -> None:
        """A new pass over `total` batches, of which `done` were done before."""
        self._what, self._total, self._done, self._told = what, total, done, time.monotonic()
        self._begun, self._before = self._told, done
        self._write()
        if self._bar:
            if self._task is not None:
                self._bar.remove_task(self._task)
            self._task = self._bar.add_task(what, total=total, completed=done, scores="")

    def advance(self, sums: Sums) -> None:
        """One batch more."""
        self._done += 1
        now = time.monotonic()
        if self._done == self._before + 1:  # the first batch compiles the network, and says nothing of the others
            self._begun, self._before = now, self._done
        if now - self._written > _SECONDS_BETWEEN_WRITES:
            self._write()
        if self._bar:
            self._bar.update(self._task, advance=1, scores=_text(sums))
        elif now - self._told > _SECONDS_BETWEEN_LINES:
            self._told = now
            print(f"{self._what}: batch {self._done}/{self._total}, {_text(sums)}", flush=True)

    def _write(self) -> None:
        self._written = time.monotonic()
        if not self._file:
            return
        stand = {"what": self._what, "done": self._done, "total": self._total}
        stand |= {"batches": self._done - self._before, "seconds": round(self._written - self._begun, 3)}
        with contextlib.suppress(OSError):  # on a full disk the next checkpoint fails, and says so
            write_text(self._file, json.dumps(stand))


def make_bar(console=None):
    """:return: a rich progress bar, which vanishes when it stops"""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Bar(*columns, TextColumn("{task.fields[scores]}"), transient=True, console=console)


def read_progress(file: str | os.PathLike) -> dict | None:
    """
    :return: None if no training runs; else {"what": …, "done": batches, "total": batches}, and how fast: "batches" done in
        "seconds", by this process, without its first
    """
    try:
        return json.loads(Path(file).read_text())
    except (OSError, ValueError):
        return None


def _text(sums: Sums) -> str:
    return ", ".join(f"{key} {value:.4f}" for key, value in sums.means().items())
