"""The same pipeline, with the same settings.py, under upstream Sisyphus on a real Slurm and a real Grid Engine."""

import os
import signal
from pathlib import Path

import pytest

from tests.cluster.conftest import ON_EACH_CLUSTER
from tests.cluster.pipelines import LONG, begin, end, training_folders, wait_for_epochs

UPSTREAM = os.environ.get("SISYPHUS_UPSTREAM")  # a checkout of upstream Sisyphus; PYTHONPATH may add its dependencies
pytestmark = [
    ON_EACH_CLUSTER,
    pytest.mark.slow,
    pytest.mark.skipif(not UPSTREAM, reason="SISYPHUS_UPSTREAM names no checkout of upstream Sisyphus"),
]
EXPERIMENT = "experiment(6, 1)"  # three jobs
GPU = {"Slurm": ("TresPerNode", "gres:gpu:1"), "Grid Engine": ("gpu", "1")}


@pytest.fixture
def under(project, tmp_path):
    """`under("upstream")` or `under("embedded")` chooses the Sisyphus of the project's commands."""
    (tmp_path / "upstream").mkdir()
    (tmp_path / "upstream/sisyphus").symlink_to(Path(UPSTREAM, "sisyphus").resolve())
    needs = os.environ.get("PYTHONPATH")

    def choose(which):
        found = [str(tmp_path / "upstream")] if which == "upstream" else []
        project.environment["PYTHONPATH"] = os.pathsep.join([*found, *([needs] if needs else [])])

    return choose


def test_each_phase_is_one_job_with_the_same_result(project, cluster, undisturbed, under):
    under("upstream")
    code, output = project.run("boulder", "run", f"config/tiny.{EXPERIMENT}", timeout=400)
    assert code == 0, output + cluster.logs()
    assert cluster.num_jobs(project.folder, 3) == 3
    assert all(GPU[cluster.name] in cluster.requested(job).items() for job in cluster.jobs(project.folder))
    logs = [(folder / "log.run.1").read_text() for folder in training_folders(project)]
    assert len(logs) == 3
    assert all("Job finished successfully" in log for log in logs)
    assert project.checkpoint() == undisturbed(EXPERIMENT)


def test_a_cancelled_phase_resumes_with_the_same_result(project, cluster, undisturbed, under):
    under("upstream")
    (project.folder / "work").mkdir()  # without it, the manager asks whether to create it
    manager = project.start("sis", "manager", "-r", f"config/tiny.{LONG}")
    wait_for_epochs(project, 2)
    cluster.cancel_all()
    end(manager, cluster)
    assert project.checkpoint() == undisturbed(LONG)


@pytest.mark.parametrize(("first", "second"), [("upstream", "embedded"), ("embedded", "upstream")])
def test_the_other_manager_finds_a_running_job(first, second, project, cluster, undisturbed, under):
    under(first)
    manager = begin(project)
    os.killpg(manager.pid, signal.SIGKILL)
    manager.wait()
    under(second)
    end(project.start("boulder", "run", f"config/tiny.{LONG}"), cluster)
    assert cluster.num_jobs(project.folder, 1) == 1
    assert project.checkpoint() == undisturbed(LONG)
