"""Runs workers on this machine, each as soon as the CPUs, GPUs and memory it requests are free."""

import collections
import contextlib
import logging
import os
import signal
import subprocess
import threading
import time

import psutil

import sisyphus.global_settings as gs
from sisyphus.engine import DeferSubmission, EngineBase
from sisyphus.job_directory import job_finished
from sisyphus.job_log import INTERRUPTED, last_line, open_log
from sisyphus.usage import HOST, read_usage, worker_process
from sisyphus.warm_start import WarmStarts, is_possible

ENGINE_NAME = "local"
LOCAL_DEFAULTS = {"cpu": 1, "mem": 1, "time": 1}
ROUNDING = 1e-6
LOOK_AGAIN = 0.2  # seconds

# Exit codes after which the task may be resumed. Any other without a marker file is an error of the worker.
_SIGNALS = [getattr(signal, f"SIG{name}") for name in ("KILL", "TERM", "INT", "HUP", "XCPU", "USR1", "USR2")]
NO_ERROR = {0, INTERRUPTED, None, *(-s for s in _SIGNALS), *(128 + s for s in _SIGNALS)}
KILLED = {-signal.SIGKILL, 128 + signal.SIGKILL}

Work = collections.namedtuple("Work", "call directory task_name task_id rqmt")
Running = collections.namedtuple("Running", "process work gpus kills")


def _kills_for_memory() -> int:
    """Returns how many processes the kernel has killed since it started because memory ran out."""
    with contextlib.suppress(OSError), open("/proc/vmstat", encoding="ascii") as file:
        return sum(int(line.split()[1]) for line in file if line.startswith("oom_kill "))
    return 0


def _until_gone(process) -> None:
    """Waits for a process that is not our child. If nobody reaps it, it stays a zombie forever."""
    with contextlib.suppress(psutil.Error):
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            time.sleep(LOOK_AGAIN)


def _exit_code(process) -> int | None:
    """Waits for a worker. Returns None if nobody knows the code."""
    if isinstance(process, psutil.Process):
        return _until_gone(process)
    code = process.wait()
    if code is None and process.pid:  # the process that started it was killed
        with contextlib.suppress(psutil.NoSuchProcess):
            _until_gone(psutil.Process(process.pid))
    return code


def _cold_start(call, env, log) -> subprocess.Popen:
    # in a session of its own, so that Ctrl-C at the terminal reaches only the manager
    return subprocess.Popen(call, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)


