"""All settings with their defaults, overridden by `settings.py` in the current directory and by SIS_* variables.

A settings file runs inside this module: it assigns these names, changes the mutable ones, or defines the functions
anew. Names and defaults are upstream's, so that one settings file serves both. Waiting periods are upstream's too;
they guard against slow network file systems and are skipped for work done on this machine.
"""

import logging
import os
import sys

import sisyphus.hash
from sisyphus.global_constants import *  # noqa: F403

active_engine = None  #: in a worker: the engine it runs on


def engine():
    """Which engine runs the jobs."""
    import psutil

    from sisyphus.localengine import LocalEngine

    cpus = psutil.cpu_count()
    if ENGINE_NOT_SETUP_WARNING:
        logging.info(f"settings define no engine(): this machine runs the jobs, LocalEngine(cpu={cpus}, gpu=0)")
    return LocalEngine(cpu=cpus, gpu=0)


def worker_wrapper(job, task_name, call):
    """Changes a worker's command line, for example to run it in a container."""
    return call


def on_job_failure(job):
    """Called in each cycle for each job in error state."""


def on_job_finished(job):
    """Called when a job is found finished."""


def update_engine_rqmt(last_rqmt, last_usage):
    """Requirements for the next try of an interrupted task: doubled where the last try came close to them."""
    out = dict(last_rqmt)
    time, mem = last_rqmt.get("time"), last_rqmt.get("mem")
    if time and (last_usage.get("out_of_time") or time - last_usage.get("used_time", 0) < 0.1):
        out["time"] = 2 * time
    if mem and (last_usage.get("out_of_memory") or mem - last_usage.get("max", {}).get("rss", 0) < 0.25):
        out["mem"] = 2 * mem
    return out


def check_engine_limits(current_rqmt, task):
    """Cuts requirements to what the machines can give."""
    return current_rqmt


def file_caching(path):
    """Where a path marked as cached is read from."""
    return path


# jobs
JOB_USE_TAGS_IN_PATH = False
TEAM_SHARE_DIR = None
JOB_AUTO_CLEANUP = True  #: pack logs and remove work/ of finished jobs while the manager runs
JOB_CLEANER_INTERVAL = 60
JOB_CLEANER_WORKER = 5
JOB_CLEANUP_KEEP_WORK = False
JOB_CLEANUP_KEEP_INPUT = True
JOB_DEFAULT_KEEP_VALUE = 50
CLEANER_PRINT_ALIAS = True
GRAPH_WORKER = 16
MANAGER_SUBMIT_WORKER = 10
JOB_MAX_NUMBER_OF_LOCKS = 100
MAX_SUBMIT_RETRIES = 3  #: submissions of a task without progress before it is a retry_error
JOB_ADD_STACKTRACE_WITH_DEPTH = 0
JOB_ADD_STACKTRACE_MAX_COUNT = 5
AUTO_SET_JOB_INIT_ATTRIBUTES = False
SIS_HASH = sisyphus.hash.short_hash

# places
IMPORT_PATHS = ["config", "recipe", "recipe/"]  #: "x" imports the package x, "x/" everything inside x
WORK_DIR = "work"
CONFIG_FILE_DEFAULT = "config.py"
CONFIG_FUNCTION_DEFAULT = f"{CONFIG_PREFIX}.main"  # noqa: F405
ALIAS_DIR = "alias"
OUTPUT_DIR = "output"
ALIAS_AND_OUTPUT_SUBDIR = ""
FINISHED_LOG = "log/finished.log"
TMP_PREFIX = os.path.join(os.environ.get("TMPDIR", "/tmp"), "sis_")
INCLUDE_CREATOR_STATE = False

# waiting, in seconds
WAIT_PERIOD_JOB_FS_SYNC = 30
WAIT_PERIOD_BETWEEN_CHECKS = 30
WAIT_PERIOD_CACHE = 20
WAIT_PERIOD_SSH_TIMEOUT = 15
WAIT_PERIOD_QSTAT_PARSING = 15
WAIT_PERIOD_HTTP_RETRY_BIND = 10
WAIT_PERIOD_JOB_CLEANUP = 10
WAIT_PERIOD_MTIME_OF_INPUTS = 60
WAIT_PERIOD_FOR_INPUTS_AVAILABLE = 60
TASK_INPUTS_MUST_BE_AVAILABLE = True
SKIP_IS_FINISHED_TIMEOUT = False
# ours alone
WAIT_PERIOD_INTERRUPT = 60  #: how long Ctrl-C waits for workers to save
WAIT_PERIOD_SCHEDULER_ANSWER = 30  #: then a command of the scheduler counts as hanging
WAIT_PERIOD_SUBMISSION_IN_DOUBT = 120  #: how long a job may still appear whose submission gave no answer

