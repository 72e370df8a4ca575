"""How far an epoch is: a bar where a person watches, a line now and then in a log."""

from __future__ import annotations

import sys
import time

from boulder.training.scores import Sums

_SECONDS_BETWEEN_LINES = 30


class Progress:
    """A context manager around all epochs."""

    def __init__(self):
        self._bar = None
        self._task = None
        self._what, self._total, self._done, self._told = "", 0, 0, time.monotonic()

    def __enter__(self) -> Progress:
        if sys.stdout.isatty():
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._bar = Bar(*columns, TextColumn("{task.fields[scores]}"), transient=True)
            self._bar.start()
        return self

    def __exit__(self, *_error) -> None:
        if self._bar:
            self._bar.stop()

    def begin(self, what: str, total: int, done: int) -> None:
        """A new pass over `total` batches, of which `done` were done before."""
        self._what, self._total, self._done, self._told = what, total, done, time.monotonic()
        if self._bar:
            if self._task is not None:
                self._bar.remove_task(self._task)
            self._task = self._bar.add_task(what, total=total, completed=done, scores="")

    def advance(self, sums: Sums) -> None:
        """One batch more."""
        self._done += 1
        if self._bar:
            self._bar.update(self._task, advance=1, scores=_text(sums))
        elif time.monotonic() - self._told > _SECONDS_BETWEEN_LINES:
            self._told = time.monotonic()
            print(f"{self._what}: batch {self._done}/{self._total}, {_text(sums)}", flush=True)


def _text(sums: Sums) -> str:
    return ", ".join(f"{key} {value:.4f}" for key, value in sums.means().items())
