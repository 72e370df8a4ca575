"""Sisyphus settings, read by the manager and by each worker, with the real Sisyphus as with embedded/sisyphus."""

import functools
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

# Where training runs: "slurm", "sge" or "local". None: Slurm where it is found, else Grid Engine, else this machine.
ENGINE = os.environ.get("BOULDER_ENGINE")

# Sisyphus executes this file, with a foreign __file__, in the folder where it is started: Boulder's own, or one with a link to
# this file and a config/ of its own, which then takes precedence over Boulder's.
_ROOT = Path("settings.py").resolve().parent
sys.path.insert(0, os.getcwd())

# Absolute, since a worker's current directory is that of its job.
IMPORT_PATHS = [f"{os.getcwd()}/", f"{_ROOT}/", f"{_ROOT}/recipe/"]

# `sis` of the same environment, however the manager was started
_SIS = Path(sys.prefix) / "bin" / "sis"
if _SIS.exists():
    SIS_COMMAND = [sys.executable, str(_SIS)]

# A phase is submitted again after a time limit or a node failure, as long as it makes progress.
MAX_SUBMIT_RETRIES = 10

# Short waits, for files on a local disk. Raise them for the shared disk of a cluster.
WAIT_PERIOD_JOB_FS_SYNC = 0.1
WAIT_PERIOD_BETWEEN_CHECKS = 1
WAIT_PERIOD_CACHE = 1
WAIT_PERIOD_SSH_TIMEOUT = 1
WAIT_PERIOD_QSTAT_PARSING = 1
WAIT_PERIOD_HTTP_RETRY_BIND = 1
WAIT_PERIOD_MTIME_OF_INPUTS = 0.1
USE_VERBOSE_TRACEBACK = False  # so that the last lines of a log are the error message, without colours
PRINT_ERROR_TASKS = 3
PRINT_ERROR_LINES = 20

JOB_AUTO_CLEANUP = False  # checkpoints in work/ are small compared to a night of training lost by mistake

# Variables that a worker keeps from its environment, for TensorFlow, CUDA and the clusters.
_KEEP = (
    "CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH", "SLURM_CONF", "JOB_ID", "PE_HOSTFILE", "VIRTUAL_ENV", "TMPDIR", "PYTHONPATH",
    "SLURM_JOB_ID", "SLURM_PROCID", "SLURM_JOB_NODELIST", "SLURM_STEP_NODELIST", "SLURM_STEP_TASKS_PER_NODE",
    "SGE_ROOT", "SGE_CELL", "SGE_QMASTER_PORT", "SGE_EXECD_PORT", "SGE_TASK_ID", "SGE_JOB_SPOOL_DIR", "SGE_O_WORKDIR",
    "PE_RANK", "PE_HOSTS",
)  # fmt: skip
DEFAULT_ENVIRONMENT_KEEP = {"PATH", "HOME", "USER", "LANG", "LC_ALL", "SHELL", *_KEEP}
DEFAULT_ENVIRONMENT_KEEP |= {name for name in os.environ if name.startswith(("SLURM_", "SGE_"))}
DEFAULT_ENVIRONMENT_SET = {
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    "PYTHONUNBUFFERED": "1",
    "PYTHONIOENCODING": "utf-8",  # of programs that a worker starts, for its log
}


@functools.cache
def answer(*command: str) -> str:
    """:return: stdout and stderr of a program; "" if it is not installed"""
    if not shutil.which(command[0]):
        return ""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    except subprocess.TimeoutExpired:
        return f"{command[0]} gives no answer"
    return done.stdout + done.stderr


def scheduler() -> str:
    """:return: "slurm", "sge" or "local". In a worker, the environment decides: commands may be missing on a node."""
    if ENGINE:
        return ENGINE
    for variable, found in (("SLURM_JOB_ID", "slurm"), ("SGE_TASK_ID", "sge")):
        if variable in os.environ:
            return found
    # even if the scheduler is down: jobs that run there must not be started here
    if "Slurmctld" in answer("scontrol", "ping"):
        return "slurm"
    said = answer("qconf", "-sel")
    return (
        "sge" if said and not re.search("act_qmaster|doesn't exist", said) else "local"
    )  # messages if there is no cell


def num_gpus() -> int:
    """:return: number of GPUs that training may request: of the best node of the cluster, or of this machine"""
    where = scheduler()
    if where == "slurm":
        if "is UP" not in answer("scontrol", "ping"):
            return 1  # if there is none, Slurm will refuse the job; with 0, it would silently train without
        return max(map(int, re.findall(r"gpu:(?:[^:,()]+:)?([0-9]+)", answer("sinfo", "-h", "-o", "%G"))), default=0)
    if where == "sge":
        if re.match("error|.* gives no answer", answer("qconf", "-sel")):
            return 1  # likewise, but the job will wait
        return max(map(int, re.findall(r"\bgpu=([0-9]+)", grid_engine_resources("*"))), default=0)
    return answer("nvidia-smi", "-L").count("GPU ")


