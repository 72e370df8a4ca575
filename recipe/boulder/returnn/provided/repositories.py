"""`returnn.import_`: imports modules from a repository by its name and version."""

import importlib.util
import os
import sys
import types
from pathlib import Path

from boulder.errors import ConfigError


def import_(repo: str, path: str, version: str | None = None) -> types.ModuleType:
    """
    Imports a module from the folder where RETURNN keeps its copies of repositories.

    Nothing is fetched: a plan must not depend on the internet.

    :param repo: "github.com/OWNER/NAME"
    :param path: path of the module or package within the repository
    :param version: date and commit, "20211231-0123abcd0123"; None for the working copy
    :raises ConfigError: if the repository or the module is missing
    """
    root = Path(os.environ.get("RETURNN_PKG_PATH") or Path.home() / "returnn" / "pkg")
    folder = root / (f"{repo}@v{version}" if version else repo)
    base = folder / path
    candidates = [base, base.with_name(base.name + ".py"), base / "__init__.py"]
    file = next((candidate for candidate in candidates if candidate.is_file()), None)
    if ".." in path or path.startswith("/"):
        raise ConfigError(f"import_: found path {path!r}, expected one within the repository {repo}")
    if file is None:
        if folder.is_dir():
            raise ConfigError(f"import_: {folder} has no module {path!r}")
        commit = f" and check out {version.partition('-')[2]}" if version else ""
        raise ConfigError(
            f"import_: Boulder fetches nothing: git clone https://{repo} to {folder}{commit}, or set RETURNN_PKG_PATH "
            "to where it is"
        )
    name = "returnn_import." + "".join(c if c.isalnum() else "_" for c in f"{repo}_{version}_{path}")
    if name in sys.modules:
        return sys.modules[name]
    package = [str(file.parent)] if file.name == "__init__.py" else None
    spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=package)
    if spec is None or spec.loader is None:
        raise ConfigError(f"import_: {file} is not a Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