# what the manager shows and does
CLEAR_ERROR = False
PRINT_ERROR = True
PRINT_ERROR_TASKS = 1
PRINT_ERROR_LINES = 40
PRINT_HOLD = True
PRINT_STALE_STATE_OVERVIEW_PERIOD = None
PRINT_OLD_LOG_FILE_RUNNING = None
SHOW_JOB_TARGETS = True
SHOW_VIS_NAME_IN_MANAGER = True
VIS_RELATIVE_MERGE_THRESHOLD = 0.25
VIS_ABSOLUTE_MERGE_THRESHOLD = 5
VIS_TIMEOUT = 5
VIS_MAX_NODES_PER_VIEW = 500
USE_UI = True
USE_VERBOSE_TRACEBACK = True
VERBOSE_TRACEBACK_TYPE = "ipython"
USE_SIGNAL_HANDLERS = False
MEMORY_PROFILE_LOG = None
FILESYSTEM_CACHE_TIME = 30
CACHE_FINISHED_RESULTS = False
CACHE_FINISHED_RESULTS_PATH = "finished_results_cache.pkl"
CACHE_FINISHED_RESULTS_MAX_SIZE = 1024
WARNING_NO_FUNCTION_CALLED = True
WARNING_ABSPATH = True
ENGINE_NOT_SETUP_WARNING = True

# workers
SIS_COMMAND = [sys.executable, sys.argv[0]]  #: how a worker is called
if sys.argv[0] == "-m":
    SIS_COMMAND += ["sisyphus"]
PLOGGING_INTERVAL = 5
PLOGGING_QUIET = False
PLOGGING_MIN_CHANGE = 0.1
PLOGGING_UPDATE_FILE_PERIOD = 60
CLEANUP_ENVIRONMENT = True
DEFAULT_ENVIRONMENT_KEEP = {
    "CUDA_VISIBLE_DEVICES",
    "HOME",
    "PWD",
    "SGE_STDERR_PATH",
    "SGE_TASK_ID",
    "TMP",
    "TMPDIR",
    "USER",
}
DEFAULT_ENVIRONMENT_SET = {
    "LANG": "en_US.UTF-8",
    "MKL_NUM_THREADS": 1,
    "OMP_NUM_THREADS": 1,
    "PATH": "/rbi/sge/bin:/rbi/sge/bin/lx-amd64:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    ":/usr/games:/usr/local/games:/snap/bin",
    "SHELL": "/bin/bash",
}

# values that do not exist yet
DELAYED_CHECK_FOR_WORKER = False
LEGACY_PATH_CONVERSION = False
LEGACY_VARIABLE_CONVERSION = False
RAISE_VARIABLE_NOT_SET_EXCEPTION = True

ENVIRONMENT_SETTINGS = {}
ENVIRONMENT_SETTINGS_PREFIX = "SIS_"
GLOBAL_SETTINGS_FILE_CONTENT = ""


def update_global_settings_from_file(filename):
    """Runs a settings file inside this module; without one the defaults hold."""
    global GLOBAL_SETTINGS_FILE_CONTENT
    if not os.path.isfile(filename):
        logging.warning(f"there is no settings file {filename} in {os.getcwd()}: default settings are used")
        return
    with open(filename, encoding="utf-8") as file:
        content = file.read()
    exec(compile(content, filename, "exec"), globals())
    GLOBAL_SETTINGS_FILE_CONTENT += f"##### Settings file: {filename} #####\n{content}\n"


def update_global_settings_from_env():
    """SIS_NAME=value sets NAME; a value that is no Python literal is a string."""
    from ast import literal_eval

    for name, text in os.environ.items():
        if not name.startswith(ENVIRONMENT_SETTINGS_PREFIX):
            continue
        ENVIRONMENT_SETTINGS[name] = text
        name = name.removeprefix(ENVIRONMENT_SETTINGS_PREFIX)
        try:
            value = literal_eval(text)
        except (ValueError, SyntaxError):
            value = text.split(":") if name == "IMPORT_PATHS" else text
        globals()[name] = value


GLOBAL_SETTINGS_FILE = os.environ.get("SIS_GLOBAL_SETTINGS_FILE", GLOBAL_SETTINGS_FILE_DEFAULT)  # noqa: F405
for _file in filter(None, GLOBAL_SETTINGS_FILE.split(":")):
    update_global_settings_from_file(_file)
update_global_settings_from_env()
