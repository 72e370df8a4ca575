"""Engines run workers. The base class handles requirements and submissions; a selector distributes tasks over engines."""

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
    """The engine accepts nothing at the moment: try again later, without counting this as a try."""


class EngineBase:
    """An engine defines start_engine(), stop_engine(), reset_cache(), get_default_rqmt(task), get_task_id(task_id or None),

    task_state(task, task_id): returns queue, queue_error, running or unknown,
    submit_call(call, logpath, rqmt, name, task_name, task_ids): starts workers; returns the engine's name and an
        identifier of the submission,
    get_job_node_hostnames(): in a worker, returns the hosts it runs on,
    and overrides the methods below where it can do better.
    """

    changed = threading.Event()  #: set when a task ends, so that the manager starts its next round at once

    def get_task_termination_info(self, task, task_id, submit_info):
        """Returns what the engine knows about the end of a task, in addition to its usage file."""
        return {}

    def init_worker(self, task):
        """Called in the worker before the task runs."""

    def get_rank(self):
        """In a worker: its rank among the workers that run the same task, where multi_node_slots requests several."""
        return 0

    def interrupt_tasks(self, names, seconds):
        """Asks running tasks, given as (task name, id), to save and end. Only those of a local engine end with their manager."""

    def get_used_engine(self, engine_selector):
        return self

    # the same for all engines

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
        """Returns {task id: [requirements of each submission]}; reads the file again when it has changed."""
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
                        continue  # incomplete line of a manager that died while writing
                    for task_id in ids:
                        history[task_id].append(rqmt)
            task._submit_history = (stamp, history)
        return history

    def get_rqmt(self, task, task_id, update=True):
        """Returns the job's requirements, unless an earlier submission already requested more.

        A requirement that has changed in the job since its first submission starts again from the job's value.
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
        """Splits task ids into the groups that one submission can take."""
        return [task_ids]

    def submit(self, task) -> int:
        """Submits the ids of a task that can start, grouped by equal requirements. Returns how many were accepted."""
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
    """Picks an engine by the requirement "engine"; mini tasks request "short"."""

    def __init__(self, engines, default_engine):
        if default_engine not in engines:
            raise ValueError(f"default engine {default_engine!r} is not one of {sorted(engines)}")
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
