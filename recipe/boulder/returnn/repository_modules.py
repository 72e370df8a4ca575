"""Modules of repositories, under the names that RETURNN gives them once `import_` has made the repository known.

    import_("github.com/me/my-nets", "common/lstm.py", "20211231-0123abcd0123")
    import returnn_import.github_com.me.my_nets.v20211231_0123abcd0123.common.lstm

The name of a module consists of those of the repository, of the folder that holds this version (`dev` for None) and of the
path in it, with `_` for `.` and `-`.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import re
import types
from collections.abc import Sequence
from pathlib import Path

from boulder.errors import ConfigError, nearest

PREFIX = "returnn_import"
"""The package of all these modules."""
VERSION = re.compile(r"(\d{8}(?:\d\d){0,3})-([0-9a-f]{7,40})")
"""Date, perhaps with the time, and commit"""


def is_of_repository(name: str) -> bool:
    """:return: whether a module of this name belongs to a repository"""
    return name.partition(".")[0] == PREFIX


def normalized(name: str) -> str:
    """:return: `github_com` for `github.com`"""
    return name.replace(".", "_").replace("-", "_")


def same_version(a: str, b: str) -> bool:
    """:return: whether `20211231-0123abcd` and `20211231180000-0123abcd0123`, of equal shape, agree in date and commit"""
    parts = list(zip(re.split("[-_]", a), re.split("[-_]", b), strict=False))
    return len(parts) == 2 and all(x.startswith(y) or y.startswith(x) for x, y in parts)


def working_copy(packages: Path, repo: str, version: str | None) -> Path:
    """
    :param packages: the folder of all repositories
    :return: the folder that holds this version; that of RETURNN may have a longer date or commit in its name
    :raises ConfigError: if there is none
    """
    if ".." in repo or ":" in repo or repo.startswith("/") or "/" not in repo:
        raise ConfigError(f"import_: found repository {repo!r}, expected one such as 'github.com/OWNER/NAME'")
    clone = packages / repo
    if version is None:
        if clone.is_dir():
            return clone
        raise ConfigError(f"import_: {_NO_FETCH}git clone https://{repo} {clone}{_OR_ELSEWHERE}")
    if not VERSION.fullmatch(version):
        raise ConfigError(
            f"import_: found version {version!r}, expected DATE-COMMIT such as '20211231-0123abcd0123', or None"
        )
    prefix = f"{clone.name}@v"
    found = sorted(clone.parent.glob(f"{prefix}*")) if clone.parent.is_dir() else []
    exact = clone.with_name(prefix + version)
    for folder in (exact, *found):
        if folder.is_dir() and same_version(folder.name.removeprefix(prefix), version):
            return folder
    commit = version.partition("-")[2]
    add = f"git -C {clone} worktree add {exact} {commit}"
    steps = add if clone.is_dir() else f"git clone https://{repo} {clone} && {add}"
    raise ConfigError(f"import_: {_NO_FETCH}{steps}{_OR_ELSEWHERE}")


_NO_FETCH = "Boulder fetches nothing: "
_OR_ELSEWHERE = ", or set RETURNN_PKG_PATH to the folder that holds it"


def name_within(repo: str, folder: Path, path: str) -> str:
    """
    :param folder: the working copy
    :param path: of a file or folder in it
    :return: name of the module
    """
    _, at, version = folder.name.partition("@v")
    parts = [*repo.split("/"), f"v{version}" if at else "dev", *Path(path.removesuffix(".py")).parts]
    return ".".join([PREFIX, *map(normalized, parts)])


class RepositoryFinder(importlib.abc.MetaPathFinder):
    """Import hook for modules of the repositories that are known."""

    def __init__(self) -> None:
        self.folders: dict[str, Path] = {}
        """Module name of a version → its working copy"""

    def make_known(self, repo: str, folder: Path) -> None:
        self.folders[name_within(repo, folder, "")] = folder

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if not is_of_repository(fullname):
            return None
        if any(version.startswith(f"{fullname}.") for version in self.folders):  # github_com, github_com.me, …
            return importlib.machinery.ModuleSpec(fullname, _Folder(), is_package=True)
        name = self._known_name(fullname)
        if name != fullname:
            return importlib.machinery.ModuleSpec(fullname, _SameModule(name))
        version = next(known for known in self.folders if f"{fullname}.".startswith(f"{known}."))
        place: Path | None = self.folders[version]
        for part in fullname[len(version) + 1 :].split("."):
            place = _within(place, part) if part and place else place
        return _spec(fullname, place) if place else None

    def _known_name(self, fullname: str) -> str:
        """
        :return: the name, with its version as the name of the working copy has it
        :raises ModuleNotFoundError: if `import_` has not made the version known
        """
        parts = fullname.split(".")
        for version in self.folders:
            known = version.split(".")
            asked = parts[: len(known)]
            if asked[:-1] == known[:-1] and (asked == known or same_version(asked[-1], known[-1])):
                return ".".join([*known, *parts[len(known) :]])
        known = sorted(self.folders)
        hint = f"; known: {', '.join(known)}" if known else ""
        raise ModuleNotFoundError(
            f"{fullname}: expected a call such as import_('github.com/OWNER/NAME', 'PATH', VERSION) before{hint}",
            name=fullname,
        )


class AbsentFinder(importlib.abc.MetaPathFinder):
    """Import hook that keeps a worker from modules whose files may have changed since the config was read."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: types.ModuleType | None = None
    ) -> None:
        if is_of_repository(fullname):
            raise ModuleNotFoundError(
                f"{fullname} did not travel with the function that imports it; import it at the top of the config",
                name=fullname,
            )


