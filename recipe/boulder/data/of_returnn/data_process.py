"""`DataProcess`: another process that reads a data set and answers requests, one at a time."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from multiprocessing.connection import Connection
from typing import Any

from boulder.errors import DataError

TIMEOUT = "BOULDER_DATA_TIMEOUT"
"""Environment variable: after so many seconds without an answer, a data process is ended."""

_SECONDS_TO_ANSWER = 1800.0  # opening a large corpus may take long
_SECONDS_TO_END = 5.0
_LAST_LINES = 3
_LAST_BYTES = 4000


class DataProcess:
    """
    Runs `python -m MODULE CONNECTION LIFELINE`, with the file descriptors of a connection for requests and of a socket that
    is closed when this process ends. All that it prints is kept for messages. It sees no GPU.

    :param module: answers requests, see `boulder.returnn.data_process`
    :param name: of the data set, for messages
    :param folder: current directory; None: that of this process
    :raises DataError: if there is no such folder
    """

    def __init__(self, module: str, name: str, folder: str | None = None) -> None:
        if folder is not None and not os.path.isdir(folder):
            raise DataError(f"{name}: found no folder {folder}, from which its relative paths start")
        self._name = name
        self._lock = threading.Lock()
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the process)
        ours, theirs = socket.socketpair()
        self._lifeline, its_lifeline = socket.socketpair()
        environment = os.environ | {
            "CUDA_VISIBLE_DEVICES": "",
            "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path)),
        }
        with theirs, its_lifeline:
            descriptors = (theirs.fileno(), its_lifeline.fileno())
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, *map(str, descriptors)],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=subprocess.STDOUT,
                pass_fds=descriptors,
                start_new_session=True,  # signals to this process's group leave it to finish the answer
            )
        self._connection: Connection | None = Connection(ours.detach())

    def ask(self, request: str, *arguments: Any) -> Any:
        """
        :return: the answer
        :raises DataError: if the process reports an error, ends, or does not answer in time
        """
        with self._lock:
            if self._connection is None:
                raise DataError(f"{self._name}: its process has been closed")
            seconds = _seconds_to_answer()
            try:
                self._connection.send((request, arguments))
                if not self._connection.poll(seconds):
                    self._kill()
                    raise DataError(
                        f"{self._name}: its process has not answered for {seconds:g} s ({request}) and was ended{self._said()}; "
                        f"the environment variable {TIMEOUT} sets another number of seconds"
                    )
                failed, answer = self._connection.recv()
            except (EOFError, OSError) as error:
                raise DataError(f"{self._name}: its process {self._ended()}{self._said()}") from error
        if failed:
            self._last_lines()
            raise DataError(f"{self._name}: {answer}")
        return answer

    def close(self) -> None:
        """Ends the process, and those that it has started."""
        self._lifeline.close()  # it may be in the middle of an answer that nobody waits for
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_SECONDS_TO_END)
        self._kill()
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
                self._output.close()

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _ended(self) -> str:
        try:
            code = self._process.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self._kill()
            return "has closed its connection"
        return f"has ended with exit code {code}" if code >= 0 else f"was killed by {signal.Signals(-code).name}"

    def _said(self) -> str:
        """:return: the last lines that the process has printed, for the end of a message"""
        last = " | ".join(line.strip() for line in self._last_lines()[-_LAST_LINES:])
        return f"; its last lines: {last:.600}" if last else ""

    def _last_lines(self) -> list[str]:
        """:return: the last lines that the process has printed, which go to standard error as well"""
        output = self._output.fileno()
        text = os.pread(output, _LAST_BYTES, max(0, os.fstat(output).st_size - _LAST_BYTES)).decode(errors="replace")
        lines = [line.rstrip() for line in text.split("\n") if line.strip()]
        print(
            *(f"{self._name}: {line}" for line in lines),
            sep="\n",
            end="\n" if lines else "",
            file=sys.stderr,
            flush=True,
        )
        return lines


def _seconds_to_answer() -> float:
    given = os.environ.get(TIMEOUT)
    try:
        seconds = float(given or _SECONDS_TO_ANSWER)
    except ValueError:
        seconds = 0.0
    if not seconds > 0:
        raise DataError(f"environment variable {TIMEOUT}: found {given!r}, expected a number of seconds")
    return seconds
