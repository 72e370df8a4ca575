"""Base class of the engines for batch systems: one query per round for all jobs, waiting for a scheduler that does not
answer, and submissions whose outcome is unknown.
"""

import getpass
import logging
import os
import pwd
import shlex
import subprocess
import time
from pathlib import Path

import sisyphus.global_settings as gs
from sisyphus.engine import DeferSubmission, EngineBase
from sisyphus.states import BEST_FIRST

log = logging.getLogger("sisyphus.cluster")  # warnings that a quiet manager shows too


def user_name() -> str:
    """The user of this process. $USER may have any value, and jobs of other users do not count."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # in a container a user may have no name
        return getpass.getuser()


class ClusterEngine(EngineBase):
    """Identifies jobs by user and name. A subclass defines

    list_jobs(user): yields (job name, task id, job id, state) of all jobs that have not ended, with one call of ask();
        the state is running, queue or queue_error,
    submission(call, logpath, rqmt, name, task_ids): returns the command that submits, and its standard input or None,
    job_id(stdout): extracts the job id from the output of that command,
    and the methods of an engine: get_task_id, get_job_node_hostnames, get_task_termination_info.
    """

    ENGINE_NAME = None  #: name in the submit log
    SCHEDULER = None  #: name in messages
    NOT_NOW = ()  #: messages after which nothing was submitted, but the same call may succeed later
    IN_DOUBT = ()  #: messages after which the job may have been submitted nevertheless

    def __init__(self, default_rqmt, gateway=None, ignore_jobs=(), job_name_mapping=None):
        """
        gateway: host on which the scheduler's commands are called through ssh.
        ignore_jobs: "job id.task id" of jobs that are stuck in the queue.
        job_name_mapping: task name -> name of the job.
        """
        self.default_rqmt = default_rqmt
        self.gateway = gateway
        self.ignore_jobs = {str(job) for job in ignore_jobs or ()}
        self.job_name_mapping = job_name_mapping or (lambda name: name)
        self._jobs = None  # (job name, task id) -> {state}, as of the current round of the manager
        self._refused = set()  # (job name, task id)

    # the scheduler's commands

    def call(self, command, stdin=None):
        """Raises subprocess.TimeoutExpired."""
        if self.gateway:
            there = f"cd {shlex.quote(os.getcwd())} && {shlex.join(command)}"
            command = ["ssh", "-x", "-o", "BatchMode=yes", self.gateway, there]
        options = {"input": stdin} if stdin else {"stdin": subprocess.DEVNULL}
        timeout = gs.WAIT_PERIOD_SCHEDULER_ANSWER
        return subprocess.run(command, **options, capture_output=True, text=True, timeout=timeout, check=False)

    def ask(self, command) -> str:
        """Repeats the command until it answers: without an answer, no job's state is known."""
        told = False
        while True:
            try:
                done = self.call(command)
                if done.returncode == 0:
                    if told:
                        log.warning(f"{self.SCHEDULER} answers again")
                    return done.stdout
                reason = " ".join(done.stderr.split())
            except subprocess.TimeoutExpired as error:
                reason = f"{command[0]} took more than {error.timeout} s"
            if not told:
                log.warning(
                    f"{self.SCHEDULER} does not answer, waiting until it does; its jobs continue meanwhile ({reason})"
                )
            told = True
            time.sleep(gs.WAIT_PERIOD_QSTAT_PARSING)

    # the queue

    def reset_cache(self):
        self._jobs = None

    def _known_jobs(self):
        if self._jobs is None:
            self._jobs = {}
            for name, task_id, job_id, state in self.list_jobs(user_name()):
                if f"{job_id}.{task_id}" not in self.ignore_jobs:
                    self._jobs.setdefault((name, task_id), set()).add(state)
        return self._jobs

    def task_state(self, task, task_id):
        key = self.process_task_name(task.task_name()), task_id
        states = self._known_jobs().get(key, ())
        otherwise = gs.STATE_QUEUE_ERROR if key in self._refused else gs.STATE_UNKNOWN
        return next((state for state in BEST_FIRST if state in states), otherwise)

    def process_task_name(self, name):
        return self.job_name_mapping(name).replace("/", ".")

    # submission

    def get_default_rqmt(self, task):
        return self.default_rqmt

    def submit_call(self, call, logpath, rqmt, name, task_name, task_ids):
        """While the outcome of a submission is unknown, a marker file exists, so that the next manager does not repeat it."""
        name = self.process_task_name(name)
        doubt = Path(logpath, f".in_doubt.{task_name}")
        if doubt.exists() and time.time() - doubt.stat().st_mtime < gs.WAIT_PERIOD_SUBMISSION_IN_DOUBT:
            raise DeferSubmission("an earlier submission got no answer, its job may still appear")
        job_id = self._submit(*self.submission(call, logpath, rqmt, name, task_ids), name, task_ids, doubt)
        logging.info(f"Submitted with job_id: {job_id} {name}")
        for task_id in task_ids:
            self._known_jobs().setdefault((name, task_id), set()).add(gs.STATE_QUEUE)
        return self.ENGINE_NAME, [(list(task_ids), job_id)]

    def _submit(self, command, stdin, name, task_ids, doubt):
        """Returns the job id. A call that fails raises DeferSubmission and does not count as a try of the task."""
        doubt.touch()
        try:
            done = self.call(command, stdin)
            reason = " ".join(done.stderr.split())
            in_doubt = done.returncode != 0 and any(text in reason for text in self.IN_DOUBT)
        except subprocess.TimeoutExpired as error:
            reason, in_doubt = f"{command[0]} took more than {error.timeout} s", True
        if in_doubt:
            doubt.touch()
            self.reset_cache()
            raise DeferSubmission(reason)
        doubt.unlink()
        if done.returncode == 0:
            return self.job_id(done.stdout)
        if any(text in reason for text in self.NOT_NOW):
            raise DeferSubmission(reason)
        log.error(f"{self.SCHEDULER} refuses the job: {reason}; called: {shlex.join(command)}")
        self._refused.update((name, task_id) for task_id in task_ids)
        raise DeferSubmission("refused")

    def start_engine(self):
        pass

    def stop_engine(self):
        pass
