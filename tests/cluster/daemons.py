"""Daemons of a batch system in their own folder, started, queried, and stopped by process id."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil

PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"


class Daemons:
    """
    A subclass gives start(), stop(), clear() (as at the beginning, whatever a test left behind), cancel_all() (jobs, as
    users do) and jobs(folder) (those submitted in `folder`, also if they have ended).

    :param folder: an empty one, of which only the owner may write the parents
    :param environment: variables by which the daemons and their commands are told from those of other clusters
    """

    def __init__(self, folder: Path, **environment: str):
        self.folder = folder
        self.own = environment
        self.environment = os.environ | environment | {"PATH": PATH}
        self.daemons: dict[str, subprocess.Popen] = {}

    def start_daemon(self, program: str, *arguments: str, called: str = "", **environment: str) -> None:
        """:param called: its name here, where it is not the program's"""
        name, program = called or program, shutil.which(program, path=PATH)
        with open(self.folder / f"{name}.out", "ab") as out:
            self.daemons[name] = subprocess.Popen(
                [program, *arguments],
                env=self.environment | environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )

    def stop_daemon(self, name: str, how: int = signal.SIGTERM) -> None:
        process = self.daemons.pop(name)
        process.send_signal(how)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def kill_processes(self, marker: str, guard: str) -> None:
        """
        Kills at once, as if the power went, all that runs under this cluster.

        :param marker: variable that only jobs have
        :param guard: name of the programs that watch over jobs, killed before these
        """
        for process in psutil.process_iter(["environ"]):
            environment = process.info["environ"] or {}
            if marker in environment and self.own.items() <= environment.items():
                with contextlib.suppress(psutil.Error):
                    above = [p for p in process.parents() if p.name() == guard]
                    for one in [*above, process]:
                        one.kill()

    def run(self, *command: str, check: bool = False) -> str:
        """:return: what a command of the batch system prints"""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60, check=check)
        return done.stdout

    def wait_until(self, holds: Callable[[], object], what: str, seconds: float = 60) -> None:
        end = time.time() + seconds
        while not holds():
            if time.time() > end:
                raise TimeoutError(f"after {seconds} s: not true that {what}\n{self.logs()}")
            time.sleep(0.2)

    def logs(self) -> str:
        """:return: last lines of the daemons' logs"""
        files = sorted(file for end in ("*.log", "*.out", "messages") for file in self.folder.rglob(end))
        return "\n".join(f"{f.name}: {f.read_text(errors='replace')[-1500:]}" for f in files)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]
