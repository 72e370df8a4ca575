"""`tk`: what configs and the console call."""

import gzip
import importlib
import logging
import os
import pickle
import subprocess

import sisyphus.global_settings as gs
from sisyphus import graph
from sisyphus.async_workflow import async_context, async_gather, async_run  # noqa: F401
from sisyphus.block import block, set_root_block, sub_block  # noqa: F401
from sisyphus.delayed_ops import Delayed  # noqa: F401
from sisyphus.job import Job
from sisyphus.job_path import AbstractPath, Path, Variable  # noqa: F401
from sisyphus.loader import config_manager  # noqa: F401
from sisyphus.tools import extract_paths, sh  # noqa: F401

sis_graph = graph.graph
_sis_running_in_worker = False
_sis_running_in_manager = False


class BlockedWorkflow(Exception):
    """tk.run cannot go on: a job failed."""


def running_in_worker():
    return _sis_running_in_worker


def running_in_manager():
    return _sis_running_in_manager


# in configs


def register_output(name, value, export_graph=False):
    """Asks for a path; once it exists, output/NAME links to it."""
    if not isinstance(value, AbstractPath):
        raise TypeError(f"output {name}: give a sisyphus Path or Variable, not {type(value).__qualname__} {value!r}")
    sis_graph.add_target(graph.OutputPath(name, value))


def register_callback(f, *args, **kwargs):
    """Calls f once all paths in its arguments exist."""
    sis_graph.add_target(graph.OutputCall(f, args, kwargs))


def register_report(name, values, template=None, required=None, update_frequency=300):
    """Writes values to output/NAME, now and again while they come in."""
    report = graph.OutputReport(gs.ALIAS_AND_OUTPUT_SUBDIR + name, values, template, required, update_frequency)
    sis_graph.add_target(report)
    return report


class RelPath:
    """Makes paths relative to a package, which hash the same wherever the package lies."""

    def __init__(self, origin, hash_overwrite=None):
        self.origin = origin
        self.hash_overwrite = hash_overwrite

    def __call__(self, path, *args, **kwargs):
        if self.hash_overwrite and len(args) < 3:
            kwargs.setdefault("hash_overwrite", os.path.join(self.hash_overwrite, path))
        if not os.path.isabs(path):
            path = os.path.relpath(os.path.join(self.origin, path))
        return Path(path, *args, **kwargs)


def setup_path(package):
    """`rel_path = setup_path(__package__)` in a config."""
    file = importlib.import_module(package).__file__ if package else None
    if not file:
        raise ValueError(f"setup_path({package!r}): call it in a package, a directory with __init__.py")
    return RelPath(os.path.relpath(os.path.dirname(file)), hash_overwrite=package.replace(".", "/"))


def run(obj, quiet=False):
    """Runs all that obj needs, one worker after the other, and returns when it is there."""
    wanted = graph.SISGraph()
    wanted.add_target(graph.OutputReport(None, obj))
    while True:
        jobs = wanted.get_jobs_by_status(skip_finished=True)
        todo = sorted(jobs[gs.STATE_RUNNABLE] | jobs[gs.STATE_INTERRUPTED_RESUMABLE])
        unfinished = set().union(*(jobs[s] for s in jobs if s not in (gs.STATE_INPUT_PATH, gs.STATE_INPUT_MISSING)))
        if not unfinished:
            return
        if not todo:
            raise BlockedWorkflow(
                f"cannot compute {obj}: { ({s: sorted(map(str, found)) for s, found in jobs.items()}) }"
            )
        for job in todo:
            logging.info(f"Run Job: {job}")
            job._sis_setup_directory()
            for task in job._sis_tasks():
                for task_id in task.task_ids():
                    if not task.finished(task_id):
                        call = task.get_worker_call(task_id) + (["--redirect_output"] if quiet else [])
                        subprocess.run(call, env={**os.environ, **gs.ENVIRONMENT_SETTINGS})
                        if not task.finished(task_id):
                            raise BlockedWorkflow(f"{job} failed in task {task.name()} {task_id}")


def setup_script_mode():
    """For scripts that call tk.run: no waiting, no warnings."""
    logging.basicConfig(format="[%(asctime)s] %(levelname)s: %(message)s", level=logging.INFO)
    for period in ("JOB_FS_SYNC", "JOB_CLEANUP", "MTIME_OF_INPUTS"):
        setattr(gs, f"WAIT_PERIOD_{period}", 0)
        gs.ENVIRONMENT_SETTINGS[f"SIS_WAIT_PERIOD_{period}"] = "0"
    gs.ENGINE_NOT_SETUP_WARNING = False


# in the console


def load_job(path):
    """The job of a job directory, packed or not."""
    archive = os.path.join(path, gs.JOB_FINISHED_ARCHIVE)
    if os.path.isfile(archive):
        import tarfile

        with tarfile.open(archive) as tar:
            return pickle.loads(gzip.decompress(tar.extractfile(gs.JOB_SAVE).read()))
    with gzip.open(os.path.join(path, gs.JOB_SAVE)) as file:
        return pickle.load(file)


def find_job(pattern):
    return sis_graph.find(pattern, mode="job")


def find_path(pattern):
    return sis_graph.find(pattern, mode="path")


def import_work_directory(directories, mode="dryrun", use_alias=False):
    """Takes finished jobs over from other work directories; mode is copy, symlink, hardlink or dryrun."""
    if mode not in ("copy", "symlink", "hardlink", "dryrun"):
        raise ValueError(f"import mode {mode!r}: give copy, symlink, hardlink or dryrun")
    directories = [directories] if isinstance(directories, str) else directories

    def take(job):
        if not job._sis_setup():
            job._sis_import_from_dirs(directories, mode)

    before = -1
    while before != (now := len(sis_graph.jobs())):  # update() may ask for more once its inputs are imported
        sis_graph.for_all_nodes(take, bottom_up=True)
        before = now


def dependent_jobs(jobs) -> list:
    """These jobs and all that need them, as far as they are set up, the first ones first."""
    affected = {job._sis_id() for job in jobs}
    found = []
    for job in sis_graph.jobs_sorted():
        if job._sis_id() in affected or any(p.creator and p.creator._sis_id() in affected for p in job._sis_inputs):
            affected.add(job._sis_id())
            if job._sis_setup():
                found.append(job)
    return found


def remove_job_and_descendants(jobs, mode="remove"):
    """Removes or moves aside the directories of jobs and of all that depend on them, so that they run again."""
    if mode not in ("remove", "move", "dryrun"):
        raise ValueError(f"mode {mode!r}: give remove, move or dryrun")
    jobs = [jobs] if isinstance(jobs, (str, AbstractPath, Job)) else jobs
    sources = []
    for source in jobs:
        if isinstance(source, str):
            sources += find_job(source.removeprefix(gs.BASE_DIR).lstrip("/"))
        else:
            sources.append(source.creator if isinstance(source, AbstractPath) else source)
    doomed = dependent_jobs(sources)
    for job in doomed:
        print(job._sis_path())
    if mode != "dryrun" and doomed and input("Start deleting? (y/N): ").lower() == "y":
        for job in doomed:
            job._sis_move() if mode == "move" else job._sis_delete()


_engine = None


def cached_engine():
    """The engine of settings.py, made once."""
    global _engine
    if _engine is None:
        _engine = gs.engine()
    return _engine


def start_manager(job_engine=None, start_computations=False):
    from sisyphus.manager import Manager

    return Manager(sis_graph, job_engine or cached_engine(), link_outputs=False, start_computations=start_computations)
