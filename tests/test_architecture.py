"""The house that CONTRIBUTING.md describes: which floor may import which, small files, a light manager."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FLOORS = {
    "recipe": {"sisyphus", "jobs", "config", "settings", "tests"},
    "jobs": {"config", "tests"},
    "embedded": {"boulder", "jobs", "config", "tests"},
}
"""folder → packages that nothing in it may import"""
FOLDERS = ("recipe", "jobs", "config", "embedded", "tools", "tests", "bench")
MAX_LINES = 400


def python_files(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imported_packages(path: Path) -> set[str]:
    """:return: top-level packages, of imports within functions and of names given to importlib too"""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add(node.module)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("importlib.import_module", "__import__"):
            found |= {arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)}
    return {name.split(".")[0] for name in found}


@pytest.mark.parametrize("folder", FLOORS)
def test_arrows_point_down(folder):
    files = python_files(folder)
    assert files
    wrong = {str(path.relative_to(ROOT)): imported_packages(path) & FLOORS[folder] for path in files}
    assert {path: names for path, names in wrong.items() if names} == {}


def test_imports_are_found_wherever_they_are(tmp_path):
    file = tmp_path / "file.py"
    file.write_text(
        "import a.b, c\nfrom d.e import f\nfrom . import g\n"
        "def h():\n    import i\n    importlib.import_module('j.k')\n    __import__('l')\n"
    )
    assert imported_packages(file) == {"a", "c", "d", "i", "j", "l"}


def test_files_are_short():
    lines = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for folder in FOLDERS
        for path in python_files(folder)
    }
    assert len(lines) > 50
    assert {path: n for path, n in lines.items() if n > MAX_LINES} == {}


def test_no_file_is_a_drawer():
    names = {"utils.py", "util.py", "helpers.py", "misc.py", "common.py"}
    assert [str(path) for folder in FOLDERS for path in python_files(folder) if path.name in names] == []


def test_planning_does_not_import_tensorflow():
    program = """
import sys
import boulder.schedule, boulder.network, jobs.pipeline
print(*sorted({name.split(".")[0] for name in sys.modules} & {"tensorflow", "keras", "matplotlib"}))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