@functools.cache
def grid_engine_resources(queue: str) -> str:
    """:return: configuration of this queue, or of all ("*"), and of all nodes: complex values may be set on either"""
    nodes = [node for node in answer("qconf", "-sel").split("\n") if node and " " not in node]
    return "".join([answer("qconf", "-sq", queue), *(answer("qconf", "-se", node) for node in nodes)])


def grid_engine_limits(queue: str) -> dict[str, float]:
    """:return: maximal hours and GB of a job in this queue, or in the best queue ("*"); no entry where there is no limit"""
    said, limits = grid_engine_resources(queue), {}
    memory = re.findall(r"\bh_rss=([0-9.]+)([KMGT]?)", said) or re.findall(r"\bmem_total=([0-9.]+)([KMGT]?)", said)
    gigabytes = {"": 1024**-3, "K": 1024**-2, "M": 1 / 1024, "G": 1, "T": 1024}
    if memory:
        limits["mem"] = max(float(number) * gigabytes[unit] for number, unit in memory)
    times = [re.fullmatch("([0-9]+):([0-9]+):([0-9]+)", time) for time in re.findall(r"(?m)^h_rt +(\S+)", said)]
    if times and all(times):
        limits["time"] = max(int(time[1]) + int(time[2]) / 60 + int(time[3]) / 3600 for time in times)
    return limits


@functools.cache
def slurm_limits(partition: str | None) -> dict[str, float]:
    """:return: maximal hours and GB of a job in this partition, or in the default one; no entry where there is no limit"""
    limits: dict[str, float] = {}
    for line in answer("sinfo", "-h", "-o", "%P|%l|%m").splitlines():
        name, _, rest = line.partition("|")
        if name.rstrip("*") != partition if partition else not name.endswith("*"):
            continue
        time, _, megabytes = rest.partition("|")
        limits["mem"] = max(limits.get("mem", 0), int(megabytes.rstrip("+")) / 1024)
        if time != "infinite":  # [days-]hours:minutes:seconds or minutes:seconds
            days, _, clock = time.rpartition("-")
            hours, minutes, _ = ["0", *clock.split(":")][-3:]
            limits["time"] = 24 * int(days or 0) + int(hours) + int(minutes) / 60
    return limits


def check_engine_limits(current_rqmt: dict, task: Any) -> dict:
    """Limit requirements that grew after a failed try. A job that requests too much from the start is left to the scheduler."""
    where = scheduler()
    if where == "local" or task.rqmt().get("engine") == "short":
        return current_rqmt
    rqmt = dict(current_rqmt)
    if where == "slurm":
        partition = option(rqmt.get("sbatch_args", ""), "-p|--partition") or os.environ.get("SBATCH_PARTITION")
        limits = slurm_limits(partition)
    else:
        limits = grid_engine_limits(option(rqmt.get("qsub_args", ""), "-q") or "*")
    for name, most in limits.items():
        if task.rqmt().get(name, 0) <= most < rqmt.get(name, 0):
            rqmt[name] = most
    return rqmt


def option(arguments: str | list[str], names: str) -> str | None:
    """:return: the value of a scheduler's option; `names` is a regular expression"""
    found = re.search(
        rf"(?:^|\s)(?:{names})[= ]?(\S+)", arguments if isinstance(arguments, str) else " ".join(arguments)
    )
    return found and found[1]


def engine() -> Any:
    """:return: engine that runs mini tasks on this machine at once, and all other tasks where `scheduler` says"""
    from jobs.local_engine import local_engine
    from sisyphus.engine import EngineSelector

    cpus, where = os.cpu_count() or 1, scheduler()
    options = {"default_rqmt": {"cpu": 1, "mem": 2, "time": 1}}
    # jobs are identified by user and name, and two work directories may have jobs of the same name
    work = hashlib.sha256(os.path.realpath("work").encode()).hexdigest()[:8]
    if where == "slurm":
        from sisyphus.simple_linux_utility_for_resource_management_engine import (
            SimpleLinuxUtilityForResourceManagementEngine,
        )

        long = SimpleLinuxUtilityForResourceManagementEngine(**options, job_name_mapping=lambda name: f"{name}.{work}")
    elif where == "sge":
        from sisyphus import son_of_grid_engine

        son_of_grid_engine.escape_name = lambda name: (
            f"{name.replace('/', '.')}.{work}"
        )  # the engine has no argument for it
        # -V exports the environment, as Slurm does. Upstream's engine requests `mem` as h_vmem, which limits the address space,
        # and CUDA takes more of that than any machine has memory.
        options["default_rqmt"]["qsub_args"] = ["-V", "-l", "h_vmem=INFINITY"]
        long = son_of_grid_engine.SonOfGridEngine(**options)
    elif where == "local":
        long = local_engine(cpus=cpus, gpus=num_gpus())
    else:
        raise ValueError(f"ENGINE must be 'slurm', 'sge' or 'local', found {where!r}")
    return EngineSelector(engines={"short": local_engine(cpus=cpus), "long": long}, default_engine="long")
