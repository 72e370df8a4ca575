"""All settings with their defaults, overridden by `settings.py` in the current directory and by SIS_* variables.

A settings file runs inside this module: it assigns these names, changes the mutable ones, or redefines the functions. Names
and defaults are upstream's, so that one settings file serves both; it may also set names that only upstream reads.
Waiting periods guard against slow network file systems; they are skipped for work done on this machine.
"""

import logging
import os
import sys

import sisyphus.hash
from sisyphus.global_constants import *  # noqa: F403

active_engine = None  #: in a worker: the engine that started it


engine = None  #: function that creates the engine; default: see configured_engine.py


def worker_wrapper(job, task_name, call):
    """Changes the command line of a worker, for example to run it in a container."""
    return call


def on_job_failure(job):
    """Called in each cycle for each job in error state."""


def on_job_finished(job):
    """Called when a job is found to have finished."""


def update_engine_rqmt(last_rqmt, last_usage):
    """Returns the requirements for the next try of an interrupted task: doubled where the last try came close to them."""
    out = dict(last_rqmt)
    time, mem = last_rqmt.get("time"), last_rqmt.get("mem")
    if time and (last_usage.get("out_of_time") or time - last_usage.get("used_time", 0) < 0.1):
        out["time"] = 2 * time
    if mem and (last_usage.get("out_of_memory") or mem - last_usage.get("max", {}).get("rss", 0) < 0.25):
        out["mem"] = 2 * mem
    return out


def check_engine_limits(current_rqmt, task):
    """Limits requirements to what the machines have."""
    return current_rqmt


def file_caching(path):
    """Returns the file to read for a path that is marked as cached."""
    return path


# jobs
JOB_AUTO_CLEANUP = True  #: pack logs and remove work/ of finished jobs while the manager runs
JOB_CLEANER_INTERVAL = 60
JOB_CLEANUP_KEEP_WORK = False
MAX_SUBMIT_RETRIES = 3  #: submissions of a task without progress, after which its state is retry_error
SIS_HASH = sisyphus.hash.short_hash

# places
IMPORT_PATHS = ["config", "recipe", "recipe/"]  #: "x" imports the package x, "x/" everything inside x
WORK_DIR = "work"
ALIAS_DIR = "alias"
OUTPUT_DIR = "output"
ALIAS_AND_OUTPUT_SUBDIR = ""
FINISHED_LOG = "log/finished.log"

# waiting periods, in seconds
WAIT_PERIOD_JOB_FS_SYNC = 30
WAIT_PERIOD_BETWEEN_CHECKS = 30
WAIT_PERIOD_QSTAT_PARSING = 15
WAIT_PERIOD_JOB_CLEANUP = 10
WAIT_PERIOD_MTIME_OF_INPUTS = 60
WAIT_PERIOD_FOR_INPUTS_AVAILABLE = 60
# upstream does not have these
WAIT_PERIOD_INTERRUPT = 60  #: Ctrl-C waits this long for workers to save
WAIT_PERIOD_SCHEDULER_ANSWER = 30  #: after this, a command of the scheduler counts as hanging
WAIT_PERIOD_SUBMISSION_IN_DOUBT = 120  #: a job whose submission got no answer may still appear this long

# the manager
CLEAR_ERROR = False
PRINT_ERROR = True
PRINT_ERROR_TASKS = 1
PRINT_ERROR_LINES = 40

# workers
WARM_START = True  #: start local workers from a process that has imported what they need; upstream does not have this
SIS_COMMAND = [sys.executable, sys.argv[0]]  #: command that starts a worker
if sys.argv[0] == "-m":
    SIS_COMMAND += ["sisyphus"]
PLOGGING_INTERVAL = 5
PLOGGING_MIN_CHANGE = 0.1
PLOGGING_UPDATE_FILE_PERIOD = 60
CLEANUP_ENVIRONMENT = True
DEFAULT_ENVIRONMENT_KEEP = {
    "CUDA_VISIBLE_DEVICES", "HOME", "PWD", "SGE_STDERR_PATH", "SGE_TASK_ID", "TMP", "TMPDIR", "USER",
}  # fmt: skip
DEFAULT_ENVIRONMENT_SET = {
    "LANG": "en_US.UTF-8",
    "MKL_NUM_THREADS": 1,
    "OMP_NUM_THREADS": 1,
    "PATH": "/rbi/sge/bin:/rbi/sge/bin/lx-amd64:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    ":/usr/games:/usr/local/games:/snap/bin",
    "SHELL": "/bin/bash",
}


def update_global_settings_from_file(filename):
    """Runs a settings file inside this module. If there is none, the defaults apply."""
    if not os.path.isfile(filename):
        logging.warning(f"there is no settings file {filename} in {os.getcwd()}: using default settings")
        return
    with open(filename, encoding="utf-8") as file:
        exec(compile(file.read(), filename, "exec"), globals())


def update_global_settings_from_env():
    """SIS_NAME=value sets NAME. A value that is not a Python literal is a string."""
    from ast import literal_eval

    for variable, text in os.environ.items():
        name = variable.removeprefix("SIS_")
        if name != variable:
            try:
                globals()[name] = literal_eval(text)
            except (ValueError, SyntaxError):
                globals()[name] = text.split(":") if name == "IMPORT_PATHS" else text


for _file in filter(None, os.environ.get("SIS_GLOBAL_SETTINGS_FILE", GLOBAL_SETTINGS_FILE_DEFAULT).split(":")):  # noqa: F405
    update_global_settings_from_file(_file)
update_global_settings_from_env()
