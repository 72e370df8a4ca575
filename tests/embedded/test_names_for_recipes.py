"""Recipes written for Sisyphus find its names in the stand-in; those that it lacks say so when they are called."""

import os
import subprocess
import sys

import pytest

import jobs  # noqa: F401  # finds Sisyphus
import sisyphus.toolkit as tk
from sisyphus import Job, Path

UPSTREAMS = [
    "AbstractPath",
    "BlockedWorkflow",
    "Delayed",
    "Job",
    "Object",
    "Path",
    "RelPath",
    "Variable",
    "async_context",
    "async_gather",
    "async_run",
    "block",
    "bundle_to_str",
    "cached_engine",
    "cleaner",
    "compare_graph",
    "dependent_jobs",
    "dump",
    "export_graph",
    "extract_paths",
    "find_job",
    "find_path",
    "graph",
    "gs",
    "import_work_directory",
    "input_path",
    "is_path",
    "job_info",
    "load_file",
    "load_job",
    "migrate_graph",
    "mktemp",
    "print_graph",
    "register_callback",
    "register_output",
    "register_report",
    "reload_module",
    "reload_recipes",
    "remove_job_and_descendants",
    "replace_graph_objects",
    "run",
    "run_job",
    "running_in_manager",
    "running_in_worker",
    "set_root_block",
    "setup_job_directory",
    "setup_path",
    "setup_script_mode",
    "sh",
    "show_jobs_in_webserver",
    "sis_graph",
    "start_manager",
    "sub_block",
    "submit_next_task",
    "uncached_path",
    "zipped",
]
"""public names of upstream's `tk`, commit 21ba684"""


@pytest.mark.parametrize("name", UPSTREAMS)
def test_tk_has_upstreams_name(name):
    assert getattr(tk, name) is not None


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'uncached_paht'"):
        _ = tk.uncached_paht


def test_what_needs_upstream_says_so_when_it_is_called():
    from sisyphus.http_server import object_to_html

    for function in (tk.print_graph, tk.run_job, object_to_html):
        with pytest.raises(NotImplementedError, match="needs Sisyphus itself"):
            function(None)


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
    def __init__(self, word):
        self.word = word


def test_a_job_runs_commands_with_its_attributes():
    job = Greeting("hello")
    assert job.sh("echo {word} {name}", capture_output=True, name="you") == "hello you\n"
    assert job.set_keep_value(30) is job
    assert job.keep_value() == 30
    assert job.work_path().endswith("/work")
