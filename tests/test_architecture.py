"""The structure that CONTRIBUTING.md describes: floors, no circles of imports, short files, a light manager."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.import_graph import circles, import_graph, imported_names, python_modules

ROOT = Path(__file__).resolve().parent.parent
FORBIDDEN = {
    "recipe": {"sisyphus", "jobs", "config", "settings", "tests"},
    "jobs": {"config", "tests"},
    "embedded": {"boulder", "jobs", "config", "settings", "tests"},
}
"""folder → packages that no file in it may import"""
PACKAGES = {"boulder": "recipe/boulder", "jobs": "jobs", "sisyphus": "embedded/sisyphus"}
FLOORS = [{"data", "lexicon", "schedule", "speech"}, {"network"}, {"returnn", "search", "training"}, {"report"}]
"""Packages of boulder, from the bottom. Below all of them are boulder's single files: lazy, errors, atomic_file, …."""
FOLDERS = ("recipe", "jobs", "config", "embedded", "tools", "tests", "bench")
MAX_LINES = 400


def python_files(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imported_packages(path: Path) -> set[str]:
    """:return: top-level packages, function-level imports included"""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {module.partition(".")[0] for module, _ in imported_names(tree)} - {""}


@pytest.fixture(scope="module")
def graph() -> dict[str, set[str]]:
    return import_graph(python_modules(ROOT, PACKAGES))


def floor(module: str) -> int:
    """:return: 0 for the files below all packages of boulder"""
    parts = module.split(".")
    found = [number for number, packages in enumerate(FLOORS, start=1) if len(parts) > 1 and parts[1] in packages]
    return found[0] if found else 0


def package_of(module: str) -> str:
    return ".".join(module.split(".")[:2])


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_outer_floors_import_only_from_below(folder):
    files = python_files(folder)
    assert files
    wrong = {str(path.relative_to(ROOT)): imported_packages(path) & FORBIDDEN[folder] for path in files}
    assert {path: names for path, names in wrong.items() if names} == {}


def test_each_package_of_boulder_has_a_floor():
    packages = {path.name for path in (ROOT / "recipe/boulder").iterdir() if (path / "__init__.py").exists()}
    assert packages == set().union(*FLOORS)


def test_inner_floors_import_only_from_below(graph):
    of_boulder = {name: targets for name, targets in graph.items() if name.startswith("boulder")}
    upward = [(name, to) for name, targets in of_boulder.items() for to in targets if floor(to) > floor(name)]
    assert sorted(upward) == []


def test_packages_of_boulder_import_each_other_in_no_circle(graph):
    packages: dict[str, set[str]] = {}
    for name, targets in graph.items():
        if floor(name):
            packages.setdefault(package_of(name), set()).update(package_of(to) for to in targets if floor(to))
    assert circles(packages) == []


def test_floors_of_jobs_import_only_from_below(graph):
    """jobs.cli → jobs.commands → Job classes and pipelines → jobs.workdir"""

    def level(module: str) -> int:
        return {"jobs": 0, "jobs.workdir": 1, "jobs.commands": 3, "jobs.cli": 4}.get(package_of(module), 2)

    of_jobs = {
        name: {to for to in targets if to.startswith("jobs")} for name, targets in graph.items() if "jobs" in name
    }
    upward = [(name, to) for name, targets in of_jobs.items() for to in targets if level(to) > level(name)]
    assert sorted(upward) == []


def test_files_import_each_other_in_no_circle(graph):
    assert len(graph) > 200
    assert circles(graph) == []


def test_imports_are_found_wherever_they_are(tmp_path):
    file = tmp_path / "file.py"
    file.write_text(
        "import a.b, c\nfrom d.e import f\nfrom . import g\n"
        "def h():\n    import i\n    importlib.import_module('j.k')\n    __import__('l')\n"
    )
    assert imported_packages(file) == {"a", "c", "d", "i", "j", "l"}


TREE = {
    "__init__.py": "from pkg.low import low",
    "low.py": "",
    "by_function.py": "def f():\n    from pkg import back",
    "back.py": "import pkg.by_function",
    "types_only.py": "if TYPE_CHECKING:\n    from pkg.sub.inner import Thing",
    "sub/__init__.py": "from pkg import types_only",
    "sub/inner.py": "from .. import sub",
    "by_name.py": "importlib.import_module('pkg.named')",
    "named.py": "from pkg.by_name import x",
    "user.py": "from pkg import low\nimport pkg.sub",
}


def test_circles_are_found_in_a_tiny_tree(tmp_path):
    for name, text in TREE.items():
        path = tmp_path / "pkg" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    found = import_graph(python_modules(tmp_path, {"pkg": "pkg"}))
    assert found["pkg.user"] == {"pkg", "pkg.sub"}  # `low` is what pkg/__init__.py defines, not the file
    assert circles(found) == [
        ["pkg.back", "pkg.by_function"],
        ["pkg.by_name", "pkg.named"],
        ["pkg.sub", "pkg.sub.inner", "pkg.types_only"],
    ]


def test_private_names_of_sisyphus_are_used_in_one_file():
    used = {
        str(path.relative_to(ROOT))
        for folder in ("jobs", "config")
        for path in python_files(folder)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr.startswith("_sis_")
    }
    assert used == {"jobs/workdir/sisyphus_names.py"}


@pytest.mark.parametrize(
    ("folders", "home"),
    [(("recipe", "jobs"), "recipe/boulder/atomic_file.py"), (("embedded",), "embedded/sisyphus/atomic_file.py")],
)
def test_files_are_replaced_in_one_place(folders, home):
    files = [path for folder in folders for path in python_files(folder)]
    replacing = {
        str(path.relative_to(ROOT))
        for path in files
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "os.replace"
    }
    assert replacing == {home}


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
