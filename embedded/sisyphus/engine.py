"""Engines run workers. The base class knows requirements and submissions, a selector spreads tasks over engines."""

import ast
import collections
import copy
import logging
import os
import threading

import psutil

import sisyphus.global_settings as gs
from sisyphus import tools


class DeferSubmission(Exception):
    """The engine takes nothing at the moment: try later, without counting it as a try."""


class EngineBase:
    """An engine gives start_engine(), stop_engine(), reset_cache(), get_default_rqmt(task), get_task_id(task_id or None),

    task_state(task, task_id): queue, queue_error, running or unknown,
    submit_call(call, logpath, rqmt, name, task_name, task_ids): starts workers, returns its name and the submission's,
    get_job_node_hostnames(): in a worker, where it runs,
    and what it knows better of the methods below.
    """

    changed = threading.Event()  #: set when a task ended, so that the manager need not wait for its next round

    def get_task_termination_info(self, task, task_id, submit_info):
        """What the engine knows about the end of a task, in addition to its usage file."""
        return {}

    def init_worker(self, task):
        """Called in the worker before the task runs."""

    def get_rank(self):
        """In a worker: its number among those that run the same task, where multi_node_slots asks for several."""
        return 0

    def interrupt_tasks(self, names, seconds):
        """Asks running tasks, given as (task name, id), to save and end. Only local ones end with their manager."""

    def get_used_engine(self, engine_selector):
        return self

    # what is the same for all

    def get_job_used_resources(self, current_process):
        used = {"rss": 0.0, "vms": 0.0, "cpu": 0.0}
        for process in [current_process, *current_process.children(recursive=True)]:
            try:
                memory, cpu = process.memory_info(), process.cpu_percent()
            except psutil.Error:
                continue  # it has just ended
            used["rss"] += memory.rss / 1024**3
            used["vms"] += memory.vms / 1024**3
            used["cpu"] += cpu
        return used

    def get_submit_history(self, task):
        """{task id: [requirements of each submission]}, read again when the file has changed."""
        path = task.path(gs.ENGINE_SUBMIT)
        try:
            stamp = os.stat(path).st_mtime_ns, os.stat(path).st_size
        except FileNotFoundError:
            return collections.defaultdict(list)
        known, history = getattr(task, "_submit_history", (None, None))
        if known != stamp:
            history = collections.defaultdict(list)
            with open(path, encoding="utf-8") as file:
                for line in file:
                    try:
                        ids, rqmt = ast.literal_eval(line)
                    except (ValueError, SyntaxError):
                        continue  # half a line, of a manager that died while it wrote
                    for task_id in ids:
                        history[task_id].append(rqmt)
            task._submit_history = (stamp, history)
        return history

    def get_rqmt(self, task, task_id, update=True):
        """What to ask for: the job's requirements, unless an earlier submission already asked for more.

        A requirement that was changed in the job since its first submission starts anew from the job's value.
        """
        rqmt = {**copy.deepcopy(self.get_default_rqmt(task)), **task.rqmt()}
        history = self.get_submit_history(task)[task_id]
        if history:
            first, last = history[0], history[-1]
            rqmt = {k: last.get(k, v) if k in first and first[k] == v else v for k, v in rqmt.items()}
            if update:
                rqmt = task.update_rqmt(rqmt, task_id, self.get_task_termination_info(task, task_id, last))
        for name, convert in (("mem", tools.str_to_GB), ("time", tools.str_to_hours)):
            if name in rqmt:
                rqmt[name] = convert(rqmt[name])
        return gs.check_engine_limits(rqmt, task)

    def batches(self, rqmt, task_ids):
        """Which of them one submission can have."""
        return [task_ids]

    def submit(self, task) -> int:
        """Submits the ids of a task that may start, those with equal requirements together. How many were taken."""
        groups = {}
        for task_id in task.task_ids():
            if task.state(self, task_id) in (gs.STATE_RUNNABLE, gs.STATE_INTERRUPTED_RESUMABLE):
                rqmt = self.get_rqmt(task, task_id)
                groups.setdefault(tools.sis_hash(rqmt), (rqmt, []))[1].append(task_id)
        taken = 0
        batches = [(rqmt, ids) for rqmt, all_ids in groups.values() for ids in self.batches(rqmt, all_ids)]
        for rqmt, ids in batches:
            logging.info(f"Submit to queue: {task.path()} {task.name()} {ids}")
            fraction = task._job.completed_fraction()
            call, logpath = task.get_worker_call(), os.path.relpath(task.path(gs.JOB_LOG_ENGINE))
            try:
                name, info = self.submit_call(call, logpath, rqmt, task.task_name(), task.name(), ids)
            except DeferSubmission as reason:
                logging.info(f"Submission deferred ({reason}): {task.path()} {task.name()} {ids}")
                continue
            entry = {**rqmt, "engine_info": info, "engine_name": name, "completed_fraction": fraction}
            with open(task.path(gs.ENGINE_SUBMIT), "a+b") as file:
                if file.tell() and (file.seek(-1, os.SEEK_END), file.read(1))[1] != b"\n":
                    file.write(b"\n")
                file.write(f"{(ids, entry)}\n".encode())
            taken += len(ids)
        return taken


class EngineSelector(EngineBase):
    """Picks an engine by the requirement "engine"; mini tasks ask for "short"."""

    def __init__(self, engines, default_engine):
        if default_engine not in engines:
            raise ValueError(f"default engine {default_engine!r} is none of {sorted(engines)}")
        self.engines = engines
        self.default_engine = default_engine

    def get_used_engine(self, engine_selector):
        if engine_selector not in self.engines:
            raise ValueError(f"no engine is called {engine_selector!r}; settings.py defines {sorted(self.engines)}")
        return self.engines[engine_selector].get_used_engine(engine_selector)

    def get_used_engine_by_rqmt(self, rqmt):
        return self.get_used_engine(rqmt.get("engine", self.default_engine))

    def _each(self):
        return {id(engine): engine for engine in self.engines.values()}.values()

    def start_engine(self):
        for engine in self._each():
            engine.start_engine()

    def stop_engine(self):
        for engine in self._each():
            engine.stop_engine()

    def reset_cache(self):
        for engine in self._each():
            engine.reset_cache()

    def interrupt_tasks(self, names, seconds):
        waits = [threading.Thread(target=engine.interrupt_tasks, args=(names, seconds)) for engine in self._each()]
        for wait in waits:
            wait.daemon = True  # a second Ctrl-C ends the waiting
            wait.start()
        for wait in waits:
            wait.join()

    def task_state(self, task, task_id):
        return self.get_used_engine_by_rqmt(task.rqmt()).task_state(task, task_id)

    def get_rqmt(self, task, task_id, update=True):
        return self.get_used_engine_by_rqmt(task.rqmt()).get_rqmt(task, task_id, update)

    def batches(self, rqmt, task_ids):
        return self.get_used_engine_by_rqmt(rqmt).batches(rqmt, task_ids)

    def submit_call(self, call, logpath, rqmt, name, task_name, task_ids):
        selector = rqmt.get("engine", self.default_engine)
        where = call.index(gs.CMD_WORKER) + 1
        call = [*call[:where], "--engine", selector, *call[where:]]
        return self.get_used_engine(selector).submit_call(call, logpath, rqmt, name, task_name, task_ids)
