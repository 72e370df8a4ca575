"""Pipelines that a manager submits to a real Slurm."""

import ast
import os
import signal
import time

import pytest

from tests.jobs.conftest import wait_for

pytestmark = pytest.mark.slurm
EXPERIMENT = "experiment(6, 1)"
LONG = "experiment(6, None, 60)"  # one job of about 20 seconds


def test_each_phase_is_one_job_with_what_it_asks_for(project, slurm, undisturbed):
    code, output = project.run("boulder", "run", f"config/tiny.{EXPERIMENT}")
    assert code == 0, output + slurm.logs()
    slurm.wait_until(lambda: not slurm.run("squeue", "-h"), "Slurm has noticed that they ended")
    jobs = [job for job in slurm.jobs() if "PhaseTrainingJob" in job["JobName"]]
    assert len(jobs) == 3
    for job in jobs:
        assert job["JobState"] == "COMPLETED"
        assert job["TresPerNode"] == "gres:gpu:1"
        assert job["MinMemoryNode"] == "1G"
        assert job["CPUs/Task"] == "1"
        assert job["TimeLimit"] == "04:00:00"
    folders = list(project.folder.glob("work/jobs/phase_training/PhaseTrainingJob.*"))
    for folder in folders:
        assert "Job finished successfully" in (folder / "log.run.1").read_text()
        assert len(list((folder / "engine").iterdir())) == 1
        assert "'engine_name': 'slurm'" in (folder / "submit_log.run").read_text()
        assert (folder / "usage.run.1").exists()
    assert project.checkpoint() == undisturbed(EXPERIMENT)


def test_a_killed_manager_finds_its_jobs_again_and_submits_none_twice(project, slurm, undisturbed):
    before = {job["JobId"] for job in slurm.jobs()}
    manager = project.start("boulder", "run", f"config/tiny.{LONG}")
    try:
        wait_for(lambda: list(project.folder.glob("work/jobs/phase_training/*/output/scores.jsonl")))
    finally:
        os.killpg(manager.pid, signal.SIGKILL)
        manager.wait()
    code, output = project.run("boulder", "run", f"config/tiny.{LONG}")
    assert code == 0, output + slurm.logs()
    assert len({job["JobId"] for job in slurm.jobs()} - before) == 1
    assert project.checkpoint() == undisturbed(LONG)


@pytest.mark.slow
def test_an_outage_of_slurmctld_is_waited_for_and_told(project, slurm, undisturbed):
    manager = project.start("boulder", "run", f"config/tiny.{LONG}")
    wait_for(lambda: list(project.folder.glob("work/jobs/phase_training/*/output/scores.jsonl")))
    slurm.stop_daemon("slurmctld")
    time.sleep(25)
    slurm.start_controller()
    output, _ = manager.communicate(timeout=200)
    assert manager.returncode == 0, output + slurm.logs()
    assert output.count("Slurm does not answer, waiting until it does") == 1
    assert output.count("Slurm answers again") == 1
    log = next(project.folder.glob("work/jobs/phase_training/*/submit_log.run")).read_text()
    assert log.count("\n") == 1
    assert project.checkpoint() == undisturbed(LONG)


@pytest.mark.parametrize(
    "how", ["scancel", *(pytest.param(how, marks=pytest.mark.slow) for how in ("requeue", "node failure"))]
)
def test_what_ends_a_phase_early_lets_it_resume_with_the_same_result(how, project, slurm, undisturbed):
    manager = project.start("boulder", "run", f"config/tiny.{LONG}")
    scores = project.folder / "work/jobs/phase_training"
    wait_for(lambda: any(len(f.read_text().splitlines()) >= 2 for f in scores.glob("*/output/scores.jsonl")))
    (job,) = [job for job in slurm.jobs() if job["JobState"] == "RUNNING"]
    if how == "scancel":
        slurm.run("scancel", job["JobId"])
    elif how == "requeue":
        slurm.run("scontrol", "requeue", job["JobId"])
    else:
        slurm.fail_node()
        slurm.start_node()
    output, _ = manager.communicate(timeout=240)
    assert manager.returncode == 0, output + slurm.logs()
    log = next(scores.glob("*/log.run.1")).read_text()
    assert log.count("going on after epoch") == 1
    assert project.checkpoint() == undisturbed(LONG)


