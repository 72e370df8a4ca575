"""`DebianPackagesJob`: the files of Debian packages, without installing them."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from boulder.errors import DataError
from jobs.checked_job import CheckedJob
from sisyphus import Task, tk


class DebianPackagesJob(CheckedJob):
    """
    Unpacks Debian packages by `dpkg-deb`. `apt-get download` fetches them where no folder is given. Neither needs root.

    Outputs:
        out_root: folder with the files of the packages, laid out as in the root of a system that has them installed

    Hash: all arguments; `folder` only if given. The versions of the packages are in the log, not in the hash.
    """

    __sis_hash_exclude__ = {"folder": None}  # noqa: RUF012 (declared by Sisyphus)

    def __init__(self, *, packages: Sequence[str], folder: tk.Path | None = None) -> None:
        """
        :param packages: names
        :param folder: with the packages as files, `NAME_VERSION_ARCHITECTURE.deb`; or the root of a system that has them
            installed, or of a tree in which they were unpacked; None: fetch them
        """
        self.packages = packages
        self.folder = folder

        self.out_root = self.output_path("root", directory=True)

    def tasks(self) -> Iterator[Task]:
        yield Task("run", mini_task=True)

    def run(self) -> None:
        root = Path(self.out_root.get_path())
        if self.folder is None:
            with TemporaryDirectory(dir=".") as temporary:
                for package in self.packages:
                    _fetch(package, temporary)
                    _unpack(_found(package, Path(temporary)), root)
            return
        folder = Path(self.folder.get_path())
        if all((folder / "usr/share/doc" / package).is_dir() for package in self.packages):
            (root / "usr").unlink(missing_ok=True)
            (root / "usr").symlink_to((folder / "usr").resolve())
            print(f"{folder}: has the packages unpacked")
            return
        for package in self.packages:
            _unpack(_found(package, folder), root)


def _fetch(package: str, folder: str) -> None:
    _run(["apt-get", "download", package], folder, f"package {package}: cannot be fetched")


def _found(package: str, folder: Path) -> Path:
    """:return: the file of a package; of several versions, the last by name"""
    files = sorted(folder.glob(f"{package}_*.deb"))
    if not files:
        raise DataError(
            f"package {package}: found neither {package}_*.deb nor usr/share/doc/{package} in {folder}; "
            f"`apt-get download {package}` fetches the file"
        )
    return files[-1]


def _unpack(file: Path, root: Path) -> None:
    print(f"{file.name}: sha256 {hashlib.sha256(file.read_bytes()).hexdigest()}")
    _run(["dpkg-deb", "-x", str(file), str(root)], ".", f"package {file}: cannot be unpacked")


def _run(command: list[str], folder: str, failure: str) -> None:
    """:raises DataError: with the last line of the program's errors, and what else the user can do"""
    instead = "; or give DebianPackagesJob a folder with the packages"
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise DataError(f"{failure}: {command[0]} is not installed{instead}") from error
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip() and not line.startswith("W:")]
        raise DataError(f"{failure}: {lines[-1] if lines else f'{command[0]} ended with {done.returncode}'}{instead}")
