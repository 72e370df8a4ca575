"""Modules of repositories have the names and contents that RETURNN's `import_` gives them."""

import json
import os
import subprocess
import sys

import pytest

from boulder.returnn import load_config
from tests.returnn.test_repository_modules import REPO, write_repository
from tests.returnn.test_surroundings import write

pytestmark = pytest.mark.parity

VERSIONS = [None, "20211231-0123abc", "20211231185900-0123abcd0123"]
PATHS = ["common", "common/", "common/models/nets", "./common/models/sizes.py", "plain/deep.py"]
PROGRAM = f"""
import sys
from returnn.import_ import import_
found = []
for version in {VERSIONS!r}:
    for path in {PATHS!r}:
        module = import_({REPO!r}, path, version)
        assert sys.modules[module.__name__] is module
        known = {{name: value for name, value in vars(module).items() if name in ("WIDTH", "SCALE", "DEEP")}}
        found.append([module.__name__, known])
"""


def test_names_and_contents(tmp_path, monkeypatch):
    repo = tmp_path / "pkg" / REPO
    write_repository(repo, **{"plain/deep.py": "DEEP = 3"})
    write_repository(
        repo.with_name(f"{repo.name}@v20211231185900-0123abcd0123"),
        **{"common/models/sizes.py": "WIDTH = 7", "plain/deep.py": "DEEP = 4"},
    )
    git = ["git", "-C", repo, "-c", "user.name=me", "-c", "user.email=me"]  # RETURNN tells the state of a working copy
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "all"]):
        subprocess.run([*git, *command], check=True)
    monkeypatch.setenv("RETURNN_PKG_PATH", str(tmp_path / "pkg"))
    program = PROGRAM + "import json\njson.dump(found, sys.stdout)"
    environment = os.environ | {"RETURNN_PKG_IMPORT_PATH": str(tmp_path / "links")}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = load_config(write(tmp_path / "configs", PROGRAM)).values["found"]
    assert found == json.loads(done.stdout)
