"""Starts workers from a process that has already imported what they need: TensorFlow takes seconds to import.

A worker started so differs from one started as a command only in that its imports take no time. See `fork_server.py`.
"""

import contextlib
import importlib.util
import json
import os
import socket
import subprocess
import sys
import threading

import sisyphus.global_settings as gs
from sisyphus.tools import default_environment

PRELOAD = "--preload"  # of the command that starts a worker: the modules, joined by commas
_SERVER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fork_server.py")


def is_possible(call) -> bool:
    """Whether a worker of this command can be forked: not if it is wrapped, for example in a container."""
    return (
        gs.WARM_START
        and PRELOAD in call
        and sys.platform == "linux"
        and call[0] == sys.executable
        and (call[1] == "-m" or os.path.isfile(call[1]))
        and importlib.util.find_spec("setproctitle") is not None
    )


class WarmStarts:
    """Keeps a server for each set of modules."""

    def __init__(self):
        self._servers = {}  # modules → (process, socket)

    def start(self, call, environment, log):
        """Returns a `WarmWorker`, which starts once the server has imported the modules."""
        modules = call[call.index(PRELOAD) + 1]
        mine, its = socket.socketpair()
        with its:
            if modules not in self._servers or not self._asked(modules, its, log):
                self._start_server(modules)
                self._asked(modules, its, log)  # if this server has ended, too, `wait` finds out
        return WarmWorker(mine, {"call": call, "environment": environment})

    def _asked(self, modules, connection, log) -> bool:
        """Returns whether the server could be asked: one that was idle for long has ended."""
        try:
            socket.send_fds(self._servers[modules][1], [b"x"], [connection.fileno(), log.fileno()])
        except OSError:
            return False
        return True

    def _start_server(self, modules):
        control, its = socket.socketpair()
        with its:
            # -P: without the folder of this file, whose modules have names such as `hash`
            command = [sys.executable, "-P", _SERVER]
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            process = subprocess.Popen(command, stdin=its, **quiet, start_new_session=True)
        first = {"preload": modules.split(","), "environment": default_environment().changed(os.environ)}
        with contextlib.suppress(OSError):  # it has ended at once, which `wait` finds out
            control.sendall(json.dumps(first).encode() + b"\n")
        self._servers[modules] = process, control

    def close(self):
        """Lets the servers end. Their workers continue."""
        for _, control in self._servers.values():
            control.close()
        self._servers.clear()


class WarmWorker:
    """
    Attributes: pid, None until the worker is forked; never_started, whether its server ended before that.
    """

    def __init__(self, connection, request):
        self.pid = None
        self.never_started = False
        self._connection, self._request = connection, request
        self._lock = threading.Lock()
        self._ended = False

    def wait(self):
        """Waits for the end of the worker. Returns its exit code, negative for a signal; None if nobody knows it."""
        with self._connection, self._connection.makefile("rb") as answers:
            pid = answers.readline()
            with self._lock:
                if not pid or self._ended:  # without a request, the forked process ends
                    self.never_started = not self._ended
                    return None
                self.pid = int(pid)
            with contextlib.suppress(OSError):  # it was killed
                self._connection.sendall(json.dumps(self._request).encode())
                self._connection.shutdown(socket.SHUT_WR)
            code = answers.readline()
            with self._lock:
                self._ended = bool(code)
        return int(code) if code else None

    def send_signal(self, number):
        with self._lock:
            if self.pid is None:
                self._ended = True
            elif not self._ended:
                os.kill(self.pid, number)
