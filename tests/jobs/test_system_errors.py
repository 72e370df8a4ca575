"""A full disk and a folder that may not be written: one line that tells what would help, and nothing waits forever."""

import errno
import logging
import os
import types
from pathlib import Path

import pytest

import jobs.cli
from jobs.commands import system_error
from jobs.commands.config_name import errors_of_config
from jobs.workdir import manager_log
from sisyphus import gs, localengine, worker


def full(path=None):
    return OSError(errno.ENOSPC, "No space left on device", path)


def told_by_command(monkeypatch, capsys, error):
    def app():
        raise error

    monkeypatch.setattr(jobs.cli, "app", app)
    with pytest.raises(SystemExit) as left:
        jobs.cli.main()
    assert left.value.code == 1
    return capsys.readouterr().err


def test_an_error_of_the_system_is_one_line(monkeypatch, capsys):
    told = told_by_command(monkeypatch, capsys, full("work/a"))
    assert told == "error: work/a: No space left on device; free some space, then repeat the command\n"


def test_the_places_without_space_are_named(monkeypatch, tmp_path):
    monkeypatch.setattr(gs, "WORK_DIR", "/work of mine")
    free = {"/work of mine": 0, os.getcwd(): 5}

    def statvfs(path):
        return types.SimpleNamespace(f_blocks=9, f_bavail=free.get(path, 5), f_files=0, f_favail=0)

    monkeypatch.setattr(os, "statvfs", statvfs)
    assert "(nothing is free in /work of mine); free some space" in system_error.told(full())
    assert system_error.tell_full_places().startswith("nothing is free in /work of mine: free some space")
    free.clear()
    assert system_error.tell_full_places() == ""


def test_a_folder_of_somebody_else_is_named_with_its_owner(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "geteuid", lambda: 4_000_000)
    error = PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "work/jobs"))
    owner = Path(tmp_path).owner()
    assert system_error.told(error) == (
        f"{tmp_path}/work/jobs: Permission denied; {tmp_path} belongs to {owner}, and you are user 4000000"
    )


def test_a_full_disk_is_no_error_of_the_config_that_runs_meanwhile():
    with pytest.raises(OSError, match="No space"), errors_of_config("config/a.py"):
        raise full()


def test_what_the_manager_cannot_keep_it_shows(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(gs, "WORK_DIR", "work")
    folder = tmp_path / "work/phase/A.1"
    (folder / manager_log.MANAGER_LOG).mkdir(parents=True)  # which cannot be opened for writing
    (folder / gs.JOB_SAVE).touch()
    shown = []
    handler = manager_log.ManagerLog(shown.append, keep=True)
    handler.emit(logging.LogRecord("sisyphus", logging.ERROR, "", 0, "phase/A.1.run is refused", None, None))
    assert shown == ["error: phase/A.1.run is refused"]


def test_a_failure_that_cannot_be_marked_does_not_keep_the_job_running(tmp_path, caplog):
    """The worker ended because the disk is full, so that its marker file cannot be written either."""
    (tmp_path / f"{gs.STATE_ERROR}.run.1").symlink_to("/dev/full/nothing")
    engine = localengine.LocalEngine(cpus=1)
    key = ("phase/A.1.run", 1)
    work = localengine.Work(None, str(tmp_path), "run", 1, {"cpu": 1})

    class Ended(localengine.subprocess.Popen):
        def __init__(self):
            pass

        def __del__(self):
            pass

        def wait(self):
            return 1

    engine._running[key] = localengine.Running(Ended(), work, [], 0)
    engine._reserve(work.rqmt, [])
    engine._wait(key, engine._running[key])
    assert engine._running == {}
    assert engine.free_resources["cpu"] == 1
    task = types.SimpleNamespace(task_name=lambda: key[0])
    assert engine.task_state(task, 1) == gs.STATE_QUEUE_ERROR
    assert "could not write" in caplog.text


def test_a_worker_marks_its_failure_although_its_log_is_full(monkeypatch, tmp_path):
    def fails():
        raise full()

    monkeypatch.setattr(worker, "configured_engine", fails)
    monkeypatch.setattr(worker.traceback, "print_exc", fails)
    monkeypatch.setattr(worker.signal, "signal", lambda *_: None)
    monkeypatch.setattr(worker.toolkit, "_sis_running_in_worker", False)
    args = types.SimpleNamespace(jobdir=str(tmp_path), task_name="run", task_id=1, engine="short")
    with pytest.raises(OSError, match="No space"):
        worker.worker(args)
    assert (tmp_path / f"{gs.STATE_ERROR}.run.1").exists()
