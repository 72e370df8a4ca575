"""Pipelines run by a real manager with real workers."""

import ast
import os
import signal
from pathlib import Path

import psutil
import pytest

from tests.jobs.conftest import wait_for


def test_one_job_per_index_equals_one_job_for_all_and_a_second_run_does_nothing(trained):
    one_per_index, jobs = trained.checkpoint(), trained.finished_jobs()
    assert len(jobs) == 4  # three phases and a report

    code, output = trained.run("boulder", "run", "config/tiny.experiment(6, 1)")
    assert code == 0, output
    assert "3 of 3 jobs are finished already" in output
    assert trained.finished_jobs() == jobs

    code, output = trained.run("boulder", "run", "config/tiny.experiment(6, None, 2, 'all')")
    assert code == 0, output
    assert "epoch 6 (original" in output
    assert len(trained.finished_jobs()) == 5
    assert trained.checkpoint("all") == one_per_index
    assert (trained.folder / "alias/all/phase.00-final").exists()


@pytest.mark.long
def test_a_change_of_the_last_index_reruns_only_the_jobs_from_there_on(trained):
    before = trained.finished_jobs()
    code, output = trained.run("boulder", "run", "config/tiny.experiment(5)")
    assert code == 0, output
    assert "finished: tiny/phase.00" not in output
    assert "finished: tiny/phase.01" in output
    assert "finished: tiny/phase.final" in output
    after = trained.finished_jobs()
    assert len(after) == len(before) + 2
    assert before.items() <= after.items()


@pytest.mark.slow
def test_the_same_command_retries_a_job_that_was_submitted_too_often(project):
    assert project.run("boulder", "run", "config/tiny.experiment(6)")[0] == 0
    checkpoint = project.checkpoint()
    job = (project.folder / "alias/tiny/phase.final").resolve()
    worker = ast.literal_eval((job / "usage.run.1").read_text())["pid"]
    wait_for(lambda: not psutil.pid_exists(worker))  # it may outlive its manager
    (job / "finished").unlink()
    (job / "finished.run.1").unlink()
    with open(job / "submit_log.run", "a") as log:
        log.write("([1], {'engine_name': 'local', 'engine_info': 'host', 'completed_fraction': 1.0})\n" * 12)
    code, output = project.run("boulder", "run", "config/tiny.experiment(6)")
    assert code == 0, output
    assert project.checkpoint() == checkpoint


@pytest.mark.slow
def test_killing_worker_and_manager_in_the_middle_of_an_epoch_does_not_change_the_result(project):
    config = "config/tiny.experiment(6, None, 20)"
    assert project.run("boulder", "run", config.replace(")", ", 'undisturbed')"))[0] == 0
    undisturbed = project.checkpoint("undisturbed")
    work = project.folder / "work"
    work.rename(project.folder / "work.undisturbed")

    manager = project.start("boulder", "run", config)

    def is_in_third_epoch_or_later():
        scores = list(work.glob("jobs/phase_training/*/output/scores.jsonl"))
        return scores and len(scores[0].read_text().splitlines()) >= 2

    try:
        wait_for(is_in_third_epoch_or_later)
        worker = _worker_of(work)
        os.kill(worker, signal.SIGKILL)
    finally:
        os.kill(manager.pid, signal.SIGKILL)
        manager.wait()
    code, output = project.run("boulder", "run", config)
    assert code == 0, output
    log = next(work.glob("jobs/phase_training/*/log.run.1")).read_text()
    assert "resuming after epoch" in log
    assert project.checkpoint() == undisturbed


def test_the_same_command_resumes_after_ctrl_c(project):
    manager = project.start("boulder", "run", "config/tiny.experiment(6, None, 20)")
    scores = project.folder / "work/jobs/phase_training"
    wait_for(lambda: list(scores.glob("*/output/scores.jsonl")))
    os.killpg(manager.pid, signal.SIGINT)
    output, _ = manager.communicate(timeout=60)
    assert manager.returncode == 130, output
    assert "the same command resumes from here" in output
    assert not list(scores.glob("*/error.*"))
    code, output = project.run("boulder", "run", "config/tiny.experiment(6, None, 20)")
    assert code == 0, output


def test_sis_manager_runs_the_pipeline_without_a_terminal(project):
    (project.folder / "work").mkdir()
    code, output = project.run("sis", "manager", "-r", "config/tiny.experiment(6, None, 2, 'tiny', (), True)")
    assert code == 0, output
    assert (project.folder / "output/tiny/checkpoint.h5").exists()
    report = (project.folder / "output/tiny/report.html").read_text()
    assert "unfinished" not in report
    assert report.count('<td data-label="epochs"') == 3
    assert (
        "config/tiny.experiment(6, None, 2, 'tiny', (), True)"
        in (project.folder / "work/jobs_of_configs.json").read_text()
    )


def test_a_failed_job_is_reported_in_one_line_with_its_log(project, data):
    text = (project.folder / "config/tiny.py").read_text()
    project.write_config(
        text.replace('{"learning_rate": 0.01}', '{"learning_rate": 1e30, "optimizer": {"class": "sgd"}}')
    )
    code, output = project.run("boulder", "run", "config/tiny.experiment(6, None, 2, 'tiny', (), True)")
    assert code == 1
    assert "output/tiny/report.html\n" in output
    assert "epoch 1, batch" in (project.folder / "output/tiny/report.html").read_text()
    line = next(line for line in output.splitlines() if line.startswith("failed: tiny/phase.00-final: "))
    assert "TrainingError: epoch 1, batch" in line
    assert "not finite" in line
    log = next(line.split("log:")[1].strip() for line in output.splitlines() if "log: " in line)
    assert "TrainingError" in (project.folder / log).read_text()
    # After the mistake is corrected, the same command moves the failed job aside and retries it.
    project.write_config(text)
    code, output = project.run("boulder", "run", "config/tiny.experiment(6, None)")
    assert code == 0, output


def _worker_of(work: Path) -> int:
    """:return: process id of the worker whose job is in `work`"""
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                command = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
                folder = os.readlink(process / "cwd")
            except OSError:
                continue
            if "worker" in command and folder.startswith(str(work)):
                return int(process.name)
    raise AssertionError("no worker is running")
