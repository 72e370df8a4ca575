"""Functions that recipes use in their jobs and at their head, such as `Path = setup_path(__package__)`."""

import contextlib
import gzip
import importlib
import logging
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from typing import Any

import sisyphus.global_settings as gs
from sisyphus.job_path import Path


class Object:
    """Takes any attributes."""


class RelPath:
    """Makes paths relative to a folder; their hashes name the package in place of the folder."""

    def __init__(self, origin: str, hash_overwrite: str | None = None) -> None:
        self.origin, self.hash_overwrite = origin, hash_overwrite

    def __call__(self, path: str, *args: Any, **options: Any) -> Path:
        """
        :param args, options: further arguments of `Path`, of which the third is `hash_overwrite`
        """
        if self.hash_overwrite and "hash_overwrite" not in options and len(args) < 3:
            options["hash_overwrite"] = os.path.join(self.hash_overwrite, path)
        here = path if os.path.isabs(path) else os.path.relpath(os.path.join(self.origin, path))
        return Path(here, *args, **options)


def setup_path(package: str) -> RelPath:
    """
    :param package: `__package__` of the caller
    :return: makes paths relative to the folder of the package
    """
    if not package:
        raise ValueError("setup_path: found no package; expected __package__ of a module in a package")
    module = importlib.import_module(package)
    file = module.__file__
    if file is None:
        raise ValueError(
            f"setup_path: package {package!r} needs a file {os.path.join(*list(module.__path__)[:1], '__init__.py')}"
        )
    return RelPath(os.path.relpath(os.path.dirname(file)), hash_overwrite=package.replace(".", "/"))


def input_path(path: Path | str) -> Path:
    if isinstance(path, str):
        return Path(path)
    if not isinstance(path, Path):
        raise TypeError(f"input_path: found {path!r:.80}, expected a Path or a str")
    return path


def is_path(path: object) -> bool:
    return isinstance(path, Path)


def uncached_path(path: Path | str) -> str:
    return path.get_path() if isinstance(path, Path) else str(path)


def bundle_to_str(bundle: Iterable) -> str:
    """:return: the items, separated by spaces; those of a set in their order"""
    return " ".join(map(str, sorted(bundle) if isinstance(bundle, set) else bundle))


def zipped(filename: Path | str) -> bool:
    """:return: whether the file is compressed by gzip"""
    with open(str(filename), "rb") as file:
        return file.read(2) == b"\x1f\x8b"


@contextlib.contextmanager
def mktemp() -> Iterator[str]:
    """:return: a name for a temporary file or folder, which is removed in the end"""
    folder = tempfile.mkdtemp(prefix=gs.TMP_PREFIX)
    try:
        yield os.path.join(folder, "temp")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def dump(obj: Any, filename: str) -> None:
    """Pickles an object into a file compressed by gzip."""
    folder = os.path.dirname(filename)
    if folder:
        os.makedirs(folder, exist_ok=True)
    with gzip.open(filename, "wb") as file:
        pickle.dump(obj, file)


def load_file(path: str) -> Any:
    """:return: the object of a pickle, which may be compressed by gzip"""
    with gzip.open(path, "rb") if zipped(path) else open(path, "rb") as file:
        return pickle.load(file)


def sh(
    command: str,
    capture_output: bool = False,
    pipefail: bool = True,
    executable: str | None = None,
    except_return_codes: tuple[int, ...] = (0,),
    sis_quiet: bool = False,
    sis_replace: dict[str, Any] | None = None,
    include_stderr: bool = False,
    **replace: Any,
) -> str | None:
    """
    Runs a command of the shell, in which {name} is replaced.

    :param pipefail: whether an error in any part of a pipe is one of the command
    :param except_return_codes: exit codes that are no errors
    :return: what the command writes, with `capture_output`
    :raises subprocess.CalledProcessError: for another exit code
    """
    command = command.format(**{**(sis_replace or {}), **replace})
    if not sis_quiet:
        logging.info("runs in a shell%s: %s", ", reads its output" if capture_output else "", command)
    sys.stdout.flush()
    sys.stderr.flush()
    if executable is None:
        executable = "/bin/bash"
        if pipefail:
            command = f"set -ueo pipefail && {command}"
    errors = subprocess.STDOUT if capture_output and include_stderr else None
    output = subprocess.PIPE if capture_output else None
    done = subprocess.run(command, shell=True, executable=executable, stdout=output, stderr=errors, check=False)
    if done.returncode and done.returncode not in except_return_codes:
        raise subprocess.CalledProcessError(done.returncode, command, done.stdout)
    return done.stdout.decode() if capture_output else None
