"""Path and Variable: the inputs and outputs of jobs. A path knows the job that makes it; this is the dependency graph."""

import copy
import gzip
import logging
import os
import pickle
from typing import Any

import sisyphus.global_settings as gs
from sisyphus.delayed_ops import DelayedBase
from sisyphus.hash import sis_hash_helper


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
        if hash_overwrite is not None and not isinstance(hash_overwrite, (str, tuple)):
            raise TypeError(f"hash_overwrite: expected a string or a pair (creator, path), found {hash_overwrite!r}")
        if not hash_overwrite and path.startswith(gs.BASE_DIR):
            logging.warning(f"absolute path inside the current directory: {path}; give a relative one")
        self.creator = creator
        self.path = path
        self.cached = cached
        self._hash_overwrite = (None, hash_overwrite) if isinstance(hash_overwrite, str) else hash_overwrite
        self._tags = tags
        self._available = available

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
        state = dict(self.__dict__)
        if "creator" in state:
            state.update(path=self.get_path(), creator=None)
        return state

    def __deepcopy__(self, memo):
        new = memo[id(self)] = type(self).__new__(type(self))
        new.__dict__.update({key: copy.deepcopy(value, memo) for key, value in self.__dict__.items()})
        return new


class Path(AbstractPath):
    """A file or directory: an existing one, or one that a job makes in its output directory."""

    path_type = "Path"

    def __str__(self) -> str:
        return self.get_cached_path()

    __fspath__ = __str__

    def __repr__(self):
        return f"<Path {self.get_path()}>"

    def copy_append(self, suffix):
        """Returns the path with a suffix. An overwritten hash gets the suffix as well, so that two suffixes are two inputs."""
        new = copy.deepcopy(self)
        new.path += suffix
        if self._hash_overwrite:
            creator, path = self._hash_overwrite
            new._hash_overwrite = (creator, path + suffix)
        return new

    def join_right(self, other):
        return self.copy_append("/" + other)


class Variable(AbstractPath):
    """A Python value in a file, stored as its repr or pickled."""

    path_type = "Variable"

    def __init__(self, path, creator=None, pickle=False, backup=NoBackup):
        super().__init__(path, creator)
        self.pickle = pickle
        self.backup = backup

    def is_set(self):
        return os.path.isfile(self.get_path())

    def get(self):
        if not self.is_set():
            if self.backup is NoBackup:
                raise VariableNotSet(f"variable {self.get_path()} has no value yet")
            return self.backup
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
        value = f" {self.get()}" if self.is_set() else ""
        return f"<Variable {self.rel_path()}{value}>"
