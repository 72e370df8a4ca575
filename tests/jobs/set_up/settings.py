IMPORT_PATHS = ["config", "recipe", "recipe/"]
WORK_DIR = "work"
JOB_CLEANUP_KEEP_WORK = True
WAIT_PERIOD_JOB_FS_SYNC = WAIT_PERIOD_CACHE = WAIT_PERIOD_JOB_CLEANUP = WAIT_PERIOD_MTIME_OF_INPUTS = 0.1
WAIT_PERIOD_BETWEEN_CHECKS = 1
SHOW_JOB_TARGETS = False


def engine():
    from sisyphus.localengine import LocalEngine

    return LocalEngine(cpu=2, gpu=0, mem=8)
