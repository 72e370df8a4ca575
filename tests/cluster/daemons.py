"""Daemons of a batch system in a folder of their own: started, queried, and stopped by their process ids."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil

PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"


class Daemons(ABC):
    """
    A batch system of its own.

    :param folder: an empty folder; only the owner may write to its parents
    :param environment: variables that lead the daemons and their commands to this cluster
    """

    name: str
    """as messages spell it"""
    submit: str
    """command that submits a job"""
    query: str
    """command that lists jobs"""
    held: Mapping[str, object]
    """requirements of a job that stays in the queue until it is released"""
    warned: Mapping[str, object]
    """requirements of a job that receives SIGUSR1 before its time limit of a minute"""
    refused: Mapping[str, object]
    """requirements of a job that `submit` refuses"""

    def __init__(self, folder: Path, **environment: str):
        self.folder = folder
        self.own = environment
        self.environment = os.environ | environment | {"PATH": PATH}
        self.daemons: dict[str, subprocess.Popen] = {}

    @abstractmethod
    def start(self) -> None:
        """Starts all daemons."""

    @abstractmethod
    def stop(self) -> None:
        """Stops all daemons and the processes of their jobs."""

    @abstractmethod
    def clear(self) -> None:
        """Restores the initial state after a test: all daemons run, no job is left."""

    @abstractmethod
    def start_controller(self) -> None:
        """Starts the daemon that answers the commands."""

    @abstractmethod
    def stop_controller(self) -> None:
        """Stops the daemon that answers the commands."""

    @abstractmethod
    def cancel_all(self) -> None:
        """Cancels all jobs as a user would."""

    @abstractmethod
    def jobs(self, folder: Path) -> list[dict[str, str]]:
        """:return: jobs submitted in `folder`, ended ones included"""

    @abstractmethod
    def job_name(self, job: dict[str, str]) -> str:
        """:return: the name of one of `jobs`"""

    @abstractmethod
    def requested(self, job: dict[str, str]) -> dict[str, str]:
        """:return: the resources that one of `jobs` asked for, in the cluster's own words"""

    @abstractmethod
    def active(self, folder: Path) -> list[str]:
        """:return: ids of the jobs in the queue that were submitted in `folder`, pending ones included"""

    @abstractmethod
    def cancel(self, job: str) -> None:
        """Cancels a job as a user would."""

    @abstractmethod
    def suspend(self, job: str) -> None:
        """Suspends a running job."""

    @abstractmethod
    def unsuspend(self, job: str) -> None:
        """Lets a suspended job continue."""

    @abstractmethod
    def release(self, job: str) -> None:
        """Releases a job that was submitted with `held`."""

    @abstractmethod
    def endings(self, folder: Path, worker: Callable[[], psutil.Process]) -> list[Callable[[], object]]:
        """
        :param folder: where the jobs were submitted
        :param worker: returns the process of the running job
        :return: functions, each of which ends the running job early in another way
        """

    def num_jobs(self, folder: Path, expected: int) -> int:
        """:return: number of jobs submitted in `folder`, after waiting until there are `expected` or more"""
        with contextlib.suppress(TimeoutError):
            self.wait_until(lambda: len(self.jobs(folder)) >= expected, "all jobs are accounted for", 20)
        return len(self.jobs(folder))

    def start_daemon(self, program: str, *arguments: str, called: str = "", **environment: str) -> None:
        """:param called: key in `daemons`, if not the program's name"""
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
        Kills every process of this cluster's jobs at once, as a power failure would.

        :param marker: environment variable that only jobs have
        :param guard: name of the programs that watch over jobs; they are killed first
        """
        for process in psutil.process_iter(["environ"]):
            environment = process.info["environ"] or {}
            if marker in environment and self.own.items() <= environment.items():
                with contextlib.suppress(psutil.Error):
                    above = [p for p in process.parents() if p.name() == guard]
                    for one in [*above, process]:
                        one.kill()

    def run(self, *command: str, check: bool = False) -> str:
        """:return: standard output of a command of the batch system"""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60, check=check)
        return done.stdout

    def wait_until(self, holds: Callable[[], object], what: str, seconds: float = 60) -> None:
        end = time.time() + seconds
        while not holds():
            if time.time() > end:
                raise TimeoutError(f"after {seconds} s: not true that {what}\n{self.logs()}")
            time.sleep(0.2)

    def logs(self) -> str:
        """:return: the last lines of the daemons' logs"""
        files = sorted(file for end in ("*.log", "*.out", "messages") for file in self.folder.rglob(end))
        return "\n".join(f"{f.name}: {f.read_text(errors='replace')[-1500:]}" for f in files)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]
