"""Task: a method of a job with its requirements, run in its own workers, once per argument."""

import contextlib
import logging
import os
import time

import sisyphus.global_settings as gs
from sisyphus import tools
from sisyphus.job_log import log_is_claimed
from sisyphus.states import WORST_FIRST
from sisyphus.usage import HOST, read_usage, worker_process
from sisyphus.warm_start import PRELOAD


class Task:
    def __init__(
        self,
        start,
        resume=None,
        rqmt=None,
        args=None,
        mini_task=False,
        update_rqmt=None,
        parallel=0,
        tries=1,
        continuable=False,
    ):
        """
        start: name of the method.
        resume: if not None, an interrupted task may run again. As in upstream, always `start` is called, and finds what
            it has saved.
        rqmt: cpu, gpu, mem (GB), time (hours), ...
        args: one call per item; a list or tuple is unpacked.
        mini_task: whether to run on the engine called "short".
        parallel: maximal number of workers, each for several args.
        tries: how often it may fail before it counts as failed; the logs of earlier tries are log….error.01, ….
        continuable: if it can go on for ever, as a training by further epochs: no marker says that it has finished.
        """
        self._start = start
        self._resume = resume
        self._rqmt = {**(rqmt or {}), **({"engine": "short"} if mini_task else {})}
        self._update_rqmt = update_rqmt or gs.update_engine_rqmt
        self._args = [[]] if args is None else list(args)
        self._parallel = parallel or len(self._args)
        self.mini_task = mini_task
        self.tries = tries
        self.continuable = continuable
        self.last_state = None

    def __repr__(self):
        return f"<Task {self._start!r} job={getattr(self, '_job', None)!r}>"

    def __str__(self):
        return f"Task < workdir({self.path()}) name({self.name()}) ids({','.join(map(str, self.task_ids()))}) >"

    def reset_cache(self):
        """Upstream keeps states for some seconds."""

    def set_job(self, job):
        self._job = job
        for name in (self._start, self._resume):
            if name is not None and not callable(getattr(job, name, None)):
                raise AttributeError(
                    f"{job} has a task {name!r} but {type(job).__qualname__} has no method of that name"
                )

    def get_f(self, name):
        return getattr(self._job, name)

    def name(self) -> str:
        return self._start

    def task_name(self):
        return f"{self._job._sis_id()}.{self._start}"

    def task_ids(self) -> list[int]:
        return list(range(1, self._parallel + 1))

    def args_of(self, task_id):
        """Arguments are split into runs of equal length; if need be, the first runs are longer by one."""
        size, rest = divmod(len(self._args), self._parallel)
        begin = (task_id - 1) * size + min(task_id - 1, rest)
        return range(begin, begin + size + (task_id <= rest))

    def resumeable(self) -> bool:
        return self._resume is not None

    def rqmt(self):
        rqmt = dict(self._rqmt)
        try:
            if "mem" in rqmt:
                rqmt["mem"] = tools.str_to_GB(rqmt["mem"])
            if "time" in rqmt:
                rqmt["time"] = tools.str_to_hours(rqmt["time"])
        except ValueError as error:
            raise ValueError(f"{self!r}: {error}") from None
        return rqmt

    def update_rqmt(self, last_rqmt, task_id, additional_usage=None):
        """Returns the requirements of the next try of an interrupted task, given what the last one used."""
        usage = {**read_usage(self.get_process_logging_path(task_id)), **(additional_usage or {})}
        rqmt = self._update_rqmt(last_rqmt=dict(last_rqmt), last_usage=usage) if usage else dict(last_rqmt)
        for name, what in (("mem", "memory"), ("time", "time")):
            if usage.get(f"out_of_{what}"):
                logging.warning(f"{self.task_name()} ran out of {what}; now it requests {name}={rqmt.get(name)}")
        return rqmt

    # files

    def path(self, path_type=None, task_id=None):
        if path_type in (None, gs.JOB_WORK_DIR, gs.JOB_SAVE, gs.JOB_LOG_ENGINE):
            return self._job._sis_path(path_type, task_id)
        return self._job._sis_path(f"{path_type}.{self._start}", task_id)

    def get_process_logging_path(self, task_id):
        return os.path.join(gs.BASE_DIR, self.path(gs.PLOGGING_FILE, task_id))

    def mark(self, state, task_id):
        with open(os.path.join(gs.BASE_DIR, self.path(state, task_id)), "a", encoding="utf-8"):
            pass

    def _ids(self, task_id):
        return self.task_ids() if task_id is None else task_id if isinstance(task_id, list) else [task_id]

    def check_state(self, state, task_id=None, update=None, combine=all, minimal_time_since_change=0):
        """Returns whether the markers of this state exist for at least these seconds; with update, makes or removes them first."""
        ids = [task_id] if isinstance(task_id, int) else task_id or self.task_ids()
        for i in ids if update is not None else ():
            if update:
                self.mark(state, i)
            else:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(self.path(state, i))
        before = time.time() - minimal_time_since_change
        files = [self.path(state, i) for i in ids]
        return combine(os.path.isfile(file) and os.path.getmtime(file) <= before for file in files)

    def finished(self, task_id=None, update=None) -> bool:
        if update is not None:
            self.check_state(gs.STATE_FINISHED, task_id, update)
        return all(self._finished(i) for i in self._ids(task_id))

    def _finished(self, task_id):
        """The marker counts only after outputs written on another machine had time to appear on this one."""
        try:
            age = time.time() - os.stat(self.path(gs.STATE_FINISHED, task_id)).st_mtime
        except FileNotFoundError:
            return False
        settled = 0 if gs.SKIP_IS_FINISHED_TIMEOUT else gs.WAIT_PERIOD_JOB_FS_SYNC + gs.WAIT_PERIOD_JOB_CLEANUP
        return age >= settled or self._ran_here(task_id)

    def _ran_here(self, task_id):
        return read_usage(self.get_process_logging_path(task_id)).get("host") == HOST

    def error(self, task_id=None, update=None) -> bool:
        """Whether a try failed and none is left. A task that may be tried again loses its marker."""
        if update:
            self.check_state(gs.STATE_ERROR, task_id, update)
            return True
        failed = [self._failed_finally(i) for i in self._ids(task_id)]  # all: each may be tried again
        return any(failed)

    def _failed_finally(self, task_id) -> bool:
        marker, log = self.path(gs.STATE_ERROR, task_id), self.path(gs.JOB_LOG, task_id)
        if not os.path.isfile(marker):
            return False
        for number in range(1, self.tries):
            kept = f"{log}.error.{number:02}"
            if not os.path.isfile(kept):
                if os.path.isfile(log):
                    os.rename(log, kept)
                os.remove(marker)
                return False
        return True

    def started(self, task_id) -> bool:
        return os.path.isfile(self.path(gs.JOB_LOG, task_id))

    def running(self, task_id):
        """True if the worker lives or, on another machine, recently gave a sign of life; None if it never did."""
        usage_file, log = self.get_process_logging_path(task_id), self.path(gs.JOB_LOG, task_id)
        if log_is_claimed(log):
            return True
        if not os.path.isfile(usage_file):
            return None
        if self._ran_here(task_id):
            return worker_process(read_usage(usage_file), self.path(), self._start) is not None
        silence = gs.WAIT_PERIOD_JOB_FS_SYNC + gs.PLOGGING_UPDATE_FILE_PERIOD + gs.WAIT_PERIOD_JOB_CLEANUP
        return any(os.path.isfile(f) and time.time() - os.path.getmtime(f) < silence for f in (usage_file, log))

    # state

    def state(self, engine, task_id=None, force=False):
        if task_id is None:
            found = {self.state(engine, i) for i in self.task_ids()}
            self.last_state = next(state for state in WORST_FIRST if state in found)
            return self.last_state
        if self.finished(task_id):
            return gs.STATE_FINISHED
        known = gs.STATE_UNKNOWN if engine is None else engine.task_state(self, task_id)
        if self._failed(task_id, known):
            return gs.STATE_ERROR
        if known != gs.STATE_UNKNOWN:
            return known
        if self.finished(task_id):  # it may have ended while the engine was asked
            return gs.STATE_FINISHED
        started = self.started(task_id)
        if started and self.running(task_id):
            return gs.STATE_RUNNING
        # even if it never started: a broken node may swallow every job
        if engine is not None and self._tried_too_often(engine.get_submit_history(self)[task_id]):
            return gs.STATE_RETRY_ERROR
        if not started:
            return gs.STATE_RUNNABLE
        return gs.STATE_INTERRUPTED_RESUMABLE if self.resumeable() else gs.STATE_INTERRUPTED_NOT_RESUMABLE

    def _failed(self, task_id, known) -> bool:
        """While a worker runs, the marker of an earlier or a second one does not count."""
        return self.error(task_id) and not (known == gs.STATE_RUNNING or log_is_claimed(self.path(gs.JOB_LOG, task_id)))

    @staticmethod
    def _tried_too_often(history):
        """Counts submissions that began at least as far as the last one: the others made progress."""
        begun = [entry.get("completed_fraction") or 0 for entry in history]
        return sum(fraction >= begun[-1] for fraction in begun) > gs.MAX_SUBMIT_RETRIES

    def print_error(self, lines=0):
        """Prints the end of the log of the first id that failed."""
        for task_id in self.task_ids():
            if not self.error(task_id):
                continue
            log = self.path(gs.JOB_LOG, task_id)
            logging.error(f"Job: {self._job._sis_id()} Task: {self._start} {task_id} Logfile: {log}")
            if os.path.exists(log):
                with open(log, encoding="utf-8", errors="replace") as file:
                    print("".join(file.readlines()[-lines:]), flush=True)
            return

    # worker

    def get_worker_call(self, task_id=None):
        command = gs.SIS_COMMAND if isinstance(gs.SIS_COMMAND, list) else gs.SIS_COMMAND.split()
        call = [*command, gs.CMD_WORKER, *self._preload(), os.path.relpath(self.path()), self._start]
        if task_id is not None:
            call.append(str(task_id))
        return self._job._sis_worker_wrapper(self._job, self._start, call)

    def _preload(self):
        """Modules are imported in the default environment, so a job with another one imports them itself."""
        modules = type(self._job).__sis_preload__
        own = vars(self._job._sis_environment) != vars(tools.default_environment())
        return [] if own or not modules or self.mini_task else [PRELOAD, ",".join(modules)]

    def run(self, task_id):
        """Calls the method in the job's work directory, once per argument."""
        with contextlib.chdir(self.path(gs.JOB_WORK_DIR)):
            for number in self.args_of(task_id):
                args = self._args[number]
                logging.info(f"Starting subtask for arg id: {number} args: {args}")
                getattr(self._job, self._start)(*(args if isinstance(args, (list, tuple)) else [args]))
