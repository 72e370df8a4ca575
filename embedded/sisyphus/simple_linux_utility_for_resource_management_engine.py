"""Runs workers as jobs of Slurm. Class and arguments are named as upstream's, so that one settings.py serves both."""

import contextlib
import enum
import math
import os
import shlex
import subprocess
from pathlib import Path

import sisyphus.global_settings as gs
from sisyphus.cluster_engine import ClusterEngine

# states of a job that waits or runs; in any other state it has ended
WAITS = {"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "RESV_DEL_HOLD", "SPECIAL_EXIT"}
RUNS = {"RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "SIGNALING", "STAGE_OUT", "RESIZING"}
STATES = {**dict.fromkeys(WAITS, gs.STATE_QUEUE), **dict.fromkeys(RUNS, gs.STATE_RUNNING)}


class SimpleLinuxUtilityForResourceManagementEngine(ClusterEngine):
    class MemoryAllocationType(enum.Enum):
        PER_CPU = "per_cpu"
        PER_NODE = "per_node"

    ENGINE_NAME = "slurm"
    SCHEDULER = "Slurm"
    NOT_NOW = ("Unable to contact", "Connection refused", "temporarily", "MaxSubmitJob")
    IN_DOUBT = ("Socket timed out", "Zero Bytes")

    def __init__(
        self,
        default_rqmt,
        gateway=None,
        has_memory_resource=True,
        auto_clean_eqw=True,  # for Grid Engine only; upstream's engine for Slurm has it too
        ignore_jobs=(),
        memory_allocation_type=MemoryAllocationType.PER_NODE,
        job_name_mapping=None,
    ):
        super().__init__(default_rqmt, gateway, ignore_jobs, job_name_mapping)
        self.has_memory_resource = has_memory_resource
        self.memory_option = "--mem-per-cpu" if memory_allocation_type.value == "per_cpu" else "--mem"

    def list_jobs(self, user):
        for line in self.ask(["squeue", "-h", "--array", "-u", user, "-o", "%F|%K|%T|%j"]).splitlines():
            job_id, task_id, state, name = line.split("|", 3)
            if state in STATES:
                yield name, int(task_id) if task_id.isdigit() else 1, job_id, STATES[state]

    # submission

    def options(self, rqmt):
        """Returns options of sbatch. Slurm counts minutes and takes 0 for no limit, so less than one minute becomes one."""
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

    def submission(self, call, logpath, rqmt, name, task_ids):
        where = call.index(gs.CMD_WORKER) + 1
        call = [*call[:where], "--redirect_output", *call[where:]]
        # Slurm's signals reach job steps only; since 22.05, srun does not inherit the number of cores. If one of several
        # workers dies, the others would wait for it forever.
        step = f"exec srun --kill-on-bad-exit=1 --cpus-per-task={rqmt.get('cpu', 1)} {shlex.join(call)}"
        command = ["sbatch", "--parsable", "-J", name, "--mail-type=NONE", *self.options(rqmt)]
        ids = ",".join(map(str, task_ids))
        return [*command, "-o", f"{logpath}/%x.%A.%a", "-a", ids, f"--wrap={step}"], None

    def job_id(self, stdout):
        return stdout.strip().split(";")[0]

    def get_task_termination_info(self, task, task_id, submit_info):
        """Whether the time or memory limit ended it: slurmctld knows for some minutes, accounting (if enabled) forever."""
        found = [job for ids, job in submit_info.get("engine_info") or () if task_id in ids and job]
        if submit_info.get("engine_name") != self.ENGINE_NAME or not found:
            return {}
        job = f"{found[0]}_{task_id}"
        said = ""
        for command in (["scontrol", "-o", "show", "job", job], ["sacct", "-nXP", "-j", job, "-o", "State"]):
            with contextlib.suppress(subprocess.TimeoutExpired, OSError):
                said += self.call(command).stdout
        # where slurmstepd enforces the memory limit, the state is FAILED, and only the job's own output tells why; a worker
        # that exceeds it within its first second has not written its usage file yet
        for output in Path(task.path(gs.JOB_LOG_ENGINE)).glob(f"*.{found[0]}.{task_id}"):
            if "memory limit" in output.read_text(errors="replace"):
                said += " OUT_OF_MEMORY"
        ends = {"out_of_memory": "OUT_OF_MEMORY", "out_of_time": "TIMEOUT"}
        words = said.replace("=", " ").split()
        return {name: True for name, state in ends.items() if state in words}

    # in a worker

    @staticmethod
    def get_task_id(task_id):
        return task_id or int(os.environ.get("SLURM_ARRAY_TASK_ID", 1))

    def get_rank(self):
        return int(os.environ.get("SLURM_PROCID", 0))

    def get_job_node_hostnames(self):
        names = subprocess.check_output(["scontrol", "show", "hostnames", os.environ["SLURM_JOB_NODELIST"]], text=True)
        return sorted(set(names.split()))
