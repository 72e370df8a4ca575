"""`boulder hold` and `boulder release`."""

import pytest

from tests.jobs.conftest import wait_for
from tests.jobs.test_show_status import CONFIG


@pytest.mark.slow
def test_a_held_phase_is_not_started_until_it_is_released(project, manager):
    config = "config/tiny.experiment(6, 1, 1)"
    code, output = project.run("boulder", "hold", config, "--phase", "1")
    assert (code, output) == (0, "tiny/phase.01 is held\n")
    code, output = project.run("boulder", "run", config)
    assert code == 1, output
    assert "held: tiny/phase.01" in output
    assert project.states(config) == {"00": "finished", "01": "hold", "final": "waiting"}
    assert project.run("boulder", "release", config, "--phase", "01") == (0, "tiny/phase.01 is released\n")
    code, output = project.run("boulder", "run", config)
    assert code == 0, output
    assert set(project.states(config).values()) == {"finished"}


@pytest.mark.slow
def test_a_held_running_phase_continues_or_saves_and_ends(project, manager):
    config = "config/tiny.experiment(6, None, 60)"
    running = project.start("boulder", "run", config)
    try:
        wait_for(lambda: list(project.folder.glob("work/jobs/phase_training/*/output/scores.jsonl")))
        code, output = project.run("boulder", "hold", config, "--phase", "0")
        assert code == 0, output
        assert "held, but keeps running; --stop lets it save and end" in output
        assert "running" in project.states(config).values()
        code, output = project.run("boulder", "hold", config, "--phase", "0", "--stop")
        assert code == 0, output
        assert "ending tiny/phase.00-final (process" in output
        assert "running" not in project.states(config).values()
        output, _ = running.communicate(timeout=90)  # nothing else can run
    finally:
        project.stop(running)
    assert "held: tiny/phase.00-final" in output
    assert list(project.folder.glob("work/jobs/phase_training/*/work/checkpoints/epoch.*.h5"))
    assert not list(project.folder.glob("work/jobs/phase_training/*/error.*"))
    assert project.run("boulder", "release", config, "--phase", "0")[0] == 0
    assert "interrupted_resumable" in project.states(config).values()


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("hold", "phase final has finished, so it cannot be held; `boulder rerun` would run it again"),
        ("release", "phase final is not held by `boulder hold`"),
    ],
)
def test_a_phase_that_cannot_be_held_or_released_gets_one_line(trained, command, message):
    assert trained.run("boulder", command, CONFIG, "--phase", "final") == (1, f"error: {message}\n")


def test_one_of_several_pipelines_is_chosen_by_name(trained):
    code, output = trained.run("boulder", "hold", "config/tiny.two", "--phase", "0")
    told = "the config lays out 2 pipelines: choose by --pipeline one of one, other"
    assert (code, output) == (1, f"error: {told}\n")
    code, output = trained.run("boulder", "hold", "config/tiny.two", "--phase", "final", "--pipeline", "other")
    assert (code, output) == (0, "other/phase.final is held\n")
