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
JOB_CLEANUP_KEEP_INPUT = True  #: whether the links to the inputs stay
MAX_SUBMIT_RETRIES = 3  #: submissions of a task without progress, after which its state is retry_error
SIS_HASH = sisyphus.hash.short_hash

# places
IMPORT_PATHS = ["config", "recipe", "recipe/"]  #: "x" imports the package x, "x/" everything inside x
WORK_DIR = "work"
ALIAS_DIR = "alias"
OUTPUT_DIR = "output"
ALIAS_AND_OUTPUT_SUBDIR = ""
FINISHED_LOG = "log/finished.log"
CONFIG_FILE_DEFAULT = "config.py"  #: where no config is named
CONFIG_FUNCTION_DEFAULT = "config.main"  #: where no config is named and there is no such file

# waiting periods, in seconds
WAIT_PERIOD_JOB_FS_SYNC = 30
WAIT_PERIOD_BETWEEN_CHECKS = 30
WAIT_PERIOD_QSTAT_PARSING = 15
WAIT_PERIOD_JOB_CLEANUP = 10
WAIT_PERIOD_MTIME_OF_INPUTS = 60
WAIT_PERIOD_FOR_INPUTS_AVAILABLE = 60
TASK_INPUTS_MUST_BE_AVAILABLE = True  #: whether a worker fails if inputs are missing after this time
SKIP_IS_FINISHED_TIMEOUT = False  #: whether the marker of a finished task counts at once
# upstream does not have these
WAIT_PERIOD_INTERRUPT = 60  #: Ctrl-C waits this long for workers to save
WAIT_PERIOD_SCHEDULER_ANSWER = 30  #: after this, a command of the scheduler counts as hanging
WAIT_PERIOD_SUBMISSION_IN_DOUBT = 120  #: a job whose submission got no answer may still appear this long

# jobs, of rare use
JOB_USE_TAGS_IN_PATH = False  #: whether the `sis_tags` of a job are part of the name of its directory
JOB_MAX_NUMBER_OF_LOCKS = 100  #: of Job.get_lock
AUTO_SET_JOB_INIT_ATTRIBUTES = False  #: whether the arguments of a job are its attributes before __init__
DELAYED_CHECK_FOR_WORKER = False  #: whether get() of a Path or Variable is an error outside of workers
RAISE_VARIABLE_NOT_SET_EXCEPTION = True  #: otherwise get() of a Variable without a value returns a text that says so
LEGACY_PATH_CONVERSION = False  #: whether repr() of a Path is its text
LEGACY_VARIABLE_CONVERSION = False  #: whether repr() of a Variable is its value
WARNING_NO_FUNCTION_CALLED = True  #: whether a config without py() is warned of
WARNING_ABSPATH = True  #: whether an absolute path inside the current directory is warned of
TMP_PREFIX = os.path.join(os.environ.get("TMPDIR", "/tmp"), "sis_")  #: of tk.mktemp

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


# Upstream's debugging, displays, caches and threads. The stand-in does not read them.
CACHE_FINISHED_RESULTS = False
CACHE_FINISHED_RESULTS_MAX_SIZE = 1024
CACHE_FINISHED_RESULTS_PATH = "finished_results_cache.pkl"
CLEANER_PRINT_ALIAS = True
ENGINE_NOT_SETUP_WARNING = True
FILESYSTEM_CACHE_TIME = 30
GRAPH_WORKER = 16
JOB_ADD_STACKTRACE_MAX_COUNT = 5
JOB_ADD_STACKTRACE_WITH_DEPTH = 0
JOB_CLEANER_WORKER = 5
JOB_DEFAULT_KEEP_VALUE = 50
MANAGER_SUBMIT_WORKER = 10
MEMORY_PROFILE_LOG = None
PLOGGING_QUIET = False
PRINT_HOLD = True
PRINT_OLD_LOG_FILE_RUNNING = None
PRINT_STALE_STATE_OVERVIEW_PERIOD = None
SHOW_JOB_TARGETS = True
SHOW_VIS_NAME_IN_MANAGER = True
USE_SIGNAL_HANDLERS = False
USE_UI = True
USE_VERBOSE_TRACEBACK = True
VERBOSE_TRACEBACK_TYPE = "ipython"
VIS_ABSOLUTE_MERGE_THRESHOLD = 5
VIS_MAX_NODES_PER_VIEW = 500
VIS_RELATIVE_MERGE_THRESHOLD = 0.25
VIS_TIMEOUT = 5
WAIT_PERIOD_CACHE = 20
WAIT_PERIOD_HTTP_RETRY_BIND = 10
WAIT_PERIOD_SSH_TIMEOUT = 15

# Upstream's, which change what a pipeline leaves behind: the stand-in warns of another value
INCLUDE_CREATOR_STATE = False  #: whether job.save contains the jobs that make the inputs
TEAM_SHARE_DIR = None  #: directory with links to all finished jobs

ENVIRONMENT_SETTINGS = {}  #: variables that have set settings
ENVIRONMENT_SETTINGS_PREFIX = "SIS_"
GLOBAL_SETTINGS_FILE_CONTENT = ""  #: all settings files, and the settings from variables


def update_global_settings_from_file(filename):
    """Runs a settings file inside this module. If there is none, the defaults apply."""
    if not os.path.isfile(filename):
        logging.warning(f"there is no settings file {filename} in {os.getcwd()}: using default settings")
        return
    global GLOBAL_SETTINGS_FILE_CONTENT
    with open(filename, encoding="utf-8") as file:
        content = file.read()
    exec(compile(content, filename, "exec"), globals())
    GLOBAL_SETTINGS_FILE_CONTENT += f"##### Settings file: {filename} #####\n{content}\n"


def update_global_settings_from_env():
    """SIS_NAME=value sets NAME. A value that is not a Python literal is a string."""
    from ast import literal_eval

    global GLOBAL_SETTINGS_FILE_CONTENT
    lines = []
    for variable, text in os.environ.items():
        name = variable.removeprefix(ENVIRONMENT_SETTINGS_PREFIX)
        if name != variable:
            ENVIRONMENT_SETTINGS[variable] = text
            try:
                globals()[name] = literal_eval(text)
            except (ValueError, SyntaxError):
                globals()[name] = text.split(":") if name == "IMPORT_PATHS" else text
            lines.append(f"{name} = {globals()[name]!r}\n")
    if lines:
        GLOBAL_SETTINGS_FILE_CONTENT += "".join(["##### Settings from environment #####\n", *lines])


GLOBAL_SETTINGS_FILE = os.environ.get("SIS_GLOBAL_SETTINGS_FILE", GLOBAL_SETTINGS_FILE_DEFAULT)  # noqa: F405
for _file in filter(None, GLOBAL_SETTINGS_FILE.split(":")):
    update_global_settings_from_file(_file)
update_global_settings_from_env()
for _name, _default in (("INCLUDE_CREATOR_STATE", False), ("TEAM_SHARE_DIR", None)):
    if globals()[_name] != _default:
        logging.warning(f"the setting {_name} has no effect: it needs Sisyphus itself (github.com/rwth-i6/sisyphus)")
