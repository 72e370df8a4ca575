"""`Drawing`: a process that draws the report of a pipeline, beside the manager."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO

from jobs import ROOT

_PATIENCE = 120.0
"""Seconds that a drawing may take."""
_SHARE = 0.1
"""Of the time, at most this is spent on drawing one pipeline."""
_SECONDS_BEFORE_FIRST = 10.0
"""A run of seconds draws once, at its end."""


class Drawing:
    """Draws a page, if it differs from the one that is there; one at a time, and not all the time."""

    def __init__(self, folder: Path) -> None:
        """
        :param folder: of report.html, and of report.json, which says what it shows
        """
        self.folder = folder.absolute()  # the manager may change its directory
        self.page = self.folder / "report.html"
        self._process: subprocess.Popen[bytes] | None = None
        self._said: IO[bytes] | None = None
        self._began = 0.0
        self._rest_until = time.monotonic() + _SECONDS_BEFORE_FIRST

    def may_begin(self, now: bool = False) -> bool:
        """
        :param now: do not care for the time spent on it
        """
        return self._process is None and (now or time.monotonic() >= self._rest_until)

    def begin(self, content: str) -> None:
        """
        :param content: JSON of `boulder.report.Report`
        """
        if self._shown() == content:
            return
        path = os.pathsep.join(filter(None, [str(ROOT / "recipe"), os.environ.get("PYTHONPATH")]))
        self._said, self._began = tempfile.TemporaryFile(), time.monotonic()  # noqa: SIM115 (open until the process ends)
        with tempfile.TemporaryFile() as told:
            told.write(content.encode())
            told.seek(0)
            self._process = subprocess.Popen(
                [sys.executable, "-m", "boulder.report", str(self.folder)],
                stdin=told,
                stdout=subprocess.DEVNULL,
                stderr=self._said,
                env=os.environ | {"PYTHONPATH": path, "MPLBACKEND": "agg"},
                start_new_session=True,  # Ctrl-C is for the manager
            )

    def finish(self, wait: bool) -> str | None:
        """
        Look whether the process has ended.

        :param wait: until it has
        :return: what went wrong; None if nothing did
        """
        if self._process is None or self._said is None:
            return None
        try:
            code = self._process.wait(_PATIENCE) if wait else self._process.poll()
        except subprocess.TimeoutExpired:
            code = None
        took = time.monotonic() - self._began
        if code is None and took < _PATIENCE:
            return None
        if code is None:
            self._process.kill()
            self._process.wait()
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").split("\n")
        self._said.close()
        self._process, self._said, self._rest_until = None, None, time.monotonic() + took / _SHARE
        if code == 0:
            return None
        return next((line for line in reversed(lines) if line.strip()), f"it took more than {_PATIENCE:.0f} s")

    def _shown(self) -> str | None:
        try:
            return (self.folder / "report.json").read_text("utf-8") if self.page.exists() else None
        except OSError:
            return None
