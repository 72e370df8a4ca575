"""Path and Variable: the inputs and outputs of jobs. A path knows the job that makes it; this is the dependency graph."""

import copy
import functools
import gzip
import logging
import os
import pickle
import warnings
from typing import Any

import sisyphus.global_settings as gs
from sisyphus.delayed_ops import DelayedBase
from sisyphus.hash import sis_hash_helper


def check_is_worker(get_func):
    """Decorates a function that returns a value: with the setting DELAYED_CHECK_FOR_WORKER, only workers may call it."""

    @functools.wraps(get_func)
    def checked(*args, **kwargs):
        if gs.DELAYED_CHECK_FOR_WORKER and gs.active_engine is None:  # which is so outside of workers
            raise RuntimeError(f"{get_func.__qualname__} outside of a worker, which DELAYED_CHECK_FOR_WORKER forbids")
        return get_func(*args, **kwargs)

    return checked


class VariableNotSet(Exception):
    """A variable was read before its job wrote it."""


class NoBackup:
    """Marks a variable without a backup value, since None is a possible one."""


class AbstractPath(DelayedBase):
    _sis_path = True  # extract_paths recognizes paths by this
    cacheing_enabled = False  # workers switch it on

    def __init__(self, path, creator=None, cached=False, hash_overwrite=None, tags=None, available=None):
        if not isinstance(path, str):
            raise TypeError(f"expected a path as a string, found {type(path).__qualname__} {path!r}")
        if gs.WARNING_ABSPATH and not hash_overwrite and path.startswith(gs.BASE_DIR):
            logging.warning(f"absolute path inside the current directory: {path}; give a relative one")
        self.creator = creator
        self.path = path
        self.cached = cached
        self.hash_overwrite = hash_overwrite
        self._tags = tags
        self._available = available
        self.users = set()  #: jobs that read it

    @property
    def hash_overwrite(self):
        """The pair (creator, path) that is hashed in place of the path's own, or None."""
        return self._hash_overwrite

    @hash_overwrite.setter
    def hash_overwrite(self, value):
        is_pair = isinstance(value, tuple) and len(value) == 2
        if value is not None and not isinstance(value, str) and not is_pair:
            raise TypeError(f"hash_overwrite: expected a string or a pair (creator, path), found {value!r}")
        self._hash_overwrite = (None, value) if isinstance(value, str) else value

    @property
    def tags(self):
        """Its own tags, or those of its job."""
        if self._tags is not None:
            return self._tags
        return set() if self.creator is None else self.creator.tags()

    @tags.setter
    def tags(self, value):
        self._tags = value

    def add_user(self, user):
        self.users.add(user)

    def get_needed_jobs(self, visited):
        """Returns the finished jobs whose outputs are still read until this path exists; visited: id → those of this job."""
        return set() if self.creator is None else self.creator._sis_get_needed_jobs(visited)

    def keep_value(self, value):
        if self.creator is None:
            logging.warning(f"no job makes {self}, so that it has no keep value")
        else:
            self.creator.keep_value(value)

    def _sis_hash(self):
        creator, path = self._hash_overwrite or (self.creator, self.path)
        if hasattr(creator, "_sis_id"):
            creator = f"{creator._sis_id()}/{gs.JOB_OUTPUT}"
        return b"(Path, " + sis_hash_helper((creator, path)) + b")"

    def available(self, debug_info: Any = None) -> bool:
        """Whether the path can be read: its job decides, or for a path without a job, the file system."""
        if getattr(self, "_available", None):
            return self._available(self)
        if self.creator is None:
            return os.path.exists(self.get_path())
        return self.creator.path_available(self)

    def is_set(self):
        return self.available()

    def rel_path(self):
        return self.path if self.creator is None else f"{self.creator._sis_path(gs.JOB_OUTPUT)}/{self.path}"

    def get_path(self) -> str:
        path = self.rel_path()
        return path if os.path.isabs(path) else f"{gs.BASE_DIR}/{path}"

    def get_cached_path(self) -> str:
        return gs.file_caching(self.get_path()) if AbstractPath.cacheing_enabled and self.cached else self.get_path()

    @check_is_worker
    def get(self):
        return self.get_path()

    def _sort_key(self):
        creator = self.creator._sis_id() if hasattr(self.creator, "_sis_id") else str(self.creator)
        return f"{creator} {self.path}"

    def __lt__(self, other):
        return self._sort_key() < other._sort_key()

    # unpickling and copying compare and hash objects whose attributes do not exist yet, hence the .get()
    def __eq__(self, other):
        if type(self) is not type(other):
            return False
        mine, its = self.__dict__, other.__dict__
        return mine.get("creator") == its.get("creator") and mine.get("path") == its.get("path")

    def __hash__(self):
        return hash((self.__dict__.get("creator"), self.__dict__.get("path")))

    def __getstate__(self):
        """Saves the location without the job: a worker needs to know where a path is, not how it was made."""
        state = self.__sis_state__()
        if "creator" in state:
            state.update(path=self.get_path(), creator=None)
        return state

    def __sis_state__(self):
        return {key: value for key, value in self.__dict__.items() if key != "users"}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self.users = set()

    def __deepcopy__(self, memo):
        new = memo[id(self)] = type(self).__new__(type(self))
        new.__setstate__({key: copy.deepcopy(value, memo) for key, value in self.__sis_state__().items()})
        return new


