"""The examples of CONTRIBUTING.md are complete files that pass the tests it gives for them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PACKAGES = {
    "recipe/boulder/network/layers": "boulder.network.layers",
    "recipe/boulder/network/losses": "boulder.network.losses",
    "recipe/boulder/network/units": "boulder.network.units",
    "recipe/boulder/training/learning_rate": "boulder.training.learning_rate",
    "recipe/boulder/data": "boulder.data",
    "jobs": "jobs",
}
"""folder → package of its modules"""
REGISTER_UNIT = """
from boulder.network.units import names, zoneout_gru
names.IN_REC["zoneoutgru"] = zoneout_gru.ZoneoutGru
"""


def examples() -> dict[str, str]:
    """:return: Python blocks by the path in their first line"""
    blocks = re.findall(r"^```python\n(.*?)^```$", TEXT, flags=re.DOTALL | re.MULTILINE)
    return {block.split("\n", 1)[0].removeprefix("# "): block for block in blocks}


def conftest(paths: list[str]) -> str:
    """:return: a conftest.py that adds the examples to Boulder's packages and registers them"""
    lines = ["import importlib, pathlib", "import jobs", "folder = pathlib.Path(__file__).parent"]
    for folder, package in PACKAGES.items():
        lines.append(f"importlib.import_module({package!r}).__path__.append(str(folder / {folder!r}))")
    for path in map(Path, paths):
        if path.is_relative_to("recipe"):
            lines.append(f"importlib.import_module('{PACKAGES[str(path.parent)]}.{path.stem}')")
    return "\n".join(lines) + REGISTER_UNIT


def test_each_kind_has_an_example_with_a_test():
    folders = [str(Path(path).parent) for path in examples()]
    assert sorted(folders) == sorted(
        [
            *PACKAGES,
            "config",
            *["tests/network"] * 3,
            *(f"tests/{name}" for name in ("training", "data", "jobs", "config")),
        ]
    )


@pytest.mark.long
def test_the_examples_work(tmp_path):
    for path, block in examples().items():
        assert not (ROOT / path).exists(), f"{path} exists now; CONTRIBUTING.md needs another example"
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(block, encoding="utf-8")
    (tmp_path / "conftest.py").write_text(conftest(list(examples())), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "--import-mode=importlib", "-p", "no:cacheprovider", "tests"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^13 passed", done.stdout, flags=re.MULTILINE), done.stdout


@pytest.mark.parametrize("path", examples())
def test_the_examples_are_clean(path):
    for command in (["check", "--ignore=I001"], ["format", "--check"]):  # the modules they import are not in the tree
        ruff = [str(Path(sys.executable).with_name("ruff")), *command, "--stdin-filename", path, "-"]
        done = subprocess.run(ruff, input=examples()[path], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("target", re.findall(r"`make (?:EXTRA=\w+ )?([a-z-]+)", TEXT))
def test_the_targets_of_make_exist(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
