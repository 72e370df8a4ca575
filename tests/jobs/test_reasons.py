"""What the manager knows about a job that it does not run, `run`, `status` and `logs` say."""

import logging
import os
from types import SimpleNamespace

import pytest

import jobs  # noqa: F401 (finds Sisyphus)
from jobs.workdir import manager_log
from jobs.workdir.failures import why_failed
from jobs.workdir.killed import why_killed
from jobs.workdir.manager_log import ManagerLog, last_message, last_words, refusal
from sisyphus import Job, gs

REASON = "it requests more than this machine has (gpu=64 of "
WHAT_TO_DO = "lower its rqmt, or give LocalEngine more in settings.py"


@pytest.fixture(scope="module", params=["embedded", "upstream"])
def refused(request, tmp_path_factory, data):
    """A project of which `boulder run` has refused the first job: (project, exit code, output)."""
    from tests.jobs.conftest import make_project, use_sisyphus

    folder = tmp_path_factory.mktemp("refused")
    with pytest.MonkeyPatch.context() as monkeypatch:
        use_sisyphus(request.param, folder, monkeypatch)
        path = os.environ.get("PYTHONPATH", "")
    made = make_project(folder / "project", data, BOULDER_ENGINE="local", PYTHONPATH=path)
    text = (made.folder / "config/tiny.py").read_text()
    made.write_config(text.replace('rqmt={"cpu": 1, "mem": 1}', 'rqmt={"gpu": 64, "mem": "4G"}'))
    return made, *made.run("boulder", "run", "config/tiny.experiment")


def test_run_tells_once_why_it_does_not_start_a_job(refused):
    _, code, output = refused
    assert code == 1
    (line,) = [line for line in output.splitlines() if REASON in line]
    assert line.startswith("failed: tiny/phase.00: ")
    assert line.endswith(WHAT_TO_DO)
    assert "1 output is missing, 1 job failed" in output


def test_status_and_logs_tell_it_later_in_another_process(refused):
    project, *_ = refused
    code, output = project.run("boulder", "status", "config/tiny.experiment")
    assert code == 1
    assert f"failed: tiny/phase.00: {REASON}" in output
    first, second, _ = project.status("config/tiny.experiment")["pipelines"][0]["phases"]
    assert (first["state"], second["state"], second["reason"]) == ("queue_error", "waiting", None)
    assert first["reason"].startswith(REASON)
    code, output = project.run("boulder", "logs", "config/tiny.experiment", "--phase", "0")
    assert code == 1
    assert output.startswith(f"error: phase 0 has no log: it has not begun, its state is queue_error: {REASON}")


def test_a_refusal_is_no_try(refused):
    project, *_ = refused
    assert not list(project.folder.glob("work/jobs/phase_training/*/submit_log.*"))


class Small(Job):
    def __init__(self, number):
        pass


class Output(Job):
    def __init__(self, number):
        self.out = self.output_path("out")


@pytest.fixture
def job(tmp_path, monkeypatch):
    """A job with a directory."""
    monkeypatch.setattr(gs, "WORK_DIR", str(tmp_path))
    job = Small(1)
    folder = tmp_path / job.job_id()
    folder.mkdir(parents=True)
    (folder / gs.JOB_SAVE).touch()
    return job


def say(text, level=logging.ERROR, name="root", shown=None, handler=None):
    handler = handler or ManagerLog(None if shown is None else shown.append, keep=True)
    handler.emit(logging.LogRecord(name, level, __file__, 1, text, None, None))
    return handler


@pytest.mark.parametrize(
    "name",
    [
        "{id}.run",
        "work of {id}",
        "Job<alias/x/y {folder}>",
        "sbatch -J {dotted}.run.1a2b3c4d --mem=9",
        "{folder}/log.run.1",
    ],
)
def test_a_message_belongs_to_the_job_that_it_names(job, tmp_path, name):
    known = {"id": job.job_id(), "dotted": job.job_id().replace("/", "."), "folder": tmp_path / job.job_id()}
    say(f"refused: {name.format(**known)}\n  wants too much")
    assert refusal(job).startswith("refused: ")
    assert refusal(job).endswith("wants too much")
    assert refusal(Small(2)) is None


def test_a_warning_is_no_refusal(job):
    say(f"{job.job_id()}.run is slow", logging.WARNING)
    assert last_message(job).text == "it is slow"
    assert refusal(job) is None


def test_a_job_that_was_started_since_is_no_longer_refused(job, tmp_path):
    say(f"{job.job_id()}.run: no")
    log = tmp_path / job.job_id() / "log.run.1"
    log.touch()
    os.utime(log, (2e9, 2e9))
    assert last_message(job) is None


KILLED = (
    "was killed by signal 9 (SIGKILL), as the kernel does when memory runs out; at the last look it had used 3.90 GB"
)


def test_a_killed_worker_is_told_with_what_helps(job, tmp_path):
    shown = []
    say(f"{job.job_id()}.run {KILLED}", logging.WARNING, shown=shown)
    assert shown[0].startswith(f"warning: {job.job_id()}.run {KILLED}. What helps: smaller batches ('batch_size'")
    assert "--mem" in last_words(job)
    log = tmp_path / job.job_id() / "log.run.1"
    log.write_text(f"epoch 1\nthe worker {KILLED}\nRETRY OR CONTINUE TASK\nthe worker {KILLED}\nRETRY\nepoch 2\n")
    assert last_words(job).startswith(
        "its worker was killed 2 times, the last time by signal 9 (SIGKILL), as the kernel"
    )
    assert "used 3.90 GB. What helps: smaller batches" in why_failed(job, gs.STATE_RETRY_ERROR)
    (log.parent / gs.STATE_FINISHED).touch()
    assert why_killed(job) is None


def test_a_message_on_the_console_has_the_name_that_users_know(job, monkeypatch):
    from sisyphus import toolkit
    from sisyphus.graph import OutputPath

    named, shown = Output(3), []
    named.add_alias("tiny/phase.00")
    monkeypatch.setattr(toolkit, "sis_graph", SimpleNamespace(targets=[OutputPath("out", named.out)]))
    say(f"{named.job_id()}.run is slow, {job.job_id()} as well", logging.WARNING, shown=shown)
    assert shown == [f"warning: tiny/phase.00 is slow, {job.job_id()} as well"]


def test_a_scheduler_s_end_for_memory_is_told_with_what_helps(job):
    say(f"{job.job_id()}.run ran out of memory; now it requests mem=8", logging.WARNING)
    assert last_words(job).startswith("it ran out of memory; now it requests mem=8. What helps: smaller batches")


def test_what_names_no_job_is_shown_once_and_a_scheduler_s_silence_each_time():
    shown = []
    handler = say("disk\n full", logging.WARNING, shown=shown)
    say("disk\n full", logging.WARNING, handler=handler)
    say("Task was destroyed", name="asyncio", handler=handler)
    for _ in range(2):
        say("Slurm does not answer", logging.WARNING, manager_log._REPEATS_ITSELF, handler=handler)
    assert shown == ["warning: disk full", *["warning: Slurm does not answer"] * 2]
