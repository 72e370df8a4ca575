"""`Drawing`: draws the report of a pipeline in a process beside the manager."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from jobs import ROOT

_PATIENCE = 120.0
"""Seconds that a drawing may take."""
_SHARE = 0.1
"""Of the time, at most this is spent on drawing."""
_SECONDS_BEFORE_FIRST = 10.0
"""A run of seconds draws once, at its end."""


class Drawing:
    """Draws a page, if it differs from the one that is there. Of all drawings one works at a time, and not all the time."""

    _all: list[Drawing] = []  # noqa: RUF012 (of the process)
    _ready: _Process | None = None

    def __init__(self, folder: Path) -> None:
        """
        :param folder: of report.html, and of report.json, which says what it shows
        """
        self.folder = folder.absolute()  # the manager may change its directory
        self.page = self.folder / "report.html"
        self._process: _Process | None = None
        self._began = 0.0
        self._rest_until = time.monotonic() + _SECONDS_BEFORE_FIRST
        Drawing._all.append(self)

    def prepare(self) -> None:
        """Start the process of the first drawing in advance, so that the end of a short run need not wait for its imports."""
        if not self._began and Drawing._ready is None:
            Drawing._ready = _Process()

    def may_begin(self, now: bool = False) -> bool:
        """
        :param now: do not care for the time spent on it
        """
        if now:
            return self._process is None
        nothing_works = all(drawing._process is None for drawing in Drawing._all)
        return nothing_works and time.monotonic() >= self._rest_until

    def begin(self, content: str) -> None:
        """
        :param content: JSON of `boulder.report.Report`
        """
        if self._shown() == content:
            return
        self._process, Drawing._ready = Drawing._ready or _Process(), None
        self._began = time.monotonic()
        self._process.draw(self.folder, content)

    def finish(self, wait: bool) -> str | None:
        """
        Look whether the process has ended.

        :param wait: until it has
        :return: what went wrong; None if nothing did
        """
        if self._process is None:
            return None
        is_late = time.monotonic() - self._began >= _PATIENCE
        code = self._process.ended(_PATIENCE if wait else 0)
        if code is None and not wait and not is_late:
            return None
        problem = self._process.close()
        rest = (time.monotonic() - self._began) / _SHARE * len(Drawing._all)
        self._process, self._rest_until = None, time.monotonic() + rest
        if code is None:
            return f"it took more than {_PATIENCE:.0f} s"
        return problem if code else None

    def _shown(self) -> str | None:
        try:
            return (self.folder / "report.json").read_text("utf-8") if self.page.exists() else None
        except OSError:
            return None


class _Process:
    """A process that runs `boulder.report`. It imports the libraries, then draws when `draw` closes its standard input."""

    def __init__(self) -> None:
        path = os.pathsep.join(filter(None, [str(ROOT / "recipe"), os.environ.get("PYTHONPATH")]))
        self._told, self._said = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115 (open until `close`)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "boulder.report", str(self._told.fileno())],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self._said,
            pass_fds=[self._told.fileno()],
            env=os.environ | {"PYTHONPATH": path, "MPLBACKEND": "agg"},
            start_new_session=True,  # Ctrl-C is for the manager
        )

    def draw(self, folder: Path, content: str) -> None:
        self._told.write(f"{folder}\n{content}".encode())
        self._told.close()
        assert self._process.stdin is not None
        self._process.stdin.close()

    def ended(self, seconds: float) -> int | None:
        """:return: exit code, if it ends within `seconds`"""
        try:
            return self._process.wait(seconds) if seconds else self._process.poll()
        except subprocess.TimeoutExpired:
            return None

    def close(self) -> str:
        """:return: the last line that it wrote on stderr"""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        with self._said as said:
            said.seek(0)
            lines = said.read().decode(errors="replace").split("\n")
        return next((line for line in reversed(lines) if line.strip()), f"exit code {self._process.returncode}")
