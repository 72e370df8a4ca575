"""An experiment in an empty directory, with tiny jobs and a manager started as a user would start it."""

import ast
import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import time

import psutil
import pytest

EMBEDDED = pathlib.Path(__file__).parents[2] / "embedded"
UPSTREAM = os.environ.get("SISYPHUS_UPSTREAM")  # a checkout of upstream Sisyphus to compare with

SETTINGS = """
IMPORT_PATHS = ["setups"]
USE_VERBOSE_TRACEBACK = False
WAIT_PERIOD_JOB_FS_SYNC = WAIT_PERIOD_CACHE = WAIT_PERIOD_JOB_CLEANUP = WAIT_PERIOD_MTIME_OF_INPUTS = 0.1
WAIT_PERIOD_BETWEEN_CHECKS = 1
PLOGGING_INTERVAL = 0.5
JOB_AUTO_CLEANUP = False

def engine():
    from sisyphus.localengine import LocalEngine
    return LocalEngine(cpu=2, gpu=2, mem=4, available_gpus="3,5")
"""

JOBS = '''
import os, pathlib, signal, subprocess, sys, time
from sisyphus import Job, Task, tk

class Step(Job):
    """Adds a number; records in the experiment's directory that it ran."""
    rqmt = {"cpu": 1, "mem": 0.1, "time": 1}
    def __init__(self, n, before=None, rqmt=None):
        self.n, self.before = n, before
        self.rqmt = rqmt or self.rqmt
        self.out = self.output_var("value")
    def tasks(self):
        yield Task("run", resume="run", rqmt=self.rqmt)
    def run(self):
        note("ran", self.n)
        self.work()
        self.out.set(self.n + (self.before.get() if self.before else 0))
    def work(self):
        pass

class Sleeper(Step):
    """Counts to n in steps of a twentieth of a second, and saves its count when it receives a signal."""
    def work(self):
        saved = pathlib.Path("count")
        count = int(saved.read_text()) if saved.exists() else 0
        note("from", count)
        try:
            while self.more(count):
                time.sleep(0.05)
                count += 1
                if count % 5 == 0:
                    saved.write_text(str(count))
        except SystemExit:
            saved.write_text(str(count))
            note("saved", count)
            raise
    def more(self, count):
        return count < self.n

class Waiter(Sleeper):
    """Runs until the test creates the file `go`."""
    def more(self, count):
        return not pathlib.Path(BASE, "go").exists()

class Gpu(Step):
    def work(self):
        note("gpus", os.environ["CUDA_VISIBLE_DEVICES"])
        time.sleep(0.5)

class Failing(Step):
    def work(self):
        if not pathlib.Path(BASE, "mended").exists():
            raise ValueError("the reason why")

class Array(Step):
    def tasks(self):
        yield Task("part", resume="part", args=range(5), parallel=2)
        yield Task("run", mini_task=True)
    def part(self, i):
        note("part", i)

BASE = os.getcwd()

def note(kind, what):
    with open(os.path.join(BASE, "notes"), "a") as file:
        file.write(f"{kind} {what}\\n")

def chain(n=3):
    out = None
    for i in range(n):
        job = Step(i, out)
        job.add_alias(f"chain/{i}")
        out = job.out
    tk.register_output("sum", out)
'''


class Experiment:
    def __init__(self, directory):
        self.directory = directory
        self.started = []
        (directory / "setups").mkdir()
        (directory / "work").mkdir()
        (directory / "setups" / "jobs.py").write_text(JOBS)
        (directory / "settings.py").write_text(SETTINGS)

    def config(self, text, name="config"):
        (self.directory / "setups" / f"{name}.py").write_text(f"from setups.jobs import *\n\n{text}\n")

    def command(self, *args, upstream=False):
        return [sys.executable, *([f"{UPSTREAM}/sis"] if upstream else ["-m", "sisyphus"]), *args]

    def environment(self, upstream=False, **variables):
        path = UPSTREAM if upstream else EMBEDDED
        return {**os.environ, "PYTHONPATH": str(path), **variables}

    def run(self, *args, upstream=False, timeout=30, **variables):
        """Runs sis to its end; `.output` is its stdout and stderr."""
        done = subprocess.run(
            self.command(*args, upstream=upstream),
            cwd=self.directory,
            env=self.environment(upstream, **variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
        )
        done.output = done.stdout
        return done

    def manager(self, *args, **kwargs):
        return self.run("manager", *args, **kwargs)

    def start(self, *args, upstream=False):
        """Starts a manager in the background."""
        process = subprocess.Popen(
            self.command("manager", *args, upstream=upstream),
            cwd=self.directory,
            env=self.environment(upstream),
            stdin=subprocess.DEVNULL,
            stdout=open(self.directory / "manager.log", "a"),  # noqa: SIM115
            stderr=subprocess.STDOUT,
        )
        self.started.append(process)
        return process

    def finish_once_running(self, *args, upstream=False, seconds=30, running=1):
        """Starts another manager, waits until it finds the running Waiters, lets them end; returns the manager's exit code."""
        log = self.directory / "manager.log"
        log.write_text("")
        process = self.start(*args, upstream=upstream)
        end = time.time() + seconds
        while f"running({running})" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.time() < end, log.read_text()
            time.sleep(0.02)
        (self.directory / "go").touch()
        return process.wait(seconds)

    def notes(self, kind):
        file = self.directory / "notes"
        lines = file.read_text().splitlines() if file.exists() else []
        return [line.split(" ", 1)[1] for line in lines if line.startswith(kind + " ")]

    def job(self, name):
        """:return: the only job directory of a class"""
        (found,) = [d for d in (self.directory / "work").glob(f"**/{name}.*") if d.is_dir() and "cleared" not in d.name]
        return found

    def usage(self, job, task="run.1"):
        return ast.literal_eval((job / f"usage.{task}").read_text())

    def value(self, output):
        return (self.directory / "output" / output).read_text().strip()

    def stop_all(self):
        """Kills, by process id, all processes that a test left running."""
        pids = [process.pid for process in self.started if process.poll() is None]
        for file in self.directory.glob("work/**/usage.*"):
            with contextlib.suppress(psutil.Error):
                process = psutil.Process(ast.literal_eval(file.read_text())["pid"])
                if process.cwd().startswith(str(self.directory)):
                    pids.append(process.pid)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for process in self.started:
            process.wait()


@pytest.fixture
def experiment(tmp_path):
    made = Experiment(tmp_path)
    yield made
    made.stop_all()


@pytest.fixture
def wait_for():
    def wait(condition, seconds=15):
        end = time.time() + seconds
        while not (result := condition()):
            assert time.time() < end, f"not true within {seconds} s"
            time.sleep(0.02)
        return result

    return wait
