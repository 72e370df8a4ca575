"""What engines of batch systems share: one question a round for all jobs, patience, submissions without an answer."""

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

log = logging.getLogger("sisyphus.cluster")  # what a user should hear even where the manager is quiet


def user_name() -> str:
    """Of the process: $USER may say anything, and jobs of another user are not ours."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # in a container a user may have no name
        return getpass.getuser()


class ClusterEngine(EngineBase):
    """Jobs are found by user and name. A subclass gives

    list_jobs(user): yields (job name, task id, job id, state: running, queue or queue_error) of all jobs that have not
    ended, by one call of ask(),
    submission(call, logpath, rqmt, name, task_ids): the command that submits, and its standard input or None,
    job_id(stdout): of what it answers,
    and what an engine gives beside: get_task_id, get_job_node_hostnames, get_task_termination_info.
    """

    ENGINE_NAME = None  #: in the submit log
    SCHEDULER = None  #: in messages
    NOT_NOW = ()  #: said where nothing was submitted, but the same call may succeed later
    IN_DOUBT = ()  #: said where the job may have been submitted all the same

    def __init__(self, default_rqmt, gateway=None, ignore_jobs=(), job_name_mapping=None):
        """
        gateway: host on which the scheduler's commands are called by ssh.
        ignore_jobs: "job id.task id" of jobs that are stuck there.
        job_name_mapping: task name -> name of the job.
        """
        self.default_rqmt = default_rqmt
        self.gateway = gateway
        self.ignore_jobs = {str(job) for job in ignore_jobs or ()}
        self.job_name_mapping = job_name_mapping or (lambda name: name)
        self._jobs = None  # (job name, task id) -> {state}, as of this round of the manager
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
        """Waits until there is an answer: without one, nothing can be said of any job."""
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
                    f"{self.SCHEDULER} does not answer, waiting until it does; its jobs go on meanwhile ({reason})"
                )
            told = True
            time.sleep(gs.WAIT_PERIOD_QSTAT_PARSING)

    # what runs

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
        """While a submission is without an answer, a file says so: the next manager must not submit it again either."""
        name = self.process_task_name(name)
        doubt = Path(logpath, f".in_doubt.{task_name}")
        if doubt.exists() and time.time() - doubt.stat().st_mtime < gs.WAIT_PERIOD_SUBMISSION_IN_DOUBT:
            raise DeferSubmission("a submission before gave no answer, its job may still appear")
        job_id = self._submit(*self.submission(call, logpath, rqmt, name, task_ids), name, task_ids, doubt)
        logging.info(f"Submitted with job_id: {job_id} {name}")
        for task_id in task_ids:
            self._known_jobs().setdefault((name, task_id), set()).add(gs.STATE_QUEUE)
        return self.ENGINE_NAME, [(list(task_ids), job_id)]

    def _submit(self, command, stdin, name, task_ids, doubt):
        """The job id. A call that fails is no try of the task, and raises DeferSubmission."""
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
