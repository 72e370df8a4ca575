"""`returnn.import_`: imports modules from a repository by its name and version."""

import os
import sys
import types
from pathlib import Path

from boulder.errors import ConfigError
from boulder.returnn.repository_modules import (
    PREFIX,
    RepositoryFinder,
    imported,
    name_within,
    same_version,
    working_copy,
)


def import_(repo: str, path: str, version: str | None = None) -> types.ModuleType:
    """
    Imports a module or package from the folder where RETURNN keeps its copies of repositories (RETURNN_PKG_PATH).

    Nothing is fetched, since a plan must not depend on the internet. (RETURNN: clones what is missing.) All modules of the
    repository can then be imported as `returnn_import.…`. In a worker, the modules are those that the config has imported,
    as they were then.

    :param repo: "github.com/OWNER/NAME"
    :param path: path of the module or package within the repository
    :param version: date and commit, "20211231-0123abcd0123"; None for the working copy
    :raises ConfigError: if the repository or the module is missing
    """
    parts = Path(path).parts
    if not path or ".." in parts or Path(path).is_absolute():
        raise ConfigError(f"import_: found path {path!r}, expected one within the repository {repo}")
    finder = next((finder for finder in sys.meta_path if isinstance(finder, RepositoryFinder)), None)
    if finder is None:
        return _in_worker(repo, path, version)
    packages = Path(os.environ.get("RETURNN_PKG_PATH") or Path.home() / "returnn" / "pkg").absolute()
    return imported(finder, repo, working_copy(packages, repo, version), path)


def _in_worker(repo: str, path: str, version: str | None) -> types.ModuleType:
    asked = name_within(repo, Path(f"{repo}@v{version}" if version else repo), path).split(".")
    position = repo.count("/") + 2  # of the version
    for name, module in list(sys.modules.items()):
        parts = name.split(".")
        if parts[0] != PREFIX or len(parts) != len(asked):
            continue
        versions = parts.pop(position), asked[position]
        if parts == asked[:position] + asked[position + 1 :] and (
            versions[0] == versions[1] or same_version(*versions)
        ):
            return module
    raise ConfigError(
        f"import_({repo!r}, {path!r}, {version!r}) in a function that computes: expected this call also at the top of the "
        "config, so that the module travels with the function"
    )
