"""`sis worker`: runs one task of one job in this process and leaves a marker file of how it ended."""

import atexit
import contextlib
import gzip
import logging
import math
import os
import pickle
import platform
import signal
import subprocess
import sys
import threading
import time
import traceback

import sisyphus.global_settings as gs
from sisyphus import toolkit
from sisyphus.configured_engine import configured_engine
from sisyphus.job_log import INTERRUPTED, claim_log, open_log
from sisyphus.job_path import AbstractPath
from sisyphus.localengine import LocalEngine
from sisyphus.usage import UsageLog

NETWORK_WAIT = 1  # seconds between checks for a missing input
# sent by users and schedulers; Grid Engine sends SIGXCPU for too much memory, see son_of_grid_engine.py
ASKED_TO_END = (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGXCPU)


def worker(args) -> int:
    """Returns the exit code: 0 finished, 1 error, or INTERRUPTED."""
    toolkit._sis_running_in_worker = True
    for number in ASKED_TO_END:
        signal.signal(number, _terminate)
    error_file = f"{args.jobdir}/{gs.STATE_ERROR}.{args.task_name}.{args.task_id or 1}"
    rank = 0
    try:
        gs.active_engine = configured_engine().get_used_engine(args.engine)
        task_id = gs.active_engine.get_task_id(args.task_id)
        error_file = f"{args.jobdir}/{gs.STATE_ERROR}.{args.task_name}.{task_id}"
        error_file = os.path.abspath(error_file)
        rank = gs.active_engine.get_rank()
        first_log = os.path.abspath(f"{args.jobdir}/{gs.JOB_LOG}.{args.task_name}.{task_id}")
        log = first_log + _suffix(rank)
        if args.redirect_output:
            with open_log(log) as file:
                os.dup2(file.fileno(), 1)
                os.dup2(file.fileno(), 2)
        sys.stdout.reconfigure(line_buffering=True, encoding="utf-8", errors="backslashreplace")  # in any locale
        sys.stderr.reconfigure(encoding="utf-8")
        claim = claim_log(log)
        if claim is None:
            logging.warning("another worker runs this task: nothing to do")
            return INTERRUPTED
        if rank == 0:
            with contextlib.suppress(FileNotFoundError):
                os.remove(error_file)  # of an earlier try
        return _run(args, task_id, rank)
    except KeyboardInterrupt:
        logging.warning("interrupted")
        return INTERRUPTED
    except SystemExit as reason:
        logging.warning(f"ended before it was finished ({reason.code}): resumable if the task is")
        return INTERRUPTED
    except Exception as error:
        if isinstance(error, subprocess.CalledProcessError) and error.returncode == 137:
            logging.error(f"a command was killed, probably for lack of memory: {error.cmd}")
            return INTERRUPTED
        try:
            logging.error("Job failed, traceback:")
            traceback.print_exc()
            if rank:
                with open(first_log, "a", encoding="utf-8") as file:  # the log that users read
                    file.write(f"worker {rank}: {type(error).__name__}: {error}\n")
        finally:  # on a full disk, an empty file can often still be made
            with open(error_file, "a", encoding="utf-8"):
                pass
        return 1


def leave(code):
    """Ends the process as `sys.exit` does, except that objects are not taken apart one by one: with TensorFlow, that is a second."""
    threading._shutdown()  # waits for threads
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # a full disk; closed
            stream.flush()
    os._exit(code)


def _terminate(signum, frame):
    """Raises SystemExit with the signal's name. A task that has something to save catches it, or installs its own handler."""
    signal.signal(signum, signal.SIG_IGN)  # a second signal must not disturb saving
    raise SystemExit(f"signal {signal.Signals(signum).name}")


def _suffix(rank) -> str:
    """Suffix of the files of a worker of rank 1 or higher, where multi_node_slots has several run the same task."""
    return f".{rank}" if rank else ""


def _run(args, task_id, rank) -> int:
    with gzip.open(os.path.join(args.jobdir, gs.JOB_SAVE)) as file:
        job = pickle.load(file)
    for path in job._sis_outputs.values():
        path.cached = False  # outputs are written, so they must not be cached copies
    _log_start(job, args.task_name)
    for path in sorted(job._sis_inputs):
        _wait_for_input(path)
    if not job._sis_runnable():
        missing = [path.get_path() for path in job._sis_inputs if not path.available()]
        raise FileNotFoundError(f"inputs are missing: {missing}")
    tasks = {task.name(): task for task in job._sis_tasks()}
    if args.task_name not in tasks:
        raise ValueError(f"{job} has no task {args.task_name!r}, only {list(tasks)}")
    task = tasks[args.task_name]
    if os.path.exists(task.path(gs.STATE_FINISHED, task_id)):
        logging.warning("the task was finished before: nothing to do")
        return 0

    usage_path = task.get_process_logging_path(task_id) + _suffix(rank)
    usage = UsageLog(usage_path, gs.active_engine.get_rqmt(task, task_id, update=False))
    AbstractPath.cacheing_enabled = True
    gs.active_engine.init_worker(task)
    if getattr(job, "_sis_environment", None):
        job._sis_environment.modify_environment()
    with usage:
        try:
            task.run(task_id)
        except subprocess.CalledProcessError as error:
            usage.out_of_memory = error.returncode == 137
            raise
        except SystemExit as reason:
            usage.out_of_memory = signal.SIGXCPU.name in str(reason.code)
            raise
    if rank == 0 and not task.continuable:
        task.mark(gs.STATE_FINISHED, task_id)
    logging.info("Job finished successfully")
    return 0


def _log_start(job, task_name):
    logging.info(f"Start Job: {job} Task: {task_name}")
    logging.info(f"Uname: {platform.uname()}")
    logging.info(f"Load: {os.getloadavg()}")
    logging.info("Inputs:")


def _wait_for_input(path):
    """On a network file system, a file written on another machine may appear late or incomplete."""
    logging.info(path.get_path())
    for _ in range(math.ceil(gs.WAIT_PERIOD_FOR_INPUTS_AVAILABLE)):
        if os.path.exists(path.get_path()):
            break
        logging.warning(f"Input path does not exist, waiting: {path.get_path()}")
        time.sleep(NETWORK_WAIT)
    else:
        if not os.path.exists(path.get_path()):
            if gs.TASK_INPUTS_MUST_BE_AVAILABLE:
                raise FileNotFoundError(f"input does not exist: {path.get_path()}")
            logging.warning(f"input does not exist: {path.get_path()}")
        return
    # a local worker sees the same file as its manager, which found it available
    if not isinstance(gs.active_engine, LocalEngine):
        time.sleep(max(0, os.stat(path.get_path()).st_mtime + gs.WAIT_PERIOD_MTIME_OF_INPUTS - time.time()))
