"""Pipelines on a real Grid Engine: an interrupted phase has the same result as an undisturbed one."""

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

pytestmark = pytest.mark.gridengine


@pytest.mark.slow
def test_each_phase_is_one_job_with_its_requirements_and_data_jobs_take_no_gpu(project, grid_engine):
    run_from_a_lexicon(project, grid_engine)
    grid_engine.wait_until(lambda: len(grid_engine.jobs(project.folder)) >= 2, "they are accounted for")
    jobs = grid_engine.jobs(project.folder)
    assert len(jobs) == 2
    for job in jobs:
        assert job["name"].startswith("jobs.phase_training.PhaseTrainingJob.")
        assert (job["failed"], job["exit_status"]) == ("0", "0")
        assert dict(word.split("=") for word in job["asked"].removeprefix("-l ").split(",")) == {
            "gpu": "1",
            "num_proc": "1",
            "h_rss": "1024M",
            "s_vmem": "1024M",
            "h_vmem": "INFINITY",
            "h_rt": "14400",
            "s_rt": "14340",
        }


@pytest.mark.slow
def test_a_killed_manager_finds_its_jobs_again_and_submits_none_twice(project, grid_engine, undisturbed):
    manager = begin(project)
    os.killpg(manager.pid, signal.SIGKILL)
    manager.wait()
    end(project.start("boulder", "run", f"config/tiny.{LONG}"), grid_engine)
    grid_engine.wait_until(lambda: grid_engine.jobs(project.folder), "it is accounted for")
    assert len(grid_engine.jobs(project.folder)) == len(submissions(project)) == 1
    assert not grid_engine.run("qstat")
    assert project.checkpoint() == undisturbed(LONG)


@pytest.mark.slow
def test_a_phase_that_is_ended_early_resumes_with_the_same_result(project, grid_engine, undisturbed):
    """Node failure, rescheduling, qdel, and the signals of warnings."""
    manager = begin(project)
    ways = [
        lambda: (grid_engine.fail_node(), grid_engine.start_node()),
        lambda: grid_engine.run("qmod", "-rj", grid_engine.running(), check=True),
        lambda: worker(project).send_signal(signal.SIGUSR2),
        lambda: grid_engine.run("qdel", grid_engine.running(), check=True),
    ]
    end_early_and_often(project, ways)
    end(manager, grid_engine)
    assert len(submissions(project)) == 3  # after a node's failure and a rescheduling Grid Engine itself runs it again
    assert not list(project.folder.glob("work/jobs/phase_training/*/error.*"))
    assert project.checkpoint() == undisturbed(LONG)


@pytest.mark.slow
def test_a_phase_at_its_time_limit_resumes_with_more_time(project, grid_engine, undisturbed):
    project.environment |= {"HOURS": str(1 / 60)}
    manager = begin(project)
    worker(project).suspend()  # until its time is over, so that it cannot save
    wait_for(lambda: len(submissions(project)) == 2, 300)
    end(manager, grid_engine)
    first, second, *_ = submissions(project)
    assert second["time"] == 2 * first["time"]
    assert second["completed_fraction"] > first["completed_fraction"]
    assert "going on after epoch" in training_log(project)
    assert project.checkpoint() == undisturbed(LONG)


@pytest.mark.slow
def test_a_phase_at_its_memory_limit_resumes_with_more_memory(project, grid_engine, undisturbed):
    project.environment |= {"MEM": "0.3"}
    end(project.start("boulder", "run", f"config/tiny.{LONG}"), grid_engine)
    first, second, *_ = submissions(project)
    assert (first["mem"], second["mem"]) == (0.3, 0.6)
    assert "SIGXCPU" in training_log(project)
    assert project.checkpoint() == undisturbed(LONG)
