"""Pipelines on a real cluster. A phase that is ended early, in any way, ends in the same bytes as one that is not."""

import os
import signal

import pytest

from tests.cluster.conftest import ON_EACH_CLUSTER
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

pytestmark = ON_EACH_CLUSTER

REQUESTED = {
    "Slurm": {"TresPerNode": "gres:gpu:1", "MinMemoryNode": "1G", "CPUs/Task": "1", "TimeLimit": "04:00:00"},
    "Grid Engine": {
        "gpu": "1",
        "num_proc": "1",
        "h_rss": "1024M",
        "s_vmem": "1024M",
        "h_vmem": "INFINITY",
        "h_rt": "14400",
        "s_rt": "14340",
    },
}
SUCCEEDED = {"Slurm": {"JobState": "COMPLETED"}, "Grid Engine": {"failed": "0", "exit_status": "0"}}
NUM_SAVES = {"Slurm": 3, "Grid Engine": 1}
"""number of `cluster.endings` that let a phase save in any case"""
SMALL_MEMORY = {"Slurm": 0.4, "Grid Engine": 0.3}
"""GB that are too little for a training of this size"""


def test_each_phase_is_one_job_with_its_requirements_and_data_jobs_run_locally(project, cluster):
    run_from_a_lexicon(project, cluster)
    assert cluster.num_jobs(project.folder, 2) == 2
    cluster.wait_until(lambda: not cluster.active(project.folder), "the cluster knows that the jobs have ended")
    for job in cluster.jobs(project.folder):
        assert cluster.job_name(job).startswith("jobs.phase_training.PhaseTrainingJob.")
        assert job | SUCCEEDED[cluster.name] == job
        assert cluster.requested(job) == REQUESTED[cluster.name]


@pytest.mark.slow
def test_a_manager_finds_the_jobs_of_a_killed_one_and_submits_none_twice(project, cluster, undisturbed):
    manager = begin(project)
    os.killpg(manager.pid, signal.SIGKILL)
    manager.wait()
    end(project.start("boulder", "run", f"config/tiny.{LONG}"), cluster)
    assert cluster.num_jobs(project.folder, 1) == len(submissions(project)) == 1
    cluster.wait_until(lambda: not cluster.active(project.folder), "no job is left")
    assert project.checkpoint() == undisturbed(LONG)


@pytest.mark.slow
def test_a_phase_that_is_ended_early_resumes_with_the_same_result(project, cluster, undisturbed):
    """The ways are those of `cluster.endings`."""
    manager = begin(project)
    endings = cluster.endings(project.folder, lambda: worker(project))
    end_early_and_often(project, endings)
    end(manager, cluster)
    # The cluster itself restarts a job after a node failure and a requeue; the manager submits again after the others.
    assert len(submissions(project)) == len(endings) - 1
    assert training_log(project).count("; saved in checkpoints/") >= NUM_SAVES[cluster.name]
    assert not list(project.folder.glob("work/jobs/phase_training/*/error.*"))
    assert project.checkpoint() == undisturbed(LONG)


@pytest.mark.slow
def test_a_phase_that_meets_its_time_limit_resumes_with_more_time(project, cluster, undisturbed):
    project.environment |= {"HOURS": str(1 / 60)}
    manager = begin(project)
    worker(project).suspend()  # it cannot save before its time is over
    wait_for(lambda: len(submissions(project)) == 2, 300)
    end(manager, cluster)
    first, second, *_ = submissions(project)
    assert second["time"] == 2 * first["time"]
    assert second["completed_fraction"] > first["completed_fraction"]
    assert "resuming after epoch" in training_log(project)
    assert project.checkpoint() == undisturbed(LONG)


@pytest.mark.slow
def test_a_phase_that_exceeds_its_memory_resumes_with_more(project, cluster, undisturbed):
    """Slurm kills it; Grid Engine warns it by SIGXCPU."""
    memory = SMALL_MEMORY[cluster.name]
    project.environment |= {"MEM": str(memory)}
    end(project.start("boulder", "run", f"config/tiny.{LONG}"), cluster)
    first, second, *_ = submissions(project)
    assert (first["mem"], second["mem"]) == (memory, 2 * memory)
    assert project.checkpoint() == undisturbed(LONG)