def _within(folder: Path, name: str) -> Path | None:
    """:return: the folder or file of a module or package; as Python, prefers a package to a file to a mere folder"""
    if not folder.is_dir():
        return None
    entries = [entry for entry in folder.iterdir() if entry.is_dir() or entry.suffix == ".py"]
    names = {entry: entry.name if entry.is_dir() else entry.stem for entry in entries}
    fitting = [entry for entry in entries if normalized(names[entry]) == normalized(name)]

    def order(entry: Path) -> tuple:
        is_package, is_file = (entry / "__init__.py").is_file(), not entry.is_dir()
        return names[entry] != name, not is_package, not is_file, entry.name

    return min(fitting, key=order, default=None)


def _spec(name: str, place: Path) -> importlib.machinery.ModuleSpec | None:
    if not place.is_dir():
        return importlib.util.spec_from_file_location(name, place)
    init = place / "__init__.py"
    if init.is_file():
        return importlib.util.spec_from_file_location(name, init, submodule_search_locations=[str(place)])
    spec = importlib.machinery.ModuleSpec(name, _Folder(), is_package=True)
    spec.submodule_search_locations = [str(place)]
    return spec


class _Folder(importlib.abc.Loader):
    """Loads a package without code of its own."""

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        return None

    def exec_module(self, module: types.ModuleType) -> None:
        pass


class _SameModule(importlib.abc.Loader):
    """Loads a module under a second name, with a shorter or longer version."""

    def __init__(self, name: str) -> None:
        self.name = name

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        module = importlib.import_module(self.name)
        self.spec = module.__spec__
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        module.__spec__ = self.spec  # the import system has just replaced it


def imported(finder: RepositoryFinder, repo: str, folder: Path, path: str) -> types.ModuleType:
    """
    Makes a working copy known and imports a module from it.

    :raises ConfigError: if there is no such module
    """
    finder.make_known(repo, folder)
    place = folder
    for part in Path(path.removesuffix(".py")).parts:
        inside = _within(place, part)
        if inside is None:
            there = sorted(entry.name for entry in place.iterdir()) if place.is_dir() else []
            raise ConfigError(f"import_: {place} has no module {part!r}{nearest(part, there)}")
        place = inside
    return importlib.import_module(name_within(repo, folder, path))
