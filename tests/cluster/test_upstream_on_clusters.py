"""The same pipeline, with the same settings.py, under upstream Sisyphus on a real Slurm and a real Grid Engine."""

import os
import signal
from pathlib import Path

import pytest

from tests.cluster.pipelines import LONG, begin, end, training_folders, wait_for_epochs

UPSTREAM = os.environ.get("SISYPHUS_UPSTREAM")  # a checkout of upstream Sisyphus; PYTHONPATH may name what it needs
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not UPSTREAM, reason="SISYPHUS_UPSTREAM names no checkout of upstream Sisyphus"),
]
EXPERIMENT = "experiment(6, 1)"  # three jobs
GPU = {"slurm": ("TresPerNode", "gres:gpu:1"), "grid_engine": ("asked", "gpu=1")}
CLUSTERS = [pytest.param("slurm", marks=pytest.mark.slurm), pytest.param("grid_engine", marks=pytest.mark.gridengine)]


@pytest.fixture(params=CLUSTERS)
def cluster_name(request):
    return request.param


@pytest.fixture
def cluster(request, cluster_name):
    return request.getfixturevalue(cluster_name)


@pytest.fixture
def under(project, tmp_path):
    """`under("upstream")`, `under("embedded")`: which Sisyphus the project's commands find from now on."""
    (tmp_path / "upstream").mkdir()
    (tmp_path / "upstream/sisyphus").symlink_to(Path(UPSTREAM, "sisyphus").resolve())
    needs = os.environ.get("PYTHONPATH")

    def choose(which):
        found = [str(tmp_path / "upstream")] if which == "upstream" else []
        project.environment["PYTHONPATH"] = os.pathsep.join([*found, *([needs] if needs else [])])

    return choose


def ended_jobs(cluster, project, count):
    cluster.wait_until(lambda: len(cluster.jobs(project.folder)) >= count, "all are known")  # accounting takes a second
    return cluster.jobs(project.folder)


def test_each_phase_is_one_job_with_the_same_result(project, cluster, cluster_name, undisturbed, under):
    under("upstream")
    code, output = project.run("boulder", "run", f"config/tiny.{EXPERIMENT}", timeout=400)
    assert code == 0, output + cluster.logs()
    jobs = ended_jobs(cluster, project, 3)
    assert len(jobs) == 3
    name, gpu = GPU[cluster_name]
    assert all(gpu in job[name] for job in jobs)
    logs = [(folder / "log.run.1").read_text() for folder in training_folders(project)]
    assert len(logs) == 3
    assert all("Job finished successfully" in log for log in logs)
    assert project.checkpoint() == undisturbed(EXPERIMENT)


def test_a_cancelled_phase_resumes_with_the_same_result(project, cluster, undisturbed, under):
    under("upstream")
    (project.folder / "work").mkdir()  # else it asks whether it may
    manager = project.start("sis", "manager", "-r", f"config/tiny.{LONG}")
    wait_for_epochs(project, 2)
    cluster.cancel_all()
    end(manager, cluster)
    assert project.checkpoint() == undisturbed(LONG)


@pytest.mark.parametrize(("first", "second"), [("upstream", "embedded"), ("embedded", "upstream")])
def test_a_job_that_runs_is_found_by_the_other_manager(first, second, project, cluster, undisturbed, under):
    under(first)
    manager = begin(project)
    os.killpg(manager.pid, signal.SIGKILL)
    manager.wait()
    under(second)
    end(project.start("boulder", "run", f"config/tiny.{LONG}"), cluster)
    assert len(ended_jobs(cluster, project, 1)) == 1
    assert project.checkpoint() == undisturbed(LONG)
