"""Path and Variable: what jobs hand to each other. A path knows the job that makes it; that is the dependency graph."""

import copy
import gzip
import logging
import os
import pickle

import sisyphus.global_settings as gs
from sisyphus.delayed_ops import DelayedBase
from sisyphus.hash import sis_hash_helper


class VariableNotSet(Exception):
    """A variable was read before its job wrote it."""


class NoBackup:
    """Marks a variable without a backup value (None could be one)."""


class AbstractPath(DelayedBase):
    _sis_path = True  # how extract_paths knows one
    cacheing_enabled = False  # workers switch it on

    def __init__(self, path, creator=None, cached=False, hash_overwrite=None, tags=None, available=None):
        if not isinstance(path, str):
            raise TypeError(f"a path is given as a string, not as {type(path).__qualname__}: {path!r}")
        if hash_overwrite is not None and not isinstance(hash_overwrite, (str, tuple)):
            raise TypeError(f"hash_overwrite is a string or a pair (creator, path), not {hash_overwrite!r}")
        if not hash_overwrite and path.startswith(gs.BASE_DIR):
            logging.warning(f"absolute path inside the current directory, give it relative: {path}")
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

    def available(self, debug_info=None):
        """Whether it can be read: its job says so, or for a path without a job, the file system."""
        if getattr(self, "_available", None):
            return self._available(self)
        if self.creator is None:
            return os.path.exists(self.get_path())
        return self.creator.path_available(self)

    def is_set(self):
        return self.available()

    def rel_path(self):
        return self.path if self.creator is None else f"{self.creator._sis_path(gs.JOB_OUTPUT)}/{self.path}"

    def get_path(self):
        path = self.rel_path()
        return path if os.path.isabs(path) else f"{gs.BASE_DIR}/{path}"

    def get_cached_path(self):
        return gs.file_caching(self.get_path()) if AbstractPath.cacheing_enabled and self.cached else self.get_path()

    def get(self):
        return self.get_path()

    def _sort_key(self):
        creator = self.creator._sis_id() if hasattr(self.creator, "_sis_id") else str(self.creator)
        return f"{creator} {self.path}"

    def __lt__(self, other):
        return self._sort_key() < other._sort_key()

    # unpickling and copying compare and hash objects whose attributes are not there yet, hence the .get()
    def __eq__(self, other):
        if type(self) is not type(other):
            return False
        mine, its = self.__dict__, other.__dict__
        return mine.get("creator") == its.get("creator") and mine.get("path") == its.get("path")

    def __hash__(self):
        return hash((self.__dict__.get("creator"), self.__dict__.get("path")))

    def __getstate__(self):
        """Saved without its job: a worker needs to know where a path is, not how it was made."""
        state = dict(self.__dict__)
        if "creator" in state:
            state.update(path=self.get_path(), creator=None)
        return state

    def __deepcopy__(self, memo):
        new = memo[id(self)] = type(self).__new__(type(self))
        new.__dict__.update({key: copy.deepcopy(value, memo) for key, value in self.__dict__.items()})
        return new


class Path(AbstractPath):
    """A file or directory, given as is or made by a job inside its output directory."""

    path_type = "Path"

    def __str__(self):
        return self.get_cached_path()

    __fspath__ = __str__

    def __repr__(self):
        return f"<Path {self.get_path()}>"

    def copy_append(self, suffix):
        """The path with a suffix; an overwritten hash gets it too, so that two suffixes stay two inputs."""
        new = copy.deepcopy(self)
        new.path += suffix
        if self._hash_overwrite:
            creator, path = self._hash_overwrite
            new._hash_overwrite = (creator, path + suffix)
        return new

    def join_right(self, other):
        return self.copy_append("/" + other)


class Variable(AbstractPath):
    """A Python value in a file, as its repr or pickled."""

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

    def set(self, value):
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
