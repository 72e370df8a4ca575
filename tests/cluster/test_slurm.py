"""Pipelines on a real Slurm: an interrupted phase has the same result as an undisturbed one."""

import os
import signal

import pytest

from tests.cluster.pipelines import (
    LONG,
    begin,
    end,
    end_early_and_often,
    run_from_a_lexicon,
    submissions,
    training_log,
    worker,
)
from tests.jobs.conftest import wait_for

pytestmark = pytest.mark.slurm


def test_each_phase_is_one_job_with_its_requirements_and_data_jobs_take_no_gpu(project, slurm):
    run_from_a_lexicon(project, slurm)
    slurm.wait_until(lambda: not slurm.run("squeue", "-h"), "Slurm has noticed that they ended")
    jobs = slurm.jobs(project.folder)
    assert len(jobs) == 2
    for job in jobs:
        assert job["JobName"].startswith("jobs.phase_training.PhaseTrainingJob.")
        assert job["JobState"] == "COMPLETED"
        assert job["TresPerNode"] == "gres:gpu:1"
        assert job["MinMemoryNode"] == "1G"
        assert job["CPUs/Task"] == "1"
        assert job["TimeLimit"] == "04:00:00"


@pytest.mark.slow
def test_a_killed_manager_finds_its_jobs_again_and_submits_none_twice(project, slurm, undisturbed):
    manager = begin(project)
    os.killpg(manager.pid, signal.SIGKILL)
    manager.wait()
    code, output = project.run("boulder", "run", f"config/tiny.{LONG}")
    assert code == 0, output + slurm.logs()
    assert len(slurm.jobs(project.folder)) == len(submissions(project)) == 1
    assert project.checkpoint() == undisturbed(LONG)


@pytest.mark.slow
def test_a_phase_that_is_ended_early_resumes_with_the_same_result(project, slurm, undisturbed):
    """Node failure, requeue, scancel, and the signals that --signal sends."""
    manager = begin(project)

    def running() -> str:
        (job,) = [job for job in slurm.jobs(project.folder) if job["JobState"] == "RUNNING"]
        return job["JobId"]

    ways = [
        lambda: (slurm.fail_node(), slurm.start_node()),
        lambda: slurm.run("scontrol", "requeue", running()),
        lambda: slurm.run("scancel", "--signal=USR1", running()),
        lambda: slurm.run("scancel", "--signal=TERM", running()),
        lambda: slurm.run("scancel", running()),
    ]
    end_early_and_often(project, ways)
    end(manager, slurm)
    # requeue also lets a job save, but does not wait for long
    assert training_log(project).count("it can be resumed") >= 3
    assert not list(project.folder.glob("work/jobs/phase_training/*/error.*"))
    assert project.checkpoint() == undisturbed(LONG)


@pytest.mark.slow
def test_a_phase_at_its_time_limit_resumes_with_more_time(project, slurm, undisturbed):
    project.environment |= {"HOURS": str(1 / 60)}
    manager = begin(project)
    worker(project).suspend()  # until its time is over
    wait_for(lambda: len(submissions(project)) == 2, 200)
    end(manager, slurm)
    first, second, *_ = submissions(project)
    assert second["time"] == 2 * first["time"]
    assert second["completed_fraction"] > first["completed_fraction"]
    assert "going on after epoch" in training_log(project)
    assert project.checkpoint() == undisturbed(LONG)


@pytest.mark.slow
def test_a_phase_killed_for_its_memory_resumes_with_more(project, slurm, undisturbed):
    project.environment |= {"MEM": "0.4"}
    code, output = project.run("boulder", "run", f"config/tiny.{LONG}", timeout=400)
    assert code == 0, output + slurm.logs()
    first, second, *_ = submissions(project)
    assert first["mem"] == 0.4
    assert second["mem"] == 0.8
    assert project.checkpoint() == undisturbed(LONG)
