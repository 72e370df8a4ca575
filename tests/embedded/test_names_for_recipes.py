"""Recipes written for Sisyphus find its names in the stand-in; those that it lacks say so when they are called."""

import gzip
import importlib
import inspect
import json
import os
import pathlib
import pickle
import signal
import subprocess
import sys
import threading

import pytest

import jobs  # noqa: F401  # finds Sisyphus
import sisyphus.toolkit as tk
from sisyphus import Job, Path, Task, gs, tools
from sisyphus.needs_upstream import Missing

RECORD = json.loads((pathlib.Path(__file__).parent / "upstream_names.json").read_text())["modules"]
OTHERWISE = {
    "toolkit.cached_engine",  # upstream's parameter is its cache
    "tools.execute_in_dir.__init__",  # contextlib.chdir, which takes its parameter by position
    "task.Task.run",  # called by the worker
}
"""functions whose parameters are not upstream's"""


def module_of(name):
    return importlib.import_module("sisyphus" if name == "__init__" else f"sisyphus.{name}")


@pytest.mark.parametrize("module", RECORD)
def test_upstreams_public_names_are_there(module):
    assert RECORD[module]
    for name, members in RECORD[module].items():
        found = getattr(module_of(module), name)  # may be None
        for member in members if isinstance(members, dict) else ():
            assert hasattr(found, member), f"{module}.{name}.{member}"


def test_upstreams_functions_take_its_parameters():
    functions = []
    for module, names in RECORD.items():
        for name, content in names.items():
            found = getattr(module_of(module), name)
            if isinstance(content, list):
                functions.append((f"{module}.{name}", found, content))
            if isinstance(content, dict) and not isinstance(found, Missing):
                functions += [
                    (f"{module}.{name}.{m}", getattr(found, m), c) for m, c in content.items() if c is not None
                ]
    assert len(functions) > 150
    for name, function, asked in functions:
        if name in OTHERWISE:
            continue
        taken = inspect.signature(function).parameters.values()
        named = [
            p.name for p in taken if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD) and p.name not in ("self", "cls")
        ]
        assert named == asked[: len(named)], name
        assert len(named) == len(asked) or any(p.kind is p.VAR_KEYWORD for p in taken), name


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'uncached_paht'"):
        _ = tk.uncached_paht


def test_what_needs_upstream_says_so_when_it_is_used():
    from sisyphus.load_sharing_facility_engine import LoadSharingFacilityEngine

    from sisyphus.http_server import object_to_html

    for function in (tk.print_graph, tk.run_job, tk.cleaner.cleanup_jobs, object_to_html, LoadSharingFacilityEngine):
        with pytest.raises(NotImplementedError, match=r"^[\w.]+ needs Sisyphus itself"):
            function(None)
    with pytest.raises(NotImplementedError, match=r"^tk\.BlockedWorkflow needs"):
        exec("class Mine(tk.BlockedWorkflow): pass", {"tk": tk})
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("sisyphus.load_sharing_facility")


def test_the_star_has_upstreams_names():
    names: dict = {}
    exec("from sisyphus import *", names)
    assert {"Job", "Task", "Path", "gs", "tk", "setup_path"} <= names.keys()


def test_paths_of_a_package_are_relative_to_it_and_hash_by_its_name(tmp_path, monkeypatch):
    package = tmp_path / "recipes" / "my_words"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(package.parent))
    monkeypatch.chdir(tmp_path)
    try:
        path = tk.setup_path("my_words")("list.txt")
    finally:
        sys.modules.pop("my_words", None)
    assert path.path == "recipes/my_words/list.txt"
    assert path._sis_hash() == Path("elsewhere/list.txt", hash_overwrite="my_words/list.txt")._sis_hash()
    with pytest.raises(ValueError, match="found no package; expected __package__"):
        tk.setup_path("")


