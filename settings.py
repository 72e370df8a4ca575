"""Sisyphus settings. Read by the manager and again by each worker, under the real Sisyphus as under embedded/sisyphus."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

# Sisyphus executes this file in the folder that it is started in; __file__ is not this file's. That folder may be Boulder's
# own, or one with a link to this file and a config/ of its own, which then comes before Boulder's.
_ROOT = Path("settings.py").resolve().parent
sys.path.insert(0, os.getcwd())

# A worker's current directory is its job's own, so these must be absolute.
IMPORT_PATHS = [f"{os.getcwd()}/", f"{_ROOT}/", f"{_ROOT}/recipe/"]

# `sis` of the same environment, whoever started the manager
_SIS = Path(sys.prefix) / "bin" / "sis"
if _SIS.exists():
    SIS_COMMAND = [sys.executable, str(_SIS)]

# A phase is submitted again after each time limit or killed node, as long as it gets on.
MAX_SUBMIT_RETRIES = 10

# Short waits: most of our files are on a local disk. On a cluster's shared one, raise them.
WAIT_PERIOD_JOB_FS_SYNC = 0.1
WAIT_PERIOD_BETWEEN_CHECKS = 1
WAIT_PERIOD_CACHE = 1
WAIT_PERIOD_SSH_TIMEOUT = 1
WAIT_PERIOD_QSTAT_PARSING = 1
WAIT_PERIOD_HTTP_RETRY_BIND = 1
WAIT_PERIOD_MTIME_OF_INPUTS = 0.1
USE_VERBOSE_TRACEBACK = False  # a log's last lines say what was wrong, without colours
PRINT_ERROR_TASKS = 3
PRINT_ERROR_LINES = 20

JOB_AUTO_CLEANUP = False  # checkpoints in work/ are small beside the night that a mistake can cost

# What a worker keeps of the environment: what TensorFlow, CUDA and the clusters need.
_KEEP = (
    "CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH", "SLURM_CONF", "JOB_ID", "PE_HOSTFILE", "VIRTUAL_ENV", "TMPDIR", "PYTHONPATH",
)  # fmt: skip
DEFAULT_ENVIRONMENT_KEEP = {"PATH", "HOME", "USER", "LANG", "LC_ALL", "SHELL", *_KEEP}
DEFAULT_ENVIRONMENT_KEEP |= {name for name in os.environ if name.startswith("SLURM_")}
DEFAULT_ENVIRONMENT_SET = {
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    "PYTHONUNBUFFERED": "1",
}


def num_gpus() -> int:
    """:return: GPUs that the driver sees on this machine"""
    if not shutil.which("nvidia-smi"):
        return 0
    listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False)
    return listed.stdout.count("GPU ") if listed.returncode == 0 else 0


def engine():
    """Everything runs on this machine; mini tasks do not wait for training to leave a core free."""
    from sisyphus.engine import EngineSelector
    from sisyphus.localengine import LocalEngine

    cpus = os.cpu_count() or 1
    local = LocalEngine(cpus=cpus, gpus=num_gpus())
    return EngineSelector(engines={"short": LocalEngine(cpus=cpus), "long": local}, default_engine="long")
