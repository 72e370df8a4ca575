"""Tests without the marker of a system package see the programs of a bare machine only."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import SYSTEM_PACKAGES

ROOT = Path(__file__).resolve().parent.parent
OF_CLUSTERS = ("sbatch", "srun", "scontrol", "squeue", "sacct", "sinfo", "munge", "qsub", "qstat", "qrsh", "qconf")
OTHERS = ("git", "chromium", "gcc", "node", "ssh", "nvidia-smi")

TESTS = """
import shutil
import pytest

def test_unmarked():
    assert shutil.which("qsub") is None

@pytest.fixture(scope="module")
def found():
    return shutil.which("qsub")

@pytest.mark.gridengine
def test_marked(found):
    assert found

@pytest.mark.slurm
def test_another_marker():
    raise AssertionError("Slurm is not installed")
"""


def test_an_unmarked_test_finds_the_base_system_only():
    programs = {*OF_CLUSTERS, *OTHERS, *(program for needed in SYSTEM_PACKAGES.values() for program in needed)}
    assert {program for program in programs if shutil.which(program)} == set()
    for program in ("sh", "bash", "make", "python3", "sleep", "sed"):
        assert shutil.which(program), program


def test_python3_of_the_bare_path_is_the_one_that_built_the_environment():
    program = "import sys; print(*sys.version_info[:3])"
    found = subprocess.run(["python3", "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert tuple(map(int, found)) == sys.version_info[:3]


@pytest.mark.parametrize(("require_all", "counts"), [("", "2 passed, 1 skipped"), ("1", "2 passed, 1 error")])
def test_a_marker_brings_its_programs_and_a_missing_one_is_a_skip_or_a_failure(tmp_path, require_all, counts):
    (tmp_path / "test_it.py").write_text(TESTS)
    for program in SYSTEM_PACKAGES["gridengine"]:
        (tmp_path / program).write_text("#!/bin/sh\n")
        (tmp_path / program).chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-c", ROOT / "pyproject.toml", tmp_path],
        cwd=ROOT,
        env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "BOULDER_REQUIRE_ALL": require_all},
        capture_output=True,
        text=True,
    )
    assert counts in done.stdout, done.stdout + done.stderr


def test_no_unmarked_test_names_the_folders_of_programs():
    """A test may add a folder to PATH, but must not set PATH to the system's folders."""
    this, cluster = Path(__file__), ROOT / "tests/cluster"
    files = [path for path in (ROOT / "tests").rglob("*.py") if path != this and not path.is_relative_to(cluster)]
    assert [str(path.relative_to(ROOT)) for path in files if "/usr/bin" in path.read_text()] == []
