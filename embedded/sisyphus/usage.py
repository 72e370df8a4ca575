"""The usage file: resources that a worker has used so far. It is also read to decide whether the worker still runs."""

import contextlib
import logging
import os
import pprint
import pwd
import socket
import threading
import time
from ast import literal_eval

import psutil

import sisyphus.global_settings as gs
from sisyphus.atomic_file import write_text

HOST = socket.gethostname()


def read_usage(path) -> dict:
    """Returns {} if there is no file, or an incomplete one of a worker that died."""
    try:
        with open(path, encoding="utf-8") as file:
            return literal_eval(file.read())
    except (OSError, SyntaxError, ValueError):
        return {}


def worker_process(usage, job_path, task_name):
    """Returns the worker that wrote the file, if it still runs on this machine.

    Process ids are reused, so its command line must be that of this task's worker.
    """
    if usage.get("host") != HOST:
        return None
    try:
        process = psutil.Process(usage["pid"])
        command = process.cmdline()
        is_it = gs.CMD_WORKER in command and job_path in command and task_name in command
        return process if is_it and process.status() != psutil.STATUS_ZOMBIE else None
    except (KeyError, TypeError, psutil.Error):
        return None


class UsageLog(threading.Thread):
    """Records the resources of this process and its children. Use it as a context."""

    def __init__(self, path, rqmt):
        super().__init__(daemon=True, name="usage")
        self.path = path
        self.rqmt = rqmt
        self.out_of_memory = False
        self._start = time.time()
        self._process = psutil.Process()
        self._max = {}
        self._ended = threading.Event()
        self._user = os.geteuid()
        with contextlib.suppress(KeyError):  # in a container a user may have no name
            self._user = (pwd.getpwuid(self._user).pw_name,)
        self._write(self._measure())

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self.join()

    def run(self):
        written = time.time()
        shown = None
        # measured at once, the load would be that of a moment: first after a second, then with the period of the settings
        while not self._ended.wait(min(1.0, gs.PLOGGING_INTERVAL) if shown is None else gs.PLOGGING_INTERVAL):
            now = self._measure()
            grown = shown is None or abs(now["rss"] - shown) > gs.PLOGGING_MIN_CHANGE * shown
            if grown:
                shown = now["rss"]
                logging.info(self._line("Run time", now))
            if grown or time.time() - written > gs.PLOGGING_UPDATE_FILE_PERIOD:
                self._write(now)
                written = time.time()
        self._write(self._measure())
        logging.info(self._line("Max resources: Run time", self._max))

    def _measure(self) -> dict:
        now = gs.active_engine.get_job_used_resources(self._process)
        for name, value in now.items():
            self._max[name] = max(value, self._max.get(name, value))
        return now

    def _line(self, title, used):
        hours, seconds = divmod(int(time.time() - self._start), 3600)
        clock = f"{hours}:{seconds // 60:02}:{seconds % 60:02}"
        return f"{title}: {clock} CPU: {used['cpu']:.0f}% RSS: {used['rss']:.2f}GB VMS: {used['vms']:.2f}GB"

    def _write(self, current):
        usage = {
            "max": self._max,
            "current": current,
            "pid": os.getpid(),
            "user": self._user,
            "used_time": (time.time() - self._start) / 3600,
            "host": HOST,
            "current_time": time.ctime(),
            "out_of_memory": self.out_of_memory,
            "requested_resources": self.rqmt,
        }
        try:
            write_text(self.path, pprint.pformat(usage) + "\n")
        except OSError as error:  # a full disk must not end a job that can still save
            logging.warning(f"could not write {self.path}: {error}")
