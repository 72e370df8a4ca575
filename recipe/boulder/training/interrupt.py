"""Signals from users and schedulers, deferred to the next batch border, where a checkpoint is saved."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGXCPU)
_Handler = Callable[[int, FrameType | None], object] | int | None


class Interrupt:
    """A context manager. `wanted` is the name of the signal received, None before there is one."""

    def __init__(self) -> None:
        self.wanted: str | None = None
        self._previous: dict[int, _Handler] = {}

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():  # Python allows signal handlers only there
            for number in _SIGNALS:
                self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_error: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        if self.wanted == signal.SIGXCPU.name:  # Grid Engine repeats it every second; the exit must not be cut off
            signal.signal(signal.SIGXCPU, signal.SIG_IGN)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        self.wanted = signal.Signals(number).name