def test_paths_and_texts():
    assert tk.input_path("a.txt").path == "a.txt"
    assert tk.is_path(Path("a.txt"))
    assert not tk.is_path("a.txt")
    assert tk.uncached_path("a.txt") == "a.txt"
    assert tk.uncached_path(Path("a.txt")).endswith("a.txt")
    assert tk.bundle_to_str({"b", "a"}) == "a b"
    with pytest.raises(TypeError, match="found 3, expected a Path or a str"):
        tk.input_path(3)


def test_objects_come_back_from_pickles_compressed_or_not(tmp_path):
    file = str(tmp_path / "folder" / "object.gz")
    tk.dump({"a": [1]}, file)
    assert tk.zipped(file)
    assert tk.load_file(file) == {"a": [1]}


def test_a_temporary_file_is_removed(tmp_path):
    with tk.mktemp() as name, open(name, "w") as file:
        file.write("text")
    assert not os.path.exists(os.path.dirname(name))


def test_commands_of_the_shell():
    assert tk.sh("echo {word}", capture_output=True, word="hello") == "hello\n"
    assert tk.sh("false", except_return_codes=(0, 1)) is None
    for failing in ("false | cat", "echo $undefined_name"):
        with pytest.raises(subprocess.CalledProcessError):
            tk.sh(failing, capture_output=True)
    assert tk.sh("false | cat", pipefail=False, capture_output=True) == ""


class Greeting(Job):
    def __init__(self, word, mark=None):
        self.set_attrs(locals())
        self.out = self.output_path("greeting.txt")
        self.set_default("mark", "!")


def test_a_job_runs_commands_with_its_attributes():
    job = Greeting("hello")
    assert job.sh("echo {word} {name}", capture_output=True, name="you") == "hello you\n"
    assert job.set_keep_value(30) is job
    assert job.keep_value() == 30
    assert job.work_path().endswith("/work")
    assert (job.word, job.mark) == ("hello", "!")
    assert Greeting("hi", "?").mark == "?"


@pytest.mark.filterwarnings("ignore:Path")
def test_paths_tell_about_their_files(tmp_path):
    plain, packed = tmp_path / "a.txt", tmp_path / "b.txt.gz"
    plain.write_text("1\n2\n3\n")
    packed.write_bytes(gzip.compress(b"1\n2\n" * 100))
    assert [Path(str(file)).lines() for file in (plain, packed)] == [3, 200]
    assert [Path(str(file)).is_zipped() for file in (plain, packed, tmp_path / "c")] == [False, True, None]
    assert [Path(str(plain)).size(), Path(str(plain)).estimate_text_size()] == [6, 6]
    assert Path(str(packed)).estimate_text_size() == int(packed.stat().st_size * 3.5)
    with pytest.raises(FileNotFoundError, match="this path is not there yet"):
        Path(str(tmp_path / "c")).size()
    with pytest.warns(DeprecationWarning, match=r"Path.lines\(\) is deprecated"):
        Path(str(plain)).lines()


def test_paths_and_jobs_have_tags_and_users():
    first = Greeting("a", sis_tags={"german"})
    second = Greeting(first.out)
    assert (first.out.tags, second.tags(), Path("x").tags, Path("x", tags={"y"}).tags) == (
        {"german"},
        {"german"},
        set(),
        {"y"},
    )
    assert first.out.users == set()  # the job has a copy of its argument
    assert next(iter(second._sis_inputs)).users == {second}
    assert first.job_id() == Greeting("a").job_id()
    with pytest.raises(ValueError, match=r"sis_tags=.*expected texts of letters"):
        Greeting("b", sis_tags={"a/b"})
    assert pickle.loads(pickle.dumps(first.out)).users == set()


def test_a_copy_of_a_path_is_another_object_of_the_same_job():
    path = Path("a", Greeting("c"), hash_overwrite="b")
    copy = path.copy()
    copy.hash_overwrite = (None, "c")
    assert (path.hash_overwrite, copy.hash_overwrite, copy.creator) == ((None, "b"), (None, "c"), path.creator)
    with pytest.raises(TypeError, match="expected a string or a pair"):
        path.hash_overwrite = ("a", "b", "c")


