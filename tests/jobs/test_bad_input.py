"""Wrong input gives one line and exit code 1, and no job is submitted."""

import os
import signal
import subprocess

import pytest

from tests.jobs import conftest
from tests.jobs.conftest import ROOT, wait_for


def told(project, *command: str) -> str:
    """:return: the only line that a wrong command prints"""
    code, output = project.run(*command)
    assert code == 1, output
    lines = [line for line in output.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, output
    assert "Traceback" not in output
    assert not list(project.folder.glob("work/jobs/*"))
    return lines[0]


def changed(project, old: str, new: str) -> None:
    text = (project.folder / "config/tiny.py").read_text()
    assert old in text
    project.write_config(text.replace(old, new))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("config/tiny.experimnt", "config/tiny.py has no function 'experimnt'; did you mean 'experiment'?"),
        ("config/tiyn.experiment", "there is no such file; did you mean 'config/tiny'?"),
        ("tiny", "expected FILE.FUNCTION"),
    ],
)
def test_a_wrong_config_name_is_reported_with_the_nearest_one(project, config, message):
    assert message in told(project, "boulder", "run", config)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("return None", "return net_dict", "1,?000"),
        ("return None", "return 7", "index 2: .*int|idx 2.*int"),
        ("return None", "raise ValueError('oh')", "2.*ValueError.*oh.*tiny.py:"),
        ('"repetitions": epochs', '"repetition": epochs', "repetition.*did you mean 'repetitions'"),
        ('"copy_param_mode": "subset"', '"copy_param_mode": "subst"', "subst.*subset"),
        ('CONFIG | {"learning_rate": 0.01}', 'CONFIG | {"learning_rte": 0.01}', "phase 0 .index 0.*'learning_rte'; did you mean 'learning_rate'"),
        ("tk.Path(\"", "tk.Path(\"/no", r"/no.*train\.hdf"),
        ('extern_data=EXTERN_DATA,', 'extern_data={"data": {"dim": 7, "sparse": True}, "classes": {"dim": 5, "sparse": True}},', r"train\.hdf.*6.*7|train\.hdf.*7.*6"),
        ("network(layers=2", "{'output': {'class': 'sofmax'}} or network(layers=2", r"phase 2 \(original network\): layer 'output': unknown layer class 'sofmax'; did you mean 'softmax'"),
    ],
)  # fmt: skip
def test_a_wrong_pipeline_is_reported_before_any_job_is_submitted(project, old, new, message):
    import re

    changed(project, old, new)
    line = told(project, "boulder", "run", "config/tiny.experiment")
    assert re.search(message, line), line


def test_an_unknown_override_is_reported_with_its_index(project):
    changed(project, "return network(layers=1", "return {'#config': {'batch_sise': 3}} | network(layers=1")
    line = told(project, "boulder", "run", "config/tiny.experiment")
    assert "index 0" in line
    assert "'batch_sise'; did you mean 'batch_size'?" in line


def test_a_missing_settings_file_is_reported(project):
    (project.folder / "settings.py").unlink()
    assert "there is no settings.py in" in told(project, "boulder", "run", "config/tiny.experiment")


def test_from_another_folder_the_message_names_that_of_the_config(project, tmp_path):
    boulder = os.path.abspath(conftest.BIN / "boulder")
    elsewhere = {"cwd": tmp_path, "capture_output": True, "text": True}
    for name in (project.folder / "config/tiny.py", "project/config/tiny.py"):
        done = subprocess.run([boulder, "plan", name], **elsewhere)
        assert (done.returncode, f"change to {project.folder}" in done.stderr) == (1, True), done.stderr
    done = subprocess.run([boulder, "run", project.folder / "config/tiny.py"], **elsewhere)
    assert (
        f"there is no settings.py in {tmp_path}; change to a folder that has it, with config/, such as {ROOT}"
        in done.stderr
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import sys\ndef experiment():\n    sys.exit(3)\n", "config/tiny.py, line 3: it ends the program (3)"),
        ("", "config/tiny.py has no function 'experiment', nor any other"),
    ],
)
def test_a_config_that_lays_out_nothing_is_reported(project, text, message):
    project.write_config(text)
    assert message in told(project, "boulder", "run", "config/tiny.experiment")


def test_what_no_output_needs_is_told(project):
    project.write_config("def nothing():\n    pass\n", "nothing")
    assert (
        "warning: there is nothing to do: the config registers no output"
        in project.run("boulder", "run", "config/nothing.nothing")[1]
    )
    changed(project, "    tk.register_output", "    return\n    tk.register_output")
    _, output = project.run("boulder", "run", "config/tiny.experiment")
    assert (
        "warning: pipeline 'tiny' is not trained: no output needs it; tk.register_output('tiny/checkpoint.h5', "
        in output
    )


def test_a_work_directory_on_a_disk_that_is_not_mounted_is_not_made(project, tmp_path):
    (project.folder / "work").symlink_to(tmp_path / "disk/work")
    line = told(project, "boulder", "run", "config/tiny.experiment")
    assert f"work is a link to {tmp_path}/disk/work, which does not exist; mount its disk" in line
    assert not (tmp_path / "disk").exists()
    (project.folder / "work").unlink()
    (project.folder / "work").touch()
    assert "work is a file, expected a folder" in told(project, "boulder", "run", "config/tiny.experiment")


def test_a_truncated_data_file_is_named(project, tmp_path, data):
    whole = (data / "train.hdf").read_bytes()
    (tmp_path / "train.hdf").write_bytes(whole[: len(whole) // 2])
    changed(project, f"{data}/train.hdf", f"{tmp_path}/train.hdf")
    assert "train.hdf" in told(project, "boulder", "run", "config/tiny.experiment")


@pytest.mark.long
@pytest.mark.parametrize("first", [("boulder", "run"), ("sis", "manager", "-r")])
@pytest.mark.parametrize("second", [("boulder", "run"), ("sis", "manager", "-r")])
def test_a_second_manager_on_a_work_directory_is_refused_until_the_first_has_ended(project, first, second):
    text = (project.folder / "config/tiny.py").read_text()
    project.write_config(text + "    import time\n    time.sleep(600)\n", "slow")
    (project.folder / "work").mkdir(exist_ok=True)
    manager = project.start(*first, "config/slow.experiment")
    lock = project.folder / "work/.manager.lock"
    try:
        wait_for(lambda: lock.exists() and lock.read_text())
        code, output = project.run(*second, "config/tiny.experiment")
        assert code != 0
        assert f"another manager (process {manager.pid} on " in output
    finally:
        os.kill(manager.pid, signal.SIGKILL)
        manager.wait()
    code, output = project.run("boulder", "run", "config/tiny.experimnt")
    assert "another manager" not in output


def test_another_program_named_sisyphus_is_refused(project, tmp_path, monkeypatch):
    """The package `sisyphus` on PyPI is no workflow manager."""
    (tmp_path / "site/sisyphus").mkdir(parents=True)
    (tmp_path / "site/sisyphus/__init__.py").write_text("")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    code, output = project.run("boulder", "run", "config/tiny.experiment")
    assert code == 1
    assert (
        "is not the workflow manager, but another program of that name on PyPI; run 'pip uninstall sisyphus'" in output
    )
