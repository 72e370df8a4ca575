"""The same pipeline, with the same settings.py, under upstream Sisyphus on a real Slurm."""

import os
import signal
from pathlib import Path

import pytest

from tests.jobs.conftest import wait_for

UPSTREAM = os.environ.get("SISYPHUS_UPSTREAM")  # a checkout of upstream Sisyphus; PYTHONPATH may name what it needs
pytestmark = [
    pytest.mark.slurm,
    pytest.mark.slow,
    pytest.mark.skipif(not UPSTREAM, reason="SISYPHUS_UPSTREAM names no checkout of upstream Sisyphus"),
]
EXPERIMENT = "experiment(6, 1)"
LONG = "experiment(6, None, 60)"


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


def test_each_phase_is_one_job_with_the_same_result(project, slurm, undisturbed, under):
    under("upstream")
    code, output = project.run("boulder", "run", f"config/tiny.{EXPERIMENT}")
    assert code == 0, output + slurm.logs()
    jobs = slurm.jobs(project.folder)
    assert len(jobs) == 3
    assert {job["TresPerNode"] for job in jobs} == {"gres:gpu:1"}
    logs = [log.read_text() for log in project.folder.glob("work/jobs/phase_training/*/log.run.1")]
    assert len(logs) == 3
    assert all("Job finished successfully" in log for log in logs)
    assert project.checkpoint() == undisturbed(EXPERIMENT)


def test_a_cancelled_phase_resumes_with_the_same_result(project, slurm, undisturbed, under):
    under("upstream")
    (project.folder / "work").mkdir()  # else it asks whether it may
    manager = project.start("sis", "manager", "-r", f"config/tiny.{LONG}")
    scores = project.folder / "work/jobs/phase_training"
    wait_for(lambda: any(len(f.read_text().splitlines()) >= 2 for f in scores.glob("*/output/scores.jsonl")))
    (job,) = slurm.jobs(project.folder)
    slurm.run("scancel", job["JobId"])
    output, _ = manager.communicate(timeout=400)
    assert manager.returncode == 0, output + slurm.logs()
    assert project.checkpoint() == undisturbed(LONG)


@pytest.mark.parametrize(("first", "second"), [("upstream", "embedded"), ("embedded", "upstream")])
def test_a_job_that_runs_is_found_by_the_other_manager(first, second, project, slurm, undisturbed, under):
    under(first)
    manager = project.start("boulder", "run", f"config/tiny.{LONG}")
    try:
        wait_for(lambda: list(project.folder.glob("work/jobs/phase_training/*/output/scores.jsonl")))
    finally:
        os.killpg(manager.pid, signal.SIGKILL)
        manager.wait()
    under(second)
    code, output = project.run("boulder", "run", f"config/tiny.{LONG}", timeout=400)
    assert code == 0, output + slurm.logs()
    assert len(slurm.jobs(project.folder)) == 1
    assert project.checkpoint() == undisturbed(LONG)
