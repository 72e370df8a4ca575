"""Runs workers as jobs of Slurm. The class and its arguments are upstream's, so that one settings.py serves both."""

import contextlib
import enum
import getpass
import logging
import math
import os
import shlex
import subprocess
import time

import sisyphus.global_settings as gs
from sisyphus.engine import DeferSubmission, EngineBase

log = logging.getLogger("sisyphus.cluster")  # what a user should hear even where the manager is quiet

ENGINE_NAME = "slurm"
COMMAND_TIMEOUT = 30  # seconds
DOUBT = 60  #: seconds in which a job may still appear whose sbatch gave no answer

# of a job that will run, and of one that runs; in any other state it has ended
WAITS = {"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "RESV_DEL_HOLD", "SPECIAL_EXIT"}
RUNS = {"RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "SIGNALING", "STAGE_OUT", "RESIZING"}
# what sbatch says where the same call may succeed later
NOT_NOW = ("Unable to contact", "Socket timed out", "Connection refused", "Zero Bytes", "temporarily", "MaxSubmitJob")


class SimpleLinuxUtilityForResourceManagementEngine(EngineBase):
    class MemoryAllocationType(enum.Enum):
        PER_CPU = "per_cpu"
        PER_NODE = "per_node"

    def __init__(
        self,
        default_rqmt,
        gateway=None,
        has_memory_resource=True,
        auto_clean_eqw=True,
        ignore_jobs=(),
        memory_allocation_type=MemoryAllocationType.PER_NODE,
        job_name_mapping=None,
    ):
        """gateway: host on which Slurm's commands are called by ssh; job_name_mapping: task name -> name of the job."""
        self.default_rqmt = default_rqmt
        self.gateway = gateway
        self.has_memory_resource = has_memory_resource
        self.ignore_jobs = set(ignore_jobs)
        self.memory_option = "--mem-per-cpu" if memory_allocation_type.value == "per_cpu" else "--mem"
        self.job_name_mapping = job_name_mapping or (lambda name: name)
        self._jobs = None  # (job name, task id) -> [(job id, state)], as of this round of the manager
        self._in_doubt = {}  # job name -> when its sbatch gave no answer

    # Slurm's commands

    def _call(self, command):
        if self.gateway:
            there = f"cd {shlex.quote(os.getcwd())} && {shlex.join(command)}"
            command = ["ssh", "-x", "-o", "BatchMode=yes", self.gateway, there]
        return subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_TIMEOUT, check=False)

    def _ask(self, command):
        """Waits until there is an answer: without one, nothing can be said of any job."""
        told = False
        while True:
            try:
                done = self._call(command)
                if done.returncode == 0:
                    if told:
                        log.warning("Slurm answers again")
                    return done.stdout
                reason = done.stderr.strip()
            except subprocess.TimeoutExpired:
                reason = f"{command[0]} took more than {COMMAND_TIMEOUT} s"
            if not told:
                log.warning(f"Slurm does not answer, waiting until it does; its jobs go on meanwhile ({reason})")
            told = True
            time.sleep(gs.WAIT_PERIOD_QSTAT_PARSING)

    # what runs

    def reset_cache(self):
        self._jobs = None

    def _queue(self):
        """One call for all jobs of a round."""
        if self._jobs is None:
            jobs = {}
            for line in self._ask(
                ["squeue", "-h", "--array", "-u", getpass.getuser(), "-o", "%F|%K|%T|%j"]
            ).splitlines():
                job_id, task_id, state, name = line.split("|", 3)
                task_id = int(task_id) if task_id.isdigit() else 1
                if f"{job_id}.{task_id}" not in self.ignore_jobs:
                    jobs.setdefault((name, task_id), []).append((job_id, state))
                    self._in_doubt.pop(name, None)
            self._jobs = jobs
        return self._jobs

    def task_state(self, task, task_id):
        states = {state for _, state in self._queue().get((self.process_task_name(task.task_name()), task_id), ())}
        if states & RUNS:
            return gs.STATE_RUNNING
        return gs.STATE_QUEUE if states & WAITS else gs.STATE_UNKNOWN

    def process_task_name(self, name):
        return self.job_name_mapping(name).replace("/", ".")

    # submission

    def get_default_rqmt(self, task):
        return self.default_rqmt

    def options(self, rqmt):
        """Of sbatch. Slurm counts minutes and takes 0 for no limit, so that less than one is one."""
        out = [f"--cpus-per-task={rqmt.get('cpu', 1)}", "--export=ALL"]
        if self.has_memory_resource:
            out.append(f"{self.memory_option}={math.ceil(float(rqmt['mem']) * 1024)}M")
        if "time" in rqmt:
            out.append(f"--time={max(1, math.ceil(float(rqmt['time']) * 60 - 1e-6))}")
        if rqmt.get("gpu", 0) > 0:
            kind = f"{rqmt['gpu_name']}:" if rqmt.get("gpu_name") else ""
            out.append(f"--gres=gpu:{kind}{rqmt['gpu']}")
        nodes = rqmt.get("multi_node_slots") or 1
        out += [f"--nodes={nodes}", f"--ntasks={nodes}"] if nodes > 1 else ["--ntasks-per-node=1"]
        extra = rqmt.get("sbatch_args", [])
        return out + (extra.split() if isinstance(extra, str) else list(extra))

    def submit_call(self, call, logpath, rqmt, name, task_name, task_ids):
        name = self.process_task_name(name)
        if time.time() - self._in_doubt.get(name, -math.inf) < DOUBT:
            raise DeferSubmission("an sbatch before gave no answer, its job may still appear")
        where = call.index(gs.CMD_WORKER) + 1
        call = [*call[:where], "--redirect_output", *call[where:]]
        # a step of its own, which Slurm's signals reach; since 22.05 srun must be told of the cores
        step = f"exec srun --cpus-per-task={rqmt.get('cpu', 1)} {shlex.join(call)}"
        output = f"{logpath}/%x.%A.%a"
        ids = ",".join(map(str, task_ids))
        command = ["sbatch", "--parsable", "-J", name, "--mail-type=NONE", *self.options(rqmt)]
        job_id = self._submit([*command, "-o", output, "-a", ids, f"--wrap={step}"], name)
        if job_id:
            for task_id in task_ids:
                self._queue().setdefault((name, task_id), []).append((job_id, "PENDING"))
            logging.info(f"Submitted with job_id: {job_id} {name}")
        return ENGINE_NAME, [(list(task_ids), job_id)]

    def _submit(self, command, name):
        """The job id, or None if Slurm refuses such a job, which counts as a try."""
        try:
            done = self._call(command)
        except subprocess.TimeoutExpired:
            self._in_doubt[name] = time.time()
            self.reset_cache()
            raise DeferSubmission(f"sbatch took more than {COMMAND_TIMEOUT} s") from None
        if done.returncode == 0:
            return done.stdout.strip().split(";")[0]
        reason = " ".join(done.stderr.split())
        if any(text in reason for text in NOT_NOW):
            raise DeferSubmission(reason)
        log.error(f"Slurm refuses the job: {reason}; called: {shlex.join(command)}")
        return None

    def get_task_termination_info(self, task, task_id, submit_info):
        """Whether time or memory ended it: slurmctld knows for some minutes, and for ever where there is accounting."""
        found = [job for ids, job in submit_info.get("engine_info") or () if task_id in ids and job]
        if submit_info.get("engine_name") != ENGINE_NAME or not found:
            return {}
        job = f"{found[0]}_{task_id}"
        said = ""
        for command in (["scontrol", "-o", "show", "job", job], ["sacct", "-nXP", "-j", job, "-o", "State"]):
            with contextlib.suppress(subprocess.TimeoutExpired, OSError):
                said += self._call(command).stdout
        ends = {"out_of_memory": "OUT_OF_MEMORY", "out_of_time": "TIMEOUT"}
        words = said.replace("=", " ").split()
        return {name: True for name, state in ends.items() if state in words}

    # in a worker

    @staticmethod
    def get_task_id(task_id):
        return task_id or int(os.environ.get("SLURM_ARRAY_TASK_ID", 1))

    def start_engine(self):
        pass

    def stop_engine(self):
        pass

    def get_job_node_hostnames(self):
        names = subprocess.check_output(["scontrol", "show", "hostnames", os.environ["SLURM_JOB_NODELIST"]], text=True)
        return sorted(set(names.split()))
