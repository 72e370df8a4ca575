"""tools/make_venv.py builds .venv only when necessary, and explains in a sentence why it cannot. Nothing is installed here."""

import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOCKS = {"cpu": ["cpu", "demo", "test"], "gpu": ["gpu", "demo", "test"], "parity": ["cpu", "parity", "test"]}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture
def installed():
    """:return: last arguments of the calls of pip so far"""
    return []


@pytest.fixture
def make_venv(tmp_path, monkeypatch, installed):
    """:return: the script as a module, for a copy of the project; pip only records what it should install"""
    for path in ("pyproject.toml", "tools/make_venv.py", *(f"lock/{name}.txt" for name in (*LOCKS, "build", "uv"))):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes((ROOT / path).read_bytes())
    spec = importlib.util.spec_from_file_location("make_venv", tmp_path / "tools" / "make_venv.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ensurepip" else find_spec(name))
    monkeypatch.setattr(module, "find_pip", lambda folder: (["pip"], {}))
    monkeypatch.setattr(module, "install", lambda pip, arguments, variables=None: installed.append(arguments[-1]))
    monkeypatch.delenv("BOULDER_LOCK", raising=False)
    return module


def test_a_build_installs_the_lock_file_then_boulder_and_a_second_build_does_nothing(make_venv, installed):
    make_venv.main([])
    assert installed == ["lock/build.txt", "lock/cpu.txt", "."]
    make_venv.main([])
    assert len(installed) == 3


@pytest.mark.parametrize("path", ["lock/cpu.txt", "lock/build.txt"])
def test_a_changed_lock_file_causes_a_build(make_venv, installed, path):
    make_venv.main([])
    with open(make_venv.ROOT / path, "a") as file:
        file.write("# another\n")
    make_venv.main([])
    assert len(installed) == 6


def test_a_new_command_causes_a_build_but_a_setting_of_ruff_does_not(make_venv, installed):
    make_venv.main([])
    project = make_venv.ROOT / "pyproject.toml"
    project.write_text(project.read_text().replace("line-length = 120", "line-length = 100"))
    make_venv.main([])
    assert len(installed) == 3
    project.write_text(project.read_text().replace("[project.scripts]", '[project.scripts]\nb = "jobs.cli:main"'))
    make_venv.main([])
    assert len(installed) == 6


def test_an_interrupted_build_is_repeated_from_the_same_lock_file(make_venv, installed, monkeypatch):
    def interrupted(pip, arguments, variables=None):
        if arguments[-1] == "lock/gpu.txt":
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(make_venv, "install", interrupted)
        with pytest.raises(KeyboardInterrupt):
            make_venv.main(["gpu"])
    make_venv.main([])
    assert installed == ["lock/build.txt", "lock/gpu.txt", "."]


def test_a_venv_without_a_stamp_is_rebuilt(make_venv, installed):
    (make_venv.VENV / "lib").mkdir(parents=True)
    (make_venv.VENV / "lib" / "rest").touch()
    make_venv.main([])
    assert len(installed) == 3
    assert not (make_venv.VENV / "lib" / "rest").exists()


def test_the_choice_of_a_lock_file_is_kept_until_another_is_made(make_venv, installed, monkeypatch):
    make_venv.main(["gpu"])
    make_venv.main([])
    assert json.loads(make_venv.STAMP.read_text())["lock"] == "lock/gpu.txt"
    assert len(installed) == 3
    monkeypatch.setenv("BOULDER_LOCK", "lock/parity.txt")
    make_venv.main([])
    assert installed[3:] == ["lock/build.txt", "lock/parity.txt", "."]


def test_the_error_for_an_unknown_lock_file_lists_the_known_ones(make_venv):
    with pytest.raises(SystemExit, match=r"^make_venv: no lock file 'gpus'; there are cpu, gpu, parity$"):
        make_venv.main(["gpus"])


def test_an_unsuitable_python_is_replaced_by_a_suitable_one(make_venv, monkeypatch):
    commands = []
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    monkeypatch.setattr(make_venv.shutil, "which", {"python3.12": "/opt/python3.12"}.get)
    monkeypatch.setattr(make_venv, "version_of", lambda python: [3, 12])
    monkeypatch.setattr(make_venv.os, "execv", lambda path, command: commands.append(command) or sys.exit(0))
    with pytest.raises(SystemExit):
        make_venv.use_suitable_python()
    assert commands[0][:2] == ["/opt/python3.12", make_venv.__file__]


@pytest.mark.parametrize("version", [(3, 10, 4), (3, 14, 0)])
def test_without_a_suitable_python_the_error_states_the_versions(make_venv, monkeypatch, version):
    monkeypatch.setattr(sys, "version_info", version)
    monkeypatch.setattr(make_venv.shutil, "which", lambda program: None)
    with pytest.raises(SystemExit, match=rf"^make_venv: Boulder needs Python 3.11 to 3.13, but .* is 3.{version[1]} "):
        make_venv.use_suitable_python()


def test_python_3_6_can_parse_the_script():
    import ast

    ast.parse((ROOT / "tools" / "make_venv.py").read_text(), feature_version=(3, 6))


def test_the_error_of_a_failed_pip_names_the_lock_file():
    spec = importlib.util.spec_from_file_location("make_venv", ROOT / "tools" / "make_venv.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with pytest.raises(SystemExit, match=r"^make_venv: pip could not install lock/cpu.txt"):
        module.install(["false"], ["--require-hashes", "-r", "lock/cpu.txt"])


@pytest.mark.parametrize("name", LOCKS)
def test_lock_files_satisfy_pyproject(name):
    text = (ROOT / "lock" / f"{name}.txt").read_text()
    pinned = dict(re.findall(r"^([\w.-]+)==(\S+) \\$", text, flags=re.MULTILINE))
    extras = PROJECT["project"]["optional-dependencies"]
    for line in PROJECT["project"]["dependencies"] + [line for extra in LOCKS[name] for line in extras[extra]]:
        wanted = Requirement(line)
        if wanted.marker is None or wanted.marker.evaluate({"platform_system": "Linux"}):
            assert wanted.specifier.contains(pinned[canonicalize_name(wanted.name)]), line


@pytest.mark.parametrize("path", sorted(ROOT.glob("lock/*.txt")), ids=lambda path: path.stem)
def test_lock_files_pin_everything_by_hash_and_name_no_host(path):
    text = path.read_text()
    requirements = re.findall(r"^\S.*(?:\n    --hash=sha256:[0-9a-f]{64}.*)*", text, flags=re.MULTILINE)
    assert requirements
    assert [line for line in requirements if not re.match(r"[\w.-]+==\S+ \\\n    --hash=", line)] == []
    assert "://" not in text
    assert "index" not in re.sub(r"^ +#.*$", "", text, flags=re.MULTILINE)


def test_make_clean_leaves_work_and_output_alone(tmp_path):
    (tmp_path / "Makefile").write_bytes((ROOT / "Makefile").read_bytes())
    for folder in (".venv", "work/job/__pycache__", "output", "jobs/__pycache__"):
        (tmp_path / folder).mkdir(parents=True)
    subprocess.run(["make", "clean"], cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "work/job/__pycache__").is_dir()
    assert (tmp_path / "output").is_dir()
    assert not (tmp_path / ".venv").exists()
    assert not (tmp_path / "jobs/__pycache__").exists()
