"""`boulder rerun`: moves a phase and its dependants aside, and the next or the live manager runs them again."""

import json
import os
import pty
import re
import signal
import subprocess

import pytest

from tests.jobs.conftest import BIN, use_sisyphus, wait_for
from tests.jobs.test_show_status import CONFIG, pack


def phase(project, name: str = "00"):
    """:return: arguments"""
    return project.run("boulder", "rerun", CONFIG, "--phase", name)


@pytest.mark.long
def test_a_phase_and_its_dependants_are_moved_aside_and_rerun_with_the_same_result(trained, manager):
    jobs, checkpoint = trained.jobs(), trained.checkpoint()
    code, output = phase(trained, "1")
    assert code == 0, output
    assert trained.states() == {"00": "finished", "01": "runnable", "final": "waiting"}
    for name in ("01", "final", "tiny/report"):
        aside = jobs[name].with_name(f"{jobs[name].name}.cleared.0001")
        assert (aside / "finished").exists()
        assert not jobs[name].exists()
        assert f"in {aside.relative_to(trained.folder)}\n" in output
    assert output.endswith(f"to run it: boulder run {CONFIG}\n")

    code, output = trained.run("boulder", "run", CONFIG)
    assert code == 0, output
    assert "finished: tiny/phase.01" in output
    assert "finished: tiny/report" in output
    assert "finished: tiny/phase.00" not in output
    assert trained.checkpoint() == checkpoint
    assert "stale" not in report(trained)

    assert phase(trained, "final")[0] == 0
    assert jobs["final"].with_name(f"{jobs['final'].name}.cleared.0002").exists()


def report(project) -> str:
    """:return: text of the HTML report"""
    return (project.folder / "output/tiny/report.html").read_text().partition("<body>")[2]


@pytest.mark.slow
def test_only_keeps_later_results_as_stale_until_they_are_rerun(trained, manager):
    jobs = trained.jobs()
    code, output = trained.run("boulder", "rerun", CONFIG, "--phase", "00", "--only")
    assert code == 0, output
    assert "kept, marked as stale: tiny/phase.01\nkept, marked as stale: tiny/phase.final\n" in output
    assert trained.states() == {"00": "runnable", "01": "finished", "final": "finished"}
    assert stale(trained) == ["01", "final"]
    pack(trained)  # the mark stays readable

    code, output = trained.run("boulder", "run", CONFIG)  # the phase runs although no output needs it
    assert code == 0, output
    assert "finished: tiny/phase.00" in output
    assert "finished: tiny/report" in output
    assert "finished: tiny/phase.01" not in output
    assert (jobs["01"] / "finished.tar.gz").exists()
    assert "original network</b> is stale: from before phase 00 was rerun" in report(trained)
    assert stale(trained) == ["01", "final"]
    code, output = trained.run("boulder", "status", CONFIG)
    assert "final is stale: from before phase 00 was rerun" in output

    assert phase(trained, "01")[0] == 0
    assert stale(trained) == []
    assert trained.run("boulder", "run", CONFIG)[0] == 0
    assert "stale" not in report(trained)


def stale(project) -> list[str]:
    (pipeline,) = project.status()["pipelines"]
    return [phase["phase"] for phase in pipeline["phases"] if phase["stale"]]


@pytest.mark.slow
def test_running_jobs_are_ended_and_a_live_manager_reruns_the_phase(project):
    config = "config/tiny.experiment(6, 1, 8)"
    running = project.start("boulder", "run", config)
    try:
        wait_for(lambda: project.states(config)["01"] == "running")
        code, output = project.run("boulder", "rerun", config, "--phase", "0")
        assert code == 0, output
        assert "ending tiny/phase.01 (process " in output
        assert "embedded Sisyphus) will run it" in output
        told, _ = running.communicate(timeout=240)
    finally:
        project.stop(running)
    assert running.returncode == 0, told
    assert told.count("finished: tiny/phase.00") == 2
    assert told.count("epoch 3 (index 0") == 2
    assert len(list(project.folder.glob("work/jobs/phase_training/*.cleared.0001"))) == 2
    assert len(project.finished_jobs()) == 4  # one of them aside


@pytest.mark.slow
def test_a_live_manager_runs_a_phase_that_no_output_needs(project):
    config = "config/tiny.experiment(6, 1, 8)"
    running = project.start("boulder", "run", config)
    try:
        wait_for(lambda: project.states(config)["final"] == "running")
        assert project.run("boulder", "rerun", config, "--phase", "0", "--only")[0] == 0
        told, _ = running.communicate(timeout=240)
    finally:
        project.stop(running)
    assert running.returncode == 0, told
    assert told.count("finished: tiny/phase.00") == 2
    assert told.count("finished: tiny/phase.01") == 1
    assert "rerun of job" not in told


