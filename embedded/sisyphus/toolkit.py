"""`tk`: functions for configs and the console."""

import gzip
import os
import pickle
import sys

import sisyphus.global_settings as gs
from sisyphus import graph
from sisyphus.async_workflow import async_gather as async_gather
from sisyphus.async_workflow import async_run as async_run
from sisyphus.configured_engine import configured_engine
from sisyphus.delayed_ops import Delayed as Delayed
from sisyphus.for_recipes import Object as Object
from sisyphus.for_recipes import RelPath as RelPath
from sisyphus.for_recipes import bundle_to_str as bundle_to_str
from sisyphus.for_recipes import dump as dump
from sisyphus.for_recipes import input_path as input_path
from sisyphus.for_recipes import is_path as is_path
from sisyphus.for_recipes import load_file as load_file
from sisyphus.for_recipes import mktemp as mktemp
from sisyphus.for_recipes import setup_path as setup_path
from sisyphus.for_recipes import sh as sh
from sisyphus.for_recipes import uncached_path as uncached_path
from sisyphus.for_recipes import zipped as zipped
from sisyphus.job import Job
from sisyphus.job_path import AbstractPath
from sisyphus.job_path import Path as Path
from sisyphus.job_path import Variable as Variable
from sisyphus.loader import config_manager as config_manager
from sisyphus.needs_upstream import lacking
from sisyphus.tools import extract_paths as extract_paths

sis_graph = graph.graph
_sis_running_in_worker = False
_sis_running_in_manager = False


def running_in_worker() -> bool:
    return _sis_running_in_worker


def running_in_manager() -> bool:
    return _sis_running_in_manager


# in configs


def register_output(name: str, value: AbstractPath, export_graph: bool = False) -> None:
    """Requests a path; once it exists, output/NAME links to it."""
    if not isinstance(value, AbstractPath):
        raise TypeError(
            f"output {name}: expected a sisyphus Path or Variable, found {type(value).__qualname__} {value!r}"
        )
    caller = sys._getframe(1)
    place = f"{os.path.relpath(caller.f_code.co_filename)}:{caller.f_lineno}"
    sis_graph.add_target(graph.OutputPath(name, value, place))


def register_callback(f, *args, **kwargs):
    """Calls f once all paths in its arguments exist."""
    sis_graph.add_target(graph.OutputCall(f, args, kwargs))


def register_report(name, values, template=None, required=None, update_frequency=300):
    """Writes values to output/NAME, and rewrites it while they come in."""
    report = graph.OutputReport(gs.ALIAS_AND_OUTPUT_SUBDIR + name, values, template, required, update_frequency)
    sis_graph.add_target(report)
    return report


# in the console


def load_job(path):
    """Loads the job of a job directory, packed or not."""
    archive = os.path.join(path, gs.JOB_FINISHED_ARCHIVE)
    if os.path.isfile(archive):
        import tarfile

        with tarfile.open(archive) as tar:
            return pickle.loads(gzip.decompress(tar.extractfile(gs.JOB_SAVE).read()))
    with gzip.open(os.path.join(path, gs.JOB_SAVE)) as file:
        return pickle.load(file)


def find_job(pattern):
    return sis_graph.find(pattern)


def import_work_directory(directories, mode="dryrun", use_alias=False):
    """Imports finished jobs from other work directories; mode is copy, symlink, hardlink or dryrun."""
    if mode not in ("copy", "symlink", "hardlink", "dryrun"):
        raise ValueError(f"import mode {mode!r}: expected copy, symlink, hardlink or dryrun")
    directories = [directories] if isinstance(directories, str) else directories

    def take(job):
        if not job._sis_setup():
            job._sis_import_from_dirs(directories, mode)

    before = -1
    while before != (now := len(sis_graph.jobs())):  # update() may request more once its inputs are imported
        sis_graph.for_all_nodes(take, bottom_up=True)
        before = now


def dependent_jobs(jobs) -> list:
    """Returns these jobs and all that depend on them, as far as they are set up, in topological order."""
    affected = {job._sis_id() for job in jobs}
    found = []
    for job in sis_graph.jobs_sorted():
        if job._sis_id() in affected or any(p.creator and p.creator._sis_id() in affected for p in job._sis_inputs):
            affected.add(job._sis_id())
            if job._sis_setup():
                found.append(job)
    return found


def remove_job_and_descendants(jobs, mode="remove"):
    """Removes or moves aside the directories of jobs and of all jobs that depend on them, so that they run again."""
    if mode not in ("remove", "move", "dryrun"):
        raise ValueError(f"mode {mode!r}: expected remove, move or dryrun")
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
    """Returns the engine of settings.py, created once."""
    global _engine
    if _engine is None:
        _engine = configured_engine()
    return _engine


_OF_UPSTREAM = (
    "BlockedWorkflow", "async_context", "block", "cleaner", "compare_graph", "export_graph", "find_path", "job_info", "migrate_graph",
    "print_graph", "reload_module", "reload_recipes", "replace_graph_objects", "run", "run_job", "set_root_block",
    "setup_job_directory", "setup_script_mode", "show_jobs_in_webserver", "start_manager", "sub_block", "submit_next_task",
)  # fmt: skip
__getattr__ = lacking(__name__, _OF_UPSTREAM, "tk")