@pytest.mark.slow
def test_a_held_job_is_not_submitted_again_until_it_is_released(project, slurm, undisturbed):
    manager = project.start("boulder", "run", f"config/tiny.{LONG}")
    scores = project.folder / "work/jobs/phase_training"
    wait_for(lambda: list(scores.glob("*/output/scores.jsonl")))
    (folder,) = [file.parents[1] for file in scores.glob("*/output/scores.jsonl")]
    (folder / "hold").touch()
    (job,) = [job for job in slurm.jobs() if job["JobState"] == "RUNNING"]
    slurm.run("scancel", job["JobId"])  # for good
    manager.communicate(timeout=100)  # nothing is left that it could do
    assert manager.returncode == 1
    assert (folder / "submit_log.run").read_text().count("\n") == 1
    (folder / "hold").unlink()
    code, output = project.run("boulder", "run", f"config/tiny.{LONG}")
    assert code == 0, output
    assert project.checkpoint() == undisturbed(LONG)


@pytest.mark.slow
def test_a_suspended_job_is_running_and_goes_on(project, slurm, undisturbed):
    manager = project.start("boulder", "run", f"config/tiny.{LONG}")
    wait_for(lambda: list(project.folder.glob("work/jobs/phase_training/*/output/scores.jsonl")))
    (job,) = [job for job in slurm.jobs() if job["JobState"] == "RUNNING"]
    slurm.run("scontrol", "suspend", job["JobId"], check=True)
    time.sleep(5)
    assert manager.poll() is None
    slurm.run("scontrol", "resume", job["JobId"], check=True)
    output, _ = manager.communicate(timeout=200)
    assert manager.returncode == 0, output + slurm.logs()
    assert next(project.folder.glob("work/jobs/phase_training/*/submit_log.run")).read_text().count("\n") == 1
    assert project.checkpoint() == undisturbed(LONG)


VERY_LONG = "experiment(6, None, 450)"  # more than a minute and what Slurm waits after it


def submissions(folder):
    """:return: requirements of each, of the only job in `folder`"""
    (log,) = folder.glob("work/jobs/phase_training/*/submit_log.run")
    return [ast.literal_eval(line)[1] for line in log.read_text().splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [None, "--signal=USR1@30", "--signal=TERM@30"])
def test_a_phase_that_meets_its_time_limit_goes_on_with_more_time(arguments, project, slurm, undisturbed):
    project.environment |= {"HOURS": str(1 / 60)} | ({"SBATCH_ARGS": arguments} if arguments else {})
    code, output = project.run("boulder", "run", f"config/tiny.{VERY_LONG}", timeout=400)
    assert code == 0, output + slurm.logs()
    first, second, *_ = submissions(project.folder)
    assert second["time"] == 2 * first["time"]
    assert second["completed_fraction"] > first["completed_fraction"]
    log = next(project.folder.glob("work/jobs/phase_training/*/log.run.1")).read_text()
    assert "going on after epoch" in log
    assert "it can be resumed" in log
    assert not list(project.folder.glob("work/jobs/phase_training/*/error.*"))
    assert project.checkpoint() == undisturbed(VERY_LONG)


@pytest.mark.slow
def test_a_phase_that_is_killed_for_its_memory_goes_on_with_more(project, slurm, undisturbed):
    project.environment |= {"MEM": "0.4"}
    code, output = project.run("boulder", "run", f"config/tiny.{LONG}")
    assert code == 0, output + slurm.logs()
    first, *_, last = submissions(project.folder)
    assert first["mem"] == 0.4
    assert last["mem"] == 0.8
    assert project.checkpoint() == undisturbed(LONG)
