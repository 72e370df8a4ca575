"""What a command is doing, and for how long: a line that is replaced on a terminal, a line now and then in a log."""

from __future__ import annotations

import threading
import time
from typing import Any

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


class Stages:
    """
    A context manager.

    :param seconds: where the console is no terminal, time between lines: one in which nothing is slow prints none
    """

    def __init__(self, console: Console, seconds: float = 10.0) -> None:
        self._console, self._seconds = console, seconds
        self._begun, self._stage = time.monotonic(), ""
        self._line: Any = None
        self._over, self._thread = threading.Event(), threading.Thread(target=self._print_now_and_then, daemon=True)

    def __enter__(self) -> Stages:
        if self._console.is_terminal:
            columns = (SpinnerColumn(), TimeElapsedColumn(), TextColumn("{task.description}", markup=False))
            self._line = Progress(*columns, transient=True, console=self._console)
            self._line.start()
        else:
            self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        if self._line:
            self._line.stop()

    def begin(self, stage: str) -> None:
        """:param stage: what is done from now on"""
        self._stage = stage
        if self._line:
            for task in self._line.task_ids:
                self._line.remove_task(task)
            self._line.add_task(stage)

    def _print_now_and_then(self) -> None:
        while not self._over.wait(self._seconds):
            if self._stage:
                seconds = f"{time.monotonic() - self._begun:.0f} s"
                self._console.print(f"{seconds}: {self._stage}", markup=False, highlight=False, soft_wrap=True)
