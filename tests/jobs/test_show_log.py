"""`boulder logs`: prints the log of a phase's job."""

import os
import signal

import pytest

from tests.jobs.conftest import wait_for
from tests.jobs.test_show_status import CONFIG, pack


@pytest.mark.long
def test_a_log_is_shown_from_the_directory_and_from_the_archive(trained):
    text = (trained.jobs()["final"] / "log.run.1").read_text()
    assert "epoch 6 (original" in text
    for name in ("final", "original"):
        assert trained.run("boulder", "logs", CONFIG, "--phase", name) == (0, text)
    pack(trained)
    assert not (trained.jobs()["final"] / "log.run.1").exists()
    assert trained.run("boulder", "logs", CONFIG, "--phase", "final") == (0, text)
    code, output = trained.run("boulder", "logs", CONFIG, "--phase", "final", "-f")
    assert (code, output) == (0, text + "the job's state is finished\n")


@pytest.mark.slow
def test_following_continues_across_a_retry_until_the_job_ends(project):
    config = "config/tiny.experiment(6, None, 12)"
    manager = project.start("boulder", "run", config)
    follower = None
    try:
        wait_for(lambda: list(project.folder.glob("work/jobs/phase_training/*/output/scores.jsonl")))
        follower = project.start("boulder", "logs", config, "--phase", "1", "-f")
        usage = next(project.folder.glob("work/jobs/phase_training/*/usage.run.1")).read_text()
        os.kill(eval(usage)["pid"], signal.SIGKILL)
        output, _ = follower.communicate(timeout=200)
        assert follower.returncode == 0, output
    finally:
        for process in filter(None, (manager, follower)):
            project.stop(process)
    assert "RETRY OR CONTINUE TASK" in output
    assert "epoch 36 (original" in output
    assert output.endswith("the job's state is finished\n")


@pytest.mark.parametrize(
    ("phase", "message"),
    [
        ("0", "phase 0 has no log: it has not begun, its state is runnable"),
        ("2", "--phase '2': no phase of that name; there are 00, 01, final"),
        ("fina", "--phase 'fina': no phase of that name; there are 00, 01, final; did you mean 'final'?"),
    ],
)
def test_a_phase_that_has_not_begun_or_does_not_exist_gets_one_line(project, phase, message):
    code, output = project.run("boulder", "logs", "config/tiny.experiment", "--phase", phase)
    assert (code, output) == (1, f"error: {message}\n")
