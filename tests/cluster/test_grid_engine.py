"""Pipelines that a manager submits to a real Grid Engine."""

import ast
import os
import signal
import time

import pytest

from tests.jobs.conftest import wait_for

pytestmark = pytest.mark.gridengine
EXPERIMENT = "experiment(6, 1)"
LONG = "experiment(6, None, 60)"  # one job of about 20 seconds
VERY_LONG = "experiment(6, None, 450)"  # more than a minute


@pytest.fixture
def project(project_on_grid_engine):
    return project_on_grid_engine


def phases(project):
    """:return: folders of its training jobs"""
    return list(project.folder.glob("work/jobs/phase_training/PhaseTrainingJob.*"))


def submissions(folder):
    """:return: requirements of each"""
    return [ast.literal_eval(line)[1] for line in (folder / "submit_log.run").read_text().splitlines()]


def epochs_done(project):
    return sum(len(file.read_text().splitlines()) for file in project.folder.glob("work/*/*/*/output/scores.jsonl"))


DATA_JOB = """
from sisyphus import Job, Task


class Data(Job):
    def __init__(self):
        self.out = self.output_var("count")

    def tasks(self):
        yield Task("run", rqmt={"cpu": 1, "mem": 0.5, "time": 1})

    def run(self):
        self.out.set(7)


def data_and_phases():
    experiment(6, 1)
    tk.register_output("data", Data().out)
"""


def test_each_phase_is_one_job_with_what_it_asks_for(project, grid_engine, undisturbed):
    config = project.folder / "config/tiny.py"
    config.write_text(config.read_text() + DATA_JOB)
    code, output = project.run("boulder", "run", "config/tiny.data_and_phases")
    assert code == 0, output + grid_engine.logs()
    grid_engine.wait_until(lambda: len(grid_engine.jobs()) >= 4, "all are accounted for")
    jobs = grid_engine.jobs()
    assert {(job["failed"], job["exit_status"]) for job in jobs} == {("0", "0")}
    asked = [dict(word.split("=") for word in job["asked"].removeprefix("-l ").split(",")) for job in jobs]
    memory = {"h_vmem": "INFINITY", "h_rss": "1024M", "s_vmem": "1024M"}
    phase = {"gpu": "1", "num_proc": "1", "h_rt": "14400", "s_rt": "14340"} | memory
    assert [words for words in asked if "gpu" in words] == [phase] * 3
    (job,) = [job for job in jobs if ".Data." in job["name"]]
    assert "gpu" not in job["asked"]
    assert len(jobs) == 4
    for folder in phases(project):
        assert "Job finished successfully" in (folder / "log.run.1").read_text()
        assert len(list((folder / "engine").iterdir())) == 1
        assert [submission["engine_name"] for submission in submissions(folder)] == ["sge"]
        assert (folder / "usage.run.1").exists()
    assert project.checkpoint() == undisturbed(EXPERIMENT)


def test_a_killed_manager_finds_its_jobs_again_and_submits_none_twice(project, grid_engine, undisturbed):
    before = len(grid_engine.jobs())
    manager = project.start("boulder", "run", f"config/tiny.{LONG}")
    try:
        wait_for(lambda: epochs_done(project))
    finally:
        os.killpg(manager.pid, signal.SIGKILL)
        manager.wait()
    code, output = project.run("boulder", "run", f"config/tiny.{LONG}")
    assert code == 0, output + grid_engine.logs()
    assert len(submissions(*phases(project))) == 1
    grid_engine.wait_until(lambda: len(grid_engine.jobs()) > before, "it is accounted for")
    assert len(grid_engine.jobs()) == before + 1
    assert not grid_engine.run("qstat")
    assert project.checkpoint() == undisturbed(LONG)


@pytest.mark.slow
def test_an_outage_of_qmaster_is_waited_for_and_told(project, grid_engine, undisturbed):
    manager = project.start("boulder", "run", f"config/tiny.{LONG}")
    wait_for(lambda: epochs_done(project))
    grid_engine.stop_daemon("sge_qmaster", signal.SIGKILL)
    time.sleep(25)
    grid_engine.start_qmaster()
    output, _ = manager.communicate(timeout=200)
    assert manager.returncode == 0, output + grid_engine.logs()
    assert output.count("Grid Engine does not answer, waiting until it does") == 1
    assert output.count("Grid Engine answers again") == 1
    assert len(submissions(*phases(project))) == 1
    assert project.checkpoint() == undisturbed(LONG)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["qdel", "qmod -rj", "node failure"])
def test_what_ends_a_phase_early_lets_it_resume_with_the_same_result(how, project, grid_engine, undisturbed):
    manager = project.start("boulder", "run", f"config/tiny.{LONG}")
    wait_for(lambda: epochs_done(project) >= 2)
    (job,) = grid_engine.running()
    if how == "node failure":
        grid_engine.fail_node()
        grid_engine.start_node()
    else:
        grid_engine.run(*how.split(), job, check=True)
    output, _ = manager.communicate(timeout=240)
    assert manager.returncode == 0, output + grid_engine.logs()
    (folder,) = phases(project)
    assert (folder / "log.run.1").read_text().count("going on after epoch") == 1
    assert len(submissions(folder)) == (2 if how == "qdel" else 1)  # Grid Engine itself lets the others run again
    assert project.checkpoint() == undisturbed(LONG)


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [None, "-l s_rt=INFINITY"])
def test_a_phase_that_meets_its_time_limit_goes_on_with_more_time(arguments, project, grid_engine, undisturbed):
    project.environment |= {"HOURS": str(1 / 60)} | ({"QSUB_ARGS": arguments} if arguments else {})
    code, output = project.run("boulder", "run", f"config/tiny.{VERY_LONG}", timeout=400)
    assert code == 0, output + grid_engine.logs()
    (folder,) = phases(project)
    first, second, *_ = submissions(folder)
    assert second["time"] == 2 * first["time"]
    assert second["completed_fraction"] > first["completed_fraction"]
    log = (folder / "log.run.1").read_text()
    assert "going on after epoch" in log
    assert ("SIGUSR1: stopped in epoch" in log) == (arguments is None)
    assert not list(folder.glob("error.*"))
    assert project.checkpoint() == undisturbed(VERY_LONG)


@pytest.mark.slow
def test_a_phase_that_is_stopped_for_its_memory_goes_on_with_more(project, grid_engine, undisturbed):
    project.environment |= {"MEM": "0.3"}
    code, output = project.run("boulder", "run", f"config/tiny.{LONG}")
    assert code == 0, output + grid_engine.logs()
    (folder,) = phases(project)
    first, second, *_ = submissions(folder)
    assert (first["mem"], second["mem"]) == (0.3, 0.6)
    assert "SIGXCPU" in (folder / "log.run.1").read_text()
    assert project.checkpoint() == undisturbed(LONG)