class LocalEngine(EngineBase):
    def __init__(self, cpus=1, gpus=0, available_gpus="", **kwargs):
        """Takes cpu=, gpu=, mem= and other countable resources; available_gpus="0,2" names the GPUs to use."""
        self.max_resources = {"cpu": cpus, "gpu": gpus, **kwargs}
        count = self.max_resources["gpu"]
        names = available_gpus.split(",") if available_gpus else [str(i) for i in range(count)]
        if len(names) != count:
            raise ValueError(f"LocalEngine: gpu={count}, but available_gpus={available_gpus!r} names {len(names)}")
        self.free_resources = dict(self.max_resources)
        self.free_gpus = names
        self._waiting = {}  # (task name, id) → Work
        self._running = {}  # (task name, id) → Running
        self._refused = set()
        self._lock = threading.RLock()
        self._warm = WarmStarts()

    def start_engine(self):
        pass

    def reset_cache(self):
        pass

    def stop_engine(self):
        """Forgets waiting tasks. Running ones continue, and the next manager finds them again."""
        with self._lock:
            self._waiting.clear()
            for (name, task_id), running in self._running.items():
                if os.path.exists(self._file(running.work, gs.STATE_FINISHED)):
                    continue  # its process is about to end
                logging.warning(f"Still running: {name} {task_id} PID: {running.process.pid}")
            self._warm.close()

    def get_default_rqmt(self, task):
        return LOCAL_DEFAULTS

    def get_rqmt(self, task, task_id, update=True):
        """Limits a requirement that grew after a failed try to what the machine has."""
        rqmt = super().get_rqmt(task, task_id, update)
        asked = {**LOCAL_DEFAULTS, **task.rqmt()}
        for name, most in self.max_resources.items():
            if name in rqmt and asked.get(name, 0) <= most < rqmt[name]:
                rqmt[name] = most
        return rqmt

    @staticmethod
    def get_task_id(task_id):
        return 1 if task_id is None else task_id

    def get_job_node_hostnames(self):
        return [HOST]

    def submit_call(self, call, logpath, rqmt, name, task_name, task_ids):
        most = {**self.max_resources, "multi_node_slots": 1}
        too_much = [f"{key}={rqmt[key]} of {there}" for key, there in most.items() if (rqmt.get(key) or 0) > there]
        if too_much:
            self._refused.update((name, task_id) for task_id in task_ids)
            logging.error(
                f"{name} requests more than this machine has ({', '.join(too_much)}): "
                "lower its rqmt, or give LocalEngine more in settings.py"
            )
            raise DeferSubmission("refused")  # which is no try
        with self._lock:
            for task_id in task_ids:
                work = Work([*call, str(task_id)], os.path.dirname(logpath), task_name, task_id, rqmt)
                self._waiting[name, task_id] = work
            self._start_what_fits()
        return ENGINE_NAME, HOST

    def task_state(self, task, task_id):
        key = task.task_name(), task_id
        with self._lock:
            if key in self._refused:
                return gs.STATE_QUEUE_ERROR
            if key in self._waiting:
                return gs.STATE_QUEUE
            return gs.STATE_RUNNING if key in self._running or self._recover(task, task_id) else gs.STATE_UNKNOWN

    def _recover(self, task, task_id) -> bool:
        """Finds a worker that an earlier manager started."""
        usage = read_usage(task.get_process_logging_path(task_id))
        process = worker_process(usage, task.path(), task.name())
        if process is None:
            return False
        try:
            gpus = [name for name in process.environ().get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
        except psutil.Error:
            return False
        work = Work(None, task.path(), task.name(), task_id, usage.get("requested_resources", {}))
        self._reserve(work.rqmt, gpus)
        self._watch((task.task_name(), task_id), Running(process, work, gpus, _kills_for_memory()))
        return True

    # resources; the caller holds the lock

    def _reserve(self, rqmt, gpus):
        for name in self.free_resources:
            self.free_resources[name] -= rqmt.get(name, 0)
        self.free_gpus = [name for name in self.free_gpus if name not in gpus]

    def _release(self, rqmt, gpus):
        for name in self.free_resources:
            self.free_resources[name] += rqmt.get(name, 0)
        self.free_gpus += gpus

    def _fits(self, rqmt) -> bool:
        enough = all(rqmt.get(name, 0) <= free + ROUNDING for name, free in self.free_resources.items())
        return enough and rqmt.get("gpu", 0) <= len(self.free_gpus)

    def _start_what_fits(self):
        """Starts tasks in order of submission. A small task may overtake a large one that has to wait; held tasks are dropped."""
        for key, work in list(self._waiting.items()):
            if os.path.exists(os.path.join(work.directory, gs.STATE_HOLD)):
                del self._waiting[key]
            elif self._fits(work.rqmt):
                del self._waiting[key]
                gpus = self.free_gpus[: int(work.rqmt.get("gpu", 0))]
                self._start(key, work, gpus)

    # processes

    def _start(self, key, work, gpus, warm=True):
        env = {**os.environ, "CUDA_VISIBLE_DEVICES": ",".join(gpus)}
        kills = _kills_for_memory()
        try:
            with open_log(self._file(work, gs.JOB_LOG)) as log:
                start = self._warm.start if warm and is_possible(work.call) else _cold_start
                process = start(work.call, env, log)
        except OSError as error:
            self._fail(key, work, f"could not start {work.call[0]}: {error}")
            return
        self._reserve(work.rqmt, gpus)
        self._watch(key, Running(process, work, gpus, kills))

    def _watch(self, key, running):
        self._running[key] = running
        threading.Thread(target=self._wait, args=(key, running), daemon=True).start()

    def _wait(self, key, running):
        code = _exit_code(running.process)
        with self._lock:
            work = running.work
            if getattr(running.process, "never_started", False):
                self._release(work.rqmt, running.gpus)
                self._start(key, work, running.gpus, warm=False)
                return
            marked = any(os.path.exists(self._file(work, name)) for name in (gs.STATE_FINISHED, gs.STATE_ERROR))
            if code not in NO_ERROR and not marked and not job_finished(work.directory):
                because = f" ({signal.strsignal(-code)})" if code < 0 else ""
                said = last_line(self._file(work, gs.JOB_LOG))
                told = f"; its last line: {said}" if said else ""
                self._fail(
                    key, work, f"the worker ended with code {code}{because} and left no marker file of its task{told}"
                )
            if code in KILLED and not marked and os.path.isdir(work.directory):
                self._tell_killed(key[0], running)
            del self._running[key]
            self._release(work.rqmt, running.gpus)
            self._start_what_fits()
        EngineBase.changed.set()

    def _file(self, work, name):
        return f"{work.directory}/{name}.{work.task_name}.{work.task_id}"

    def _fail(self, key, work, reason):
        """Writes the log and the error marker in place of the worker. Where it cannot, the task counts as refused."""
        for name in (gs.JOB_LOG, gs.STATE_ERROR) if os.path.isdir(work.directory) else ():
            try:
                with open(self._file(work, name), "a", encoding="utf-8") as file:
                    file.write(reason + "\n" if name == gs.JOB_LOG else "")
            except OSError as error:
                logging.error(f"{key[0]}: {reason}; could not write {self._file(work, name)}: {error.strerror}")
                self._refused.add(key)
        EngineBase.changed.set()

    def _tell_killed(self, name, running):
        """Says so in the log in place of a worker that could not. The task may be resumed."""
        used = read_usage(self._file(running.work, gs.PLOGGING_FILE)).get("max", {}).get("rss")
        for_memory = _kills_for_memory() > running.kills
        cause = "by the kernel, since memory ran out" if for_memory else "as the kernel does when memory runs out"
        measured = f"; at the last look it had used {used:.2f} GB, and it requests {running.work.rqmt.get('mem')} GB"
        reason = f"was killed by signal 9 (SIGKILL), {cause}{measured if used else ''}"
        with contextlib.suppress(OSError), open(self._file(running.work, gs.JOB_LOG), "a", encoding="utf-8") as file:
            file.write(f"the worker {reason}\n")
        logging.warning(f"{name} {reason}")

    def interrupt_tasks(self, names, seconds):
        with self._lock:
            self._waiting.clear()
            asked = [running for key, running in self._running.items() if key in names]
        for running in asked:
            usage = read_usage(self._file(running.work, gs.PLOGGING_FILE))
            worker = worker_process(usage, running.work.directory, running.work.task_name)
            try:
                (worker or running.process).send_signal(signal.SIGTERM)  # the wrapper may not forward it
            except (psutil.Error, ProcessLookupError):
                continue
        if asked:
            logging.info(f"waiting up to {seconds} s for {len(asked)} tasks to save (Ctrl-C: do not wait)")
        end = time.time() + seconds
        while time.time() < end and any(running in self._running.values() for running in asked):
            time.sleep(LOOK_AGAIN / 4)
