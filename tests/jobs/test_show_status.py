"""`boulder status`: the state of each phase, inferred from outside."""

import json
import os
import time

import pytest

from tests.jobs.conftest import wait_for

CONFIG = "config/tiny.reported"


def test_a_finished_pipeline_shows_scores_times_and_hosts(trained):
    code, output = trained.run("boulder", "status", CONFIG)
    assert code == 0, output
    rows = [line.split() for line in output.splitlines() if "finished" in line and "/2" in line]
    assert [row[:3] for row in rows] == [[name, "finished", "2/2"] for name in ("00", "01", "final")]
    last = json.loads((trained.jobs()["final"] / "output/scores.jsonl").read_text().splitlines()[-1])
    assert f"{last['dev']['cost:output']:#.4g}" in rows[-1]
    assert "other jobs: 1 finished" in output
    assert "manager" not in output


def test_json_has_everything_and_no_file_is_changed(trained):
    before = contents(trained.folder)
    status = trained.status()
    (pipeline,) = status["pipelines"]
    assert [(p["phase"], p["index"], p["first_epoch"], p["last_epoch"]) for p in pipeline["phases"]] == [
        ("00", 0, 1, 2),
        ("01", 1, 3, 4),
        ("final", None, 5, 6),
    ]
    assert pipeline["phases"][0]["where"] == os.uname().nodename
    assert contents(trained.folder) == before


def contents(folder) -> dict[str, float]:
    return {str(path): path.lstat().st_mtime for path in sorted(folder.rglob("*")) if "__pycache__" not in str(path)}


def test_packed_jobs_look_the_same(trained):
    before = trained.status()
    pack(trained)
    assert list(trained.folder.glob("work/jobs/*/*/finished.tar.gz"))
    assert trained.status() == before


def pack(project) -> None:
    command = "[job._sis_finished() and job._sis_cleanup() for job in tk.sis_graph.jobs()]"
    code, output = project.run("sis", "console", "--script", "-c", command, CONFIG)
    assert code == 0, output


def test_the_state_of_a_job_at_rest_follows_from_its_files(trained):
    jobs = trained.jobs()
    (jobs["final"] / "finished").unlink()
    (jobs["final"] / "finished.run.1").unlink()
    assert trained.states() == {"00": "finished", "01": "finished", "final": "interrupted_resumable"}
    (jobs["final"] / "hold").touch()
    assert trained.states()["final"] == "hold"
    (jobs["final"] / "hold").unlink()
    with open(jobs["final"] / "submit_log.run", "a") as file:
        file.write("([1], {'engine_name': 'local', 'engine_info': 'host', 'completed_fraction': 1.0})\n" * 12)
    assert trained.states()["final"] == "retry_error"
    (jobs["final"] / "error.run.1").touch()
    (jobs["final"] / "log.run.1").write_text("ValueError: bad luck\n")
    (jobs["01"] / "finished").unlink()
    (jobs["01"] / "finished.run.1").unlink()
    (jobs["01"] / "log.run.1").unlink()
    assert trained.states() == {"00": "finished", "01": "runnable", "final": "waiting"}
    (jobs["01"] / "error.run.1").touch()
    (jobs["01"] / "log.run.1").write_text("ValueError: bad luck\n")
    code, output = trained.run("boulder", "status", CONFIG)
    assert code == 1
    assert "failed: tiny/phase.01: ValueError: bad luck" in output


@pytest.mark.long
def test_a_running_phase_is_seen_while_its_manager_runs(project, manager):
    config = "config/tiny.experiment(6, 1, 400)"
    running = project.start("boulder", "run", config)
    try:
        wait_for(lambda: list(project.folder.glob("work/jobs/phase_training/*/output/scores.jsonl")))
        status = project.status(config)
        code, output = project.run("boulder", "status", config)
    finally:
        project.stop(running)
    assert code == 0, output
    phase = status["pipelines"][0]["phases"][0]
    assert phase["state"] == "running"
    assert phase["where"].startswith("process ")
    assert phase["seconds_left"] > 0
    assert 0 < phase["epochs_done"] < phase["num_epochs"] == 400
    assert status["manager"].endswith(f"{manager} Sisyphus")
    assert f"{manager} Sisyphus" in output


@pytest.mark.long
def test_phases_that_share_a_job_have_their_own_states(project):
    config = "config/tiny.experiment(6, None)"
    assert project.states(config) == {"00": "runnable", "01": "waiting", "final": "waiting"}
    job = project.folder / project.status(config)["pipelines"][0]["phases"][0]["folder"]
    (job / "output").mkdir(parents=True)
    record = {
        "index": 0,
        "learning_rate": 0.1,
        "train": {"cost:output": 1.0},
        "dev": {"cost:output": None},
        "seconds": 1.0,
    }
    record["warnings"] = ["epoch …, dev: cost:output: no number"]
    lines = [json.dumps(record | {"epoch": epoch}) for epoch in (1, 2, 3)]
    (job / "output/scores.jsonl").write_text("\n".join(lines))
    (job / "log.run.1").touch()
    assert project.states(config) == {"00": "finished", "01": "interrupted_resumable", "final": "waiting"}
    _, output = project.run("boulder", "status", config, "--losses")
    assert output.count("epoch …, dev: cost:output: no number") == 2  # of the last epoch of each phase
    rows = [cells for line in output.splitlines() if (cells := line.split())[:1] in (["00"], ["01"])]
    assert rows[2:] == [["00", "output", "1", "1.000", "–", "–", "–"], ["01", "output", "1", "1.000", "–", "–", "–"]]


def test_status_of_phases_without_a_directory_does_not_import_tensorflow(project):
    began = time.monotonic()
    code, output = project.run("boulder", "status", "config/tiny.experiment")
    assert code == 0, output
    assert "runnable" in output
    assert "to continue: boulder run config/tiny.experiment" in output
    assert time.monotonic() - began < 20  # importing TensorFlow would take longer
    assert not (project.folder / "work").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["config/tiny.nothing"], "config/tiny.py has no function 'nothing'"),
        (["config/tony.reported"], "there is no such file; did you mean 'config/tiny'?"),
        (["config/tiny.make_nothing"], "it lays out no pipeline"),
        (
            ["config/tiny.two", "--pipeline", "on"],
            "--pipeline 'on': the config lays out one, other; did you mean 'one'?",
        ),
    ],
)
def test_a_wrong_name_gets_one_line(trained, arguments, message):
    with open(trained.folder / "config/tiny.py", "a") as file:
        file.write("\n\ndef make_nothing():\n    pass\n")
    code, output = trained.run("boulder", "status", *arguments)
    assert code == 1
    assert output.startswith("error: ")
    assert output.count("\n") == 1
    assert message in output


def test_without_settings_the_message_names_the_missing_file(project):
    (project.folder / "settings.py").unlink()
    code, output = project.run("boulder", "status", "config/tiny.experiment")
    assert (code, output.count("\n")) == (1, 1)
    assert "there is no settings.py in" in output