def test_a_live_manager_of_upstream_is_refused_with_instructions(project, tmp_path, monkeypatch):
    use_sisyphus("upstream", tmp_path, monkeypatch)
    config = "config/tiny.experiment(6, None, 60)"
    running = project.start("boulder", "run", config)
    try:
        wait_for(lambda: list(project.folder.glob("work/jobs/phase_training/*/output/scores.jsonl")))
        code, output = project.run("boulder", "rerun", config, "--phase", "0")
    finally:
        project.stop(running)
    assert code == 1
    assert output.startswith("error: a manager of upstream Sisyphus is at work (process ")
    assert output.endswith("stop it (Ctrl-C), repeat this command, then start it again\n")
    assert not list(project.folder.glob("work/jobs/phase_training/*.cleared.*"))
    assert phase_of(project, config, "0")[0] == 0  # the manager is stopped


def phase_of(project, config: str, name: str):
    return project.run("boulder", "rerun", config, "--phase", name)


@pytest.mark.long
def test_a_worker_of_a_dead_manager_is_ended(project):
    config = "config/tiny.experiment(6, None, 400)"
    running = project.start("boulder", "run", config)
    try:
        wait_for(lambda: list(project.folder.glob("work/jobs/phase_training/*/output/scores.jsonl")))
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
    assert project.states(config)["00"] == "running"
    code, output = phase_of(project, config, "final")
    assert code == 0, output
    assert "phase final shares its job with others: all of tiny/phase.00-final is rerun" in output
    assert "ending tiny/phase.00-final (process " in output
    assert project.states(config)["00"] == "runnable"
    assert "saved in" in next(project.folder.glob("work/jobs/*/*.cleared.0001/log.run.1")).read_text()


def take_hours(trained) -> None:
    """Pretend that the last phase took hours."""
    scores = trained.jobs()["final"] / "output/scores.jsonl"
    records = [json.loads(line) | {"seconds": 4000.0} for line in scores.read_text().splitlines()]
    scores.write_text("\n".join(map(json.dumps, records)))


@pytest.mark.parametrize(("answer", "left"), [("n", "finished"), ("y", "runnable")])
def test_at_a_terminal_it_asks_before_setting_more_than_an_hour_of_work_aside(trained, answer, left):
    take_hours(trained)
    terminal, end = pty.openpty()
    command = [BIN / "boulder", "rerun", CONFIG, "--phase", "final"]
    environment = os.environ | trained.environment
    process = subprocess.Popen(
        command, cwd=trained.folder, env=environment, stdin=end, stdout=subprocess.PIPE, text=True
    )
    os.write(terminal, f"{answer}\n".encode())
    output, _ = process.communicate(timeout=60)
    assert re.search(r"This sets 2 h 1\d min of work aside \(tiny/phase.final, tiny/report\). Go on\?", output)
    assert ("nothing was changed" in output, process.returncode) == (answer == "n", int(answer == "n"))
    assert trained.states()["final"] == left
    os.close(terminal)
    os.close(end)


@pytest.mark.long
def test_without_a_terminal_more_than_an_hour_of_work_needs_yes(trained):
    take_hours(trained)
    code, output = phase(trained)
    assert code == 1
    told = "error: this sets 2 h 13 min of work aside (tiny/phase.00, tiny/phase.01, tiny/phase.final, tiny/report): "
    assert re.sub(r"2 h 1\d", "2 h 13", output) == f"{told}confirm with --yes\n"  # plus the seconds of the other phases
    assert set(trained.states().values()) == {"finished"}
    code, output = trained.run("boulder", "rerun", CONFIG, "--phase", "0", "--only")
    assert code == 0, output  # the last phase, which took hours, is kept
    code, output = trained.run("boulder", "rerun", CONFIG, "--phase", "final", "--yes")
    assert code == 0, output


def test_a_link_to_another_work_directory_is_moved_and_its_target_untouched(trained):
    job = trained.jobs()["01"]
    elsewhere = trained.folder / "elsewhere"
    job.rename(elsewhere)
    job.symlink_to(elsewhere)
    before = sorted(path.name for path in elsewhere.rglob("*"))
    assert trained.run("boulder", "rerun", CONFIG, "--phase", "0", "--only")[0] == 0
    assert stale(trained) == ["final"]
    assert phase(trained, "01")[0] == 0
    assert job.with_name(f"{job.name}.cleared.0001").is_symlink()
    assert sorted(path.name for path in elsewhere.rglob("*")) == before


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("0", "phase 0 has not begun, so there is nothing to rerun"),
        ("7", "--phase '7': no phase of that name; there are 00, 01, final"),
    ],
)
def test_a_phase_that_cannot_be_rerun_gets_one_line(project, name, message):
    code, output = project.run("boulder", "rerun", "config/tiny.experiment", "--phase", name)
    assert (code, output) == (1, f"error: {message}\n")
    assert not (project.folder / "work").exists()