class Path(AbstractPath):
    """A file or directory: an existing one, or one that a job makes in its output directory."""

    path_type = "Path"

    def __str__(self) -> str:
        return self.get_cached_path()

    __fspath__ = __str__

    def __repr__(self):
        return repr(str(self)) if gs.LEGACY_PATH_CONVERSION else f"<Path {self.get_path()}>"

    def copy(self):
        new = type(self).__new__(type(self))
        new.__setstate__(self.__sis_state__())
        return new

    def copy_append(self, suffix):
        """Returns the path with a suffix. An overwritten hash gets the suffix as well, so that two suffixes are two inputs."""
        new = self.copy()
        new.path += suffix
        if self._hash_overwrite:
            creator, path = self._hash_overwrite
            new._hash_overwrite = (creator, path + suffix)
        return new

    def join_right(self, other):
        return self.copy_append("/" + other)

    # upstream marks these as deprecated

    def size(self):
        self._warn_of_reading("size")
        if not self.available():
            raise FileNotFoundError(f"size of {self.get_path()}: this path is not there yet")
        return os.path.getsize(self.get_path())

    def estimate_text_size(self):
        """Returns the size of the text in bytes, estimated if the file is compressed by gzip."""
        self._warn_of_reading("estimate_text_size")
        return int(self.size() * 3.5) if self.is_zipped() else self.size()

    def lines(self):
        self._warn_of_reading("lines")
        with gzip.open(str(self)) if self.is_zipped() else open(str(self), "rb") as file:
            return sum(1 for _ in file)

    def is_zipped(self):
        """Returns whether the file is compressed by gzip; None if it does not exist."""
        self._warn_of_reading("is_zipped")
        if not self.available():
            return None
        with open(self.get_path(), "rb") as file:
            zipped = file.read(2) == b"\x1f\x8b"
        if zipped != self.path.endswith(".gz"):
            logging.warning(f"{self.get_path()} is {'' if zipped else 'not '}compressed, in spite of its name")
        return zipped

    @staticmethod
    def _warn_of_reading(name):
        warnings.warn(f"Path.{name}() is deprecated: open the file instead", DeprecationWarning, stacklevel=3)


class Variable(AbstractPath):
    """A Python value in a file, stored as its repr or pickled."""

    path_type = "Variable"

    def __init__(self, path, creator=None, pickle=False, backup=NoBackup):
        super().__init__(path, creator)
        self.pickle = pickle
        self.backup = backup

    def is_set(self):
        return os.path.isfile(self.get_path())

    @check_is_worker
    def get(self):
        if not self.is_set():
            if self.backup is not NoBackup:
                return self.backup
            if gs.RAISE_VARIABLE_NOT_SET_EXCEPTION:
                raise VariableNotSet(f"variable {self.get_path()} has no value yet")
            return f"<UNFINISHED VARIABLE: {self.get_path()}>"
        if self.pickle:
            with gzip.open(self.get_path(), "rb") as file:
                return pickle.load(file)
        with open(self.get_path(), encoding="utf-8") as file:
            # not literal_eval: repr writes nan and inf, which are no literals
            return eval(file.read(), {"nan": float("nan"), "inf": float("inf")})

    def set(self, value: Any) -> None:
        if self.pickle:
            with gzip.open(self.get_path(), "wb") as file:
                pickle.dump(value, file)
        else:
            with open(self.get_path(), "w", encoding="utf-8") as file:
                file.write(f"{value!r}\n")

    def __str__(self):
        return str(self.get())

    def __repr__(self):
        if gs.LEGACY_VARIABLE_CONVERSION:
            return repr(self.get())
        value = f" {self.get()}" if self.is_set() else ""
        return f"<Variable {self.rel_path()}{value}>"
