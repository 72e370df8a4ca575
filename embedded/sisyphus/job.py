"""Job: a class whose arguments specify a computation. Equal arguments give the same object, identified by its id."""

import copy
import functools
import inspect
import logging
import os
from collections.abc import Iterator
from typing import Any, TypeVar

import sisyphus.global_settings as gs
from sisyphus import tools
from sisyphus.for_recipes import sh
from sisyphus.hash import ALPHABET
from sisyphus.job_directory import JobDirectory
from sisyphus.job_directory import job_finished as job_finished
from sisyphus.job_path import AbstractPath, Path, Variable
from sisyphus.job_state import JobState
from sisyphus.task import Task

created_jobs = {}  #: id → job
HASH_CHARACTERS = set(ALPHABET + ".-_/")
TAG_CHARACTERS = set(ALPHABET + ".-_")
T = TypeVar("T", bound="Job")
SET_DEFAULT_WARNING_COUNT = 0


@functools.cache
def _lock(number):
    import multiprocessing  # not at the top: few recipes need locks

    return multiprocessing.Lock()


def __getattr__(name):
    if name == "sis_global_lock":
        return _lock(None)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def get_args(f, args, kwargs) -> dict:
    """Returns the arguments of a method by name, with its defaults, without self."""
    arguments = inspect.getcallargs(f, None, *args, **kwargs)
    return dict(list(arguments.items())[1:])


_signature = functools.cache(inspect.signature)


class JobSingleton(type):
    """Creates one job per id."""

    def __call__(cls, *args, **kwargs):
        tags = kwargs.pop("sis_tags", None)
        if not set().union(*(tags or ())) <= TAG_CHARACTERS:
            raise ValueError(f"sis_tags={tags!r}: expected texts of letters, digits and .-_")
        try:
            bound = _signature(cls.__init__).bind(None, *args, **kwargs)
        except TypeError as error:
            raise TypeError(f"arguments of {cls.__module__}.{cls.__qualname__}: {error}") from None
        bound.apply_defaults()
        parsed_args = dict(list(bound.arguments.items())[1:])  # without self

        # old set-ups import recipes from "recipe.", which must not change their ids
        module = cls.__module__.removeprefix(gs.RECIPE_PREFIX + ".")
        sis_id = f"{module.replace('.', '/')}/{cls.__name__}.{cls._sis_hash_static(parsed_args)}"
        job = created_jobs.get(sis_id)
        if job is None:
            job = cls.__new__(cls, sis_id)
            try:
                job._sis_id_cache = sis_id
                job._sis_tags = _tags_of_inputs(parsed_args) if tags is None else tags
                job._sis_init(*copy.deepcopy((args, kwargs, parsed_args)))
            except BaseException:
                del created_jobs[sis_id]
                raise
        job._sis_alias_prefixes.add(gs.ALIAS_AND_OUTPUT_SUBDIR)
        return job

    def state_init(cls, state):
        """Returns a job with these attributes."""
        job = cls.__new__(cls, state["_sis_id_cache"])
        job.__dict__.update(state)
        return job


def _tags_of_inputs(args):
    return set().union(*(path.tags for path in tools.extract_paths(args)))


