"""A pipeline begun under one Sisyphus resumes under the other in the middle of an epoch, and ends in the same bytes."""

import contextlib
import json
import os
import signal
from pathlib import Path

import psutil
import pytest

from tests.jobs.conftest import require_sisyphus, use_sisyphus, wait_for
from tests.jobs.test_runs import _worker_of


@pytest.mark.parametrize(("first", "second"), [("embedded", "upstream"), ("upstream", "embedded")])
def test_a_phase_killed_under_one_manager_is_resumed_by_the_other(project, first, second, tmp_path, monkeypatch):
    require_sisyphus(first, second)
    config, work = "config/tiny.experiment(6, 1, 4)", project.folder / "work"
    assert project.run("boulder", "run", config)[0] == 0
    undisturbed = project.checkpoint()
    work.rename(project.folder / "work.undisturbed")

    use_sisyphus(first, tmp_path, monkeypatch)
    manager = project.start("boulder", "run", config)

    def is_in_the_second_phase():
        scores = work.glob("jobs/phase_training/*/output/scores.jsonl")
        return [path for path in scores if 6 <= last_epoch(path) < 8]

    try:
        (scores,) = wait_for(is_in_the_second_phase)
    finally:
        with contextlib.suppress(AssertionError):
            kill_with_parent(_worker_of(work), manager.pid)
        os.killpg(manager.pid, signal.SIGKILL)
        manager.wait()
    interrupted = scores.parents[1]
    before = project.finished_jobs()
    assert interrupted.name not in before

    monkeypatch.undo()
    use_sisyphus(second, tmp_path, monkeypatch)
    code, output = project.run("boulder", "run", config)
    assert code == 0, output
    assert project.finished_jobs().items() >= before.items()
    assert "resuming after epoch" in (interrupted / "log.run.1").read_text()
    assert project.checkpoint() == undisturbed
    aliases = {path.name: path.resolve() for path in (project.folder / "alias/tiny").iterdir()}
    assert set(aliases) == {"phase.00", "phase.01", "phase.final"}
    assert aliases["phase.01"] == interrupted


@pytest.mark.slow
def test_phases_packed_by_clean_up_stay_finished_and_hand_over(project, monkeypatch):
    """Clean-up deletes work/ with all checkpoints but the last, which is in output/."""
    for name, value in {"AUTO_CLEANUP": "True", "CLEANER_INTERVAL": "0.1"}.items():
        monkeypatch.setenv(f"SIS_JOB_{name}", value)
    monkeypatch.setenv("SIS_WAIT_PERIOD_JOB_CLEANUP", "0.1")
    config = "config/tiny.experiment(6, 1, 2)"
    assert project.run("boulder", "run", config)[0] == 0
    packed = list(project.folder.glob("work/jobs/phase_training/*/finished.tar.gz"))
    assert packed
    assert not any((archive.parent / "work").exists() for archive in packed)
    checkpoint = project.checkpoint()
    code, output = project.run("boulder", "run", config)
    assert code == 0, output
    assert "3 of 3 jobs are finished already" in output
    assert project.checkpoint() == checkpoint


def last_epoch(scores: Path) -> int:
    lines = scores.read_text().splitlines()
    return json.loads(lines[-1])["epoch"] if lines else 0


def kill_with_parent(pid: int, manager: int) -> None:
    """The parent process of upstream's worker would report a killed worker as an error."""
    parent = psutil.Process(pid).parent()
    if parent and parent.pid not in (manager, 1) and "worker" in parent.cmdline():
        parent.kill()
    os.kill(pid, signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.parametrize("which", ["embedded", "upstream"])
def test_a_stopped_phase_saves_and_is_resumed_by_the_same_manager(project, which, tmp_path, monkeypatch):
    use_sisyphus(which, tmp_path, monkeypatch)
    monkeypatch.setenv("SIS_PLOGGING_UPDATE_FILE_PERIOD", "1")  # upstream takes it for running until that is over
    work, config = project.folder / "work", "config/tiny.experiment(6, None, 6)"
    manager = project.start("boulder", "run", config)
    scores = wait_for(lambda: list(work.glob("jobs/phase_training/*/output/scores.jsonl")))[0]
    try:
        wait_for(lambda: last_epoch(scores) >= 1)
        os.kill(_worker_of(work), signal.SIGTERM)
        output, _ = manager.communicate(timeout=240)
    finally:
        if manager.poll() is None:
            os.killpg(manager.pid, signal.SIGKILL)
    assert manager.returncode == 0, output
    assert "failed" not in output
    assert "resuming after epoch" in (scores.parents[1] / "log.run.1").read_text()
    assert len((scores.parents[1] / "submit_log.run").read_text().splitlines()) == 2
