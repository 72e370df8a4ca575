"""boulder status, hold and rerun while phases run on a real cluster."""

import pytest

from tests.cluster.conftest import ON_EACH_CLUSTER
from tests.jobs.conftest import make_project, wait_for

LONG = "config/tiny.experiment(6, 1, 120)"
pytestmark = pytest.mark.slow


def submitted(project) -> int:
    logs = project.folder.glob("work/jobs/phase_training/*/submit_log.run")
    return sum(log.read_text().count("\n") for log in logs)


@ON_EACH_CLUSTER
def test_status_shows_the_clusters_job_number_and_rerun_cancels_the_job_under_a_live_manager(
    project, cluster, undisturbed
):
    running = project.start("boulder", "run", LONG)
    try:
        wait_for(lambda: project.states(LONG)["01"] == "running", timeout=240)
        phases = project.status(LONG)["pipelines"][0]["phases"]
        engine, number, *_ = phases[1]["where"].split()
        assert engine in ("slurm", "sge")
        assert number.isdigit()
        assert phases[0]["where"].startswith(f"{engine} ")
        code, output = project.run("boulder", "rerun", LONG, "--phase", "0")
        assert code == 0, output + cluster.logs()
        assert f"ending tiny/phase.01 ({engine} {number}" in output
        assert "will run it" in output
        told, _ = running.communicate(timeout=400)
    finally:
        project.stop(running)
    assert running.returncode == 0, told + cluster.logs()
    assert len(list(project.folder.glob("work/jobs/phase_training/*.cleared.0001"))) == 2
    assert submitted(project) == 5  # 0, 1 | 0, 1, final
    assert project.checkpoint() == undisturbed(LONG.removeprefix("config/tiny."))


@ON_EACH_CLUSTER
def test_a_held_phase_frees_the_cluster_and_resumes_when_released(project, cluster, undisturbed):
    call = LONG.replace("6, 1, 120", "6, None, 60")
    running = project.start("boulder", "run", call)
    try:
        wait_for(lambda: list(project.folder.glob("work/jobs/phase_training/*/output/scores.jsonl")), timeout=240)
        code, output = project.run("boulder", "hold", call, "--phase", "0", "--stop")
        assert code == 0, output + cluster.logs()
        assert project.states(call)["00"] in ("hold", "finished")
        told, _ = running.communicate(timeout=200)
    finally:
        project.stop(running)
    assert "held: tiny/phase.00-final" in told
    assert project.run("boulder", "release", call, "--phase", "0")[0] == 0
    code, output = project.run("boulder", "run", call)
    assert code == 0, output + cluster.logs()
    log = next(project.folder.glob("work/jobs/phase_training/*/log.run.1")).read_text()
    assert "resuming after epoch" in log
    assert project.checkpoint() == undisturbed(call.removeprefix("config/tiny."))


@pytest.mark.slurm
def test_while_slurm_does_not_answer_status_reports_it_and_rerun_changes_nothing(slurm, tmp_path, data):
    project = make_project(tmp_path / "project", data, **slurm.own)
    running = project.start("boulder", "run", LONG)
    try:
        wait_for(lambda: list(project.folder.glob("work/jobs/phase_training/*/output/scores.jsonl")), timeout=240)
    finally:
        project.stop(running)
    slurm.stop_daemon("slurmctld")
    try:
        code, output = project.run("boulder", "status", LONG)
        assert (code, "Slurm does not answer: squeue: " in output) == (0, True), output
        assert project.states(LONG)["00"] == "unknown"
        code, output = project.run("boulder", "rerun", LONG, "--phase", "0")
        assert code == 1
        assert "error: Slurm does not answer" in output
    finally:
        slurm.start_controller()
    assert not list(project.folder.glob("work/jobs/phase_training/*.cleared.*"))
    code, output = project.run("boulder", "rerun", LONG, "--phase", "0")
    assert code == 0, output + slurm.logs()
