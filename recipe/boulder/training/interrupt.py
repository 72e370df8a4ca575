"""Signals of users and schedulers as a wish that is granted at the next good moment: after the step, with a checkpoint."""

from __future__ import annotations

import signal
import threading

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGXCPU)


class Interrupt:
    """A context manager. `wanted` is the signal's name once one has come, else None."""

    def __init__(self):
        self.wanted: str | None = None
        self._previous = {}

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():  # elsewhere Python lets nobody install a handler
            for number in _SIGNALS:
                self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_error) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        if self.wanted == signal.SIGXCPU.name:  # Grid Engine says it each second; what is raised now must get through
            signal.signal(signal.SIGXCPU, signal.SIG_IGN)

    def _handle(self, number, _frame) -> None:
        self.wanted = signal.Signals(number).name