class Job(JobState, JobDirectory, metaclass=JobSingleton):
    """Subclasses declare outputs in __init__ and define tasks(). All arguments of __init__ enter the hash."""

    __sis_version__ = None  #: change it to give all jobs of the class new ids
    __sis_hash_exclude__ = {}  # noqa: RUF012  #: {argument: value that does not enter the hash}, for arguments added later
    __sis_hash_overwrite__ = []  # noqa: RUF012  #: [(argument, value, value that enters the hash instead)]
    __sis_preload__: tuple = ()  #: modules that its tasks import, which local workers find imported; not upstream's

    def __new__(cls, sis_id):
        """Also called by pickle, so that a job loaded twice is one object."""
        if sis_id not in created_jobs:
            created_jobs[sis_id] = super().__new__(cls)
        return created_jobs[sis_id]

    def _sis_init(self, args, kwargs, parsed_args):
        """Sets the attributes that upstream's worker and manager expect in job.save, then calls the job's own __init__."""
        self._sis_aliases = None
        self._sis_alias_prefixes = set()
        self._sis_vis_name = None
        self._sis_output_dirs = set()
        self._sis_outputs = {}
        self._sis_keep_value = None
        self._sis_hold_job = False
        self._sis_worker_wrapper = gs.worker_wrapper
        self._sis_kwargs = parsed_args
        self._sis_task_rqmt_overwrite = {}
        self._sis_is_finished = False
        self._sis_finished_recent_check_time = float("-inf")
        self._sis_setup_since_restart = False
        self._sis_environment = tools.default_environment()
        self._sis_quiet = False
        self._sis_needed_for_which_targets = set()
        self._sis_stacktrace = []
        self._sis_inputs = set()
        if gs.AUTO_SET_JOB_INIT_ATTRIBUTES:
            self.set_attrs(parsed_args)
        self.__init__(*args, **kwargs)
        found = tools.extract_paths([self.__dict__, args, kwargs])
        for path in found:
            if path.creator is not self:
                self.add_input(path)

    # identity

    @classmethod
    def hash(cls, parsed_args: dict) -> str:
        """Returns the hash in the id. Override it to control what enters the hash."""
        excluded = cls.__sis_hash_exclude__
        counted = {k: v for k, v in parsed_args.items() if k not in excluded or excluded[k] != v}
        for name, value, counts_as in cls.__sis_hash_overwrite__:
            if name in counted and counted[name] == value:
                counted[name] = counts_as
        return tools.sis_hash(counted if cls.__sis_version__ is None else (counted, cls.__sis_version__))

    @classmethod
    def _sis_hash_static(cls, parsed_args):
        name = cls.hash(parsed_args)
        if not isinstance(name, str) or not set(name) <= HASH_CHARACTERS:
            raise ValueError(f"{cls.__qualname__}.hash() gave {name!r}: expected a string of letters, digits and .-_/")
        return name

    def _sis_id(self) -> str:
        return self._sis_id_cache

    def job_id(self) -> str:
        return self._sis_id()

    def _sis_hash(self):
        return self._sis_id().encode()

    def __eq__(self, other):
        return self is other or (
            type(self) is type(other) and self.__dict__.get("_sis_id_cache") == other.__dict__.get("_sis_id_cache")
        )

    def __hash__(self):
        return hash(self.__dict__.get("_sis_id_cache"))

    def __lt__(self, other):
        return self._sis_id() < other._sis_id()

    def __deepcopy__(self, memo):
        return self

    def __str__(self):
        alias, path = self.get_one_alias(), self._sis_path()
        if alias is None:
            return f"Job<{path}>"
        prefix = next(iter(self._sis_alias_prefixes), "")
        return f"Job<{os.path.join(gs.ALIAS_DIR, prefix, alias)} {path}>"

    __repr__ = __str__

    # methods to override

    def tasks(self) -> Iterator[Task]:
        """Yields the tasks in the order in which they run."""
        yield Task("run")

    def info(self) -> str | None:
        """Returns one line about a running job for the manager's listing."""
        return None

    def completed_fraction(self) -> float | None:
        """Returns the progress, from 0 to 1. A submission that got further than the one before does not count as a retry."""
        return None

    def path_available(self, path):
        """Whether an output can be used. Override it to release outputs before the job has finished."""
        return self._sis_finished()

    # methods for job classes to call

    def output_path(self, filename: str, directory: bool = False, cached: bool = False) -> Path:
        path = Path(filename, self, cached)
        if path.get_path() in self._sis_outputs:
            logging.warning(f"output {filename} of {self} was declared twice")
            return self._sis_outputs[path.get_path()]
        self._sis_outputs[path.get_path()] = path
        if directory:
            self._sis_output_dirs.add(path)
        return path

    def output_var(self, filename: str, pickle: bool = False, backup: Any = None) -> Variable:
        var = Variable(filename, self, pickle=pickle, backup=backup)
        if var.get_path() in self._sis_outputs:
            raise ValueError(f"{type(self).__qualname__} declares the output {filename} twice: rename one")
        self._sis_outputs[var.get_path()] = var
        return var

    def add_input(self, path):
        if not isinstance(path, AbstractPath):
            raise TypeError(f"an input is a Path or Variable, not {path!r}")
        self._sis_inputs.add(path)
        path.add_user(self)
        return path

    def set_attrs(self, attrs):
        """Sets attributes, except those that are there: `self.set_attrs(locals())` in __init__ keeps its arguments."""
        for name, value in attrs.items():
            if name == "self" and value is self:
                continue
            if hasattr(self, name):
                logging.warning(f"{self} has an attribute {name!r} already, which stays: {value!r} is ignored")
            else:
                setattr(self, name, value)

    def set_default(self, name, value):
        """Sets an attribute that is None. Upstream discourages it."""
        global SET_DEFAULT_WARNING_COUNT
        SET_DEFAULT_WARNING_COUNT += 1
        if SET_DEFAULT_WARNING_COUNT <= 10:
            logging.warning(f"set_default is deprecated; set {name!r} of {self} to {value!r} yourself")
        if getattr(self, name) is None:
            setattr(self, name, value)
            if isinstance(value, AbstractPath):
                self.add_input(value)

    # methods for configs to call

    def add_alias(self, alias):
        self._sis_aliases = (self._sis_aliases or set()) | {alias}
        return self

    def get_aliases(self) -> set[str] | None:
        return self._sis_aliases

    def get_one_alias(self):
        return min(self._sis_aliases, default=None) if self._sis_aliases else None

    def tags(self) -> set[str]:
        """Returns its `sis_tags`, by default the tags of its inputs."""
        return self._sis_tags

    def _sis_get_needed_jobs(self, visited):
        """Returns itself if it has finished, else the finished jobs whose outputs it needs; visited: see AbstractPath."""
        if self._sis_id() not in visited:
            needed = {self} if self._sis_finished() else set()
            if not needed:
                for path in self._sis_inputs:
                    needed |= path.get_needed_jobs(visited)
            visited[self._sis_id()] = needed
        return visited[self._sis_id()]

    def set_vis_name(self, vis_name):
        self._sis_vis_name = vis_name
        return self

    def get_vis_name(self):
        return self._sis_vis_name

    def keep_value(self, value=None):
        """Gets or sets the value of the outputs, from 0 to 99, by which upstream's clean-up decides."""
        if value is not None and not 0 <= value < 100:
            raise ValueError(f"keep value {value!r}: expected a number from 0 to 99")
        self._sis_keep_value = self._sis_keep_value if value is None else value
        return self._sis_keep_value

    def set_keep_value(self, value):
        self.keep_value(value)
        return self

    _lock_index = -1

    @classmethod
    def get_lock(cls):
        """Returns one of JOB_MAX_NUMBER_OF_LOCKS locks, each in turn."""
        Job._lock_index = (Job._lock_index + 1) % gs.JOB_MAX_NUMBER_OF_LOCKS
        return _lock(Job._lock_index)

    def work_path(self):
        return self._sis_path(gs.JOB_WORK_DIR)

    def sh(self, command, *args, **options):
        """Runs a command of the shell, in which {name} is an attribute of the job; see `sisyphus.for_recipes.sh`."""
        return sh(command, *args, sis_replace=vars(self), **options)

    def set_rqmt(self, task_name, rqmt):
        self._sis_task_rqmt_overwrite[task_name] = dict(rqmt), True
        return self

    def update_rqmt(self, task_name, rqmt):
        self._sis_task_rqmt_overwrite[task_name] = dict(rqmt), False
        return self

    def set_env(self, key, value, *, verbatim=True):
        (self._sis_environment.set_verbatim if verbatim else self._sis_environment.set)(key, value)

    def hold(self):
        """Keeps the job from being started. The jobs that it depends on still run."""
        self._sis_hold_job = True


class _SuppressedStacktraces:
    """A marker in upstream's job.save that it kept no more stack traces; needed to unpickle it."""