def test_settings_of_paths(monkeypatch):
    path, variable = Path("a"), tk.Variable("no_such_file")
    monkeypatch.setattr(gs, "LEGACY_PATH_CONVERSION", True)
    assert repr(path) == repr(str(path))
    monkeypatch.setattr(gs, "RAISE_VARIABLE_NOT_SET_EXCEPTION", False)
    assert variable.get().startswith("<UNFINISHED VARIABLE: ")
    monkeypatch.setattr(gs, "LEGACY_VARIABLE_CONVERSION", True)
    assert repr(variable) == repr(variable.get())
    monkeypatch.setattr(gs, "DELAYED_CHECK_FOR_WORKER", True)
    with pytest.raises(RuntimeError, match=r"Path.get outside of a worker, which DELAYED_CHECK_FOR_WORKER forbids"):
        path.get()
    monkeypatch.setattr(gs, "active_engine", object())  # as in a worker
    assert path.get().endswith("/a")


def test_results_are_kept_for_some_time():
    calls = []
    count = tools.cache_result(cache_time=60, force_update="anew", clear_cache="forget")(
        lambda x: calls.append(x) or len(calls)
    )
    assert [count(1), count(1), count(2), count(1, anew=True), count(1), count(forget=True), count(1)] == [
        1,
        1,
        2,
        3,
        3,
        None,
        4,
    ]
    never = tools.cache_result(cache_time=-1)(lambda: calls.append(0) or len(calls))
    assert never() < never()


def test_folders_are_copied_by_links(tmp_path, monkeypatch):
    (tmp_path / "a" / "deep").mkdir(parents=True)
    (tmp_path / "a" / "deep" / "file").write_text("text")
    tools.hardlink_or_copy(str(tmp_path / "a"), str(tmp_path / "b"))
    tools.hardlink_or_copy(str(tmp_path / "a"), str(tmp_path / "b"))
    assert (tmp_path / "b/deep/file").samefile(tmp_path / "a/deep/file")

    def refuse(*_):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    tools.hardlink_or_copy(str(tmp_path / "a"), str(tmp_path / "c"))
    tools.hardlink_or_copy(str(tmp_path / "a"), str(tmp_path / "d"), use_symlink_instead_of_copy=True)
    assert (tmp_path / "c/deep/file").read_text() == (tmp_path / "d/deep/file").read_text() == "text"
    assert [(tmp_path / name / "deep/file").is_symlink() for name in "cd"] == [False, True]


def test_threads_tell_what_they_do(capsys):
    end = threading.Event()
    thread = threading.Thread(target=end.wait, name="a_thread_that_waits")
    thread.start()
    tools.signal_handler(signal.SIGUSR1, None)
    end.set()
    thread.join()
    told = capsys.readouterr().err
    assert "got signal 10 (SIGUSR1)" in told
    assert "a_thread_that_waits" in told
    assert "self._cond.wait(timeout)" in told
    assert tools.format_signum(0) == "0 (unknown)"


def test_a_folder_is_entered_and_left(tmp_path):
    before = os.getcwd()
    with tools.execute_in_dir(str(tmp_path)):
        assert os.getcwd() == str(tmp_path)
    assert os.getcwd() == before


class Failing(Job):
    def __init__(self, number):
        self.number = number

    def tasks(self):
        yield Task("run", tries=2)

    def run(self):
        raise RuntimeError


def test_a_task_has_as_many_tries_as_it_asks_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(gs, "BASE_DIR", str(tmp_path))
    (task,) = Failing(1)._sis_tasks()
    folder = pathlib.Path(task.path())
    folder.mkdir(parents=True)
    for left in (1, 0):
        (folder / "log.run.1").write_text(f"{left} left")
        task.check_state(gs.STATE_ERROR, 1, update=True)
        assert task.error() is (left == 0)
        assert (folder / "log.run.1").exists() is (left == 0)
    assert (folder / "log.run.1.error.01").read_text() == "1 left"
    assert task.check_state(gs.STATE_ERROR)
    assert not task.check_state(gs.STATE_ERROR, update=False)
