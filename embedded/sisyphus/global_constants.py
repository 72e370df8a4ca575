"""Names of files, directories and states. A work directory is shared with upstream Sisyphus, so they are fixed."""

import os

# inside a job's directory
JOB_OUTPUT = "output"
JOB_INPUT = "input"
JOB_LOG = "log"
JOB_LOG_ENGINE = "engine"
ENGINE_LOG = "log"
JOB_SAVE = "job.save"
JOB_WORK_DIR = "work"
JOB_FINISHED_MARKER = "finished"
JOB_FINISHED_ARCHIVE = "finished.tar.gz"
JOB_INFO = "info"
ENGINE_SUBMIT = "submit_log"
PLOGGING_FILE = "usage"

# inside the experiment's directory
BASE_DIR = os.getcwd()
CONFIG_PREFIX = "config"
RECIPE_PREFIX = "recipe"
TEST_DIR = "tests"
GLOBAL_SETTINGS_FILE_DEFAULT = "settings.py"

# of a path that no job makes
STATE_INPUT_PATH = "input_path"
STATE_INPUT_MISSING = "input_missing"
# of a job or task
STATE_WAITING = "waiting"
STATE_RUNNABLE = "runnable"
STATE_HOLD = "hold"
STATE_INTERRUPTED_RESUMABLE = "interrupted_resumable"
STATE_INTERRUPTED_NOT_RESUMABLE = "interrupted_not_resumable"
STATE_ERROR = "error"
STATE_FINISHED = "finished"
STATE_RETRY_ERROR = "retry_error"  # submitted too often without getting further
# as an engine sees a task
STATE_QUEUE = "queue"
STATE_QUEUE_ERROR = "queue_error"
STATE_RUNNING = "running"
STATE_UNKNOWN = "unknown"

CMD_WORKER = "worker"

SISYPHUS_LOGO = ""  # upstream prints it when it starts
