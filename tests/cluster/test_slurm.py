"""Pipelines that a manager submits to a real Slurm: whatever happens to a phase, it ends as if nothing had happened."""

import ast
import os
import signal

import psutil
import pytest

from boulder.lexicon import write_lexicon
from tests.jobs.conftest import wait_for

pytestmark = pytest.mark.slurm
LONG = "experiment(6, None, 60)"  # one job of about 20 seconds

FROM_A_LEXICON = """
def from_a_lexicon():
    from jobs.lexicon_to_hdf import LETTERS_TO_PHONEMES, LexiconToHdfJob

    lexicon = tk.Path("{lexicon}")
    training = lay_out(
        "lexicon",
        network=network(layers=1, width=6),
        pretrain={{"construction_algo": lambda idx, net_dict: network(layers=1, width=4) if idx == 0 else None}},
        num_epochs=2,
        config=CONFIG | {{"learning_rate": 0.01}},
        extern_data=LETTERS_TO_PHONEMES,
        train_data=LexiconToHdfJob(lexicon=lexicon, frames_per_letter=1).out_hdf,
        dev_data=LexiconToHdfJob(lexicon=lexicon, frames_per_letter=2).out_hdf,
        rqmt=RQMT,
    )
    tk.register_output("lexicon/checkpoint.h5", training.checkpoint)
"""


def training_folder(project):
    """:return: of the only training job"""
    (folder,) = project.folder.glob("work/jobs/phase_training/PhaseTrainingJob.*")
    return folder


def submissions(project):
    """:return: what each asked for, of the only training job"""
    return [
        ast.literal_eval(line)[1] for line in (training_folder(project) / "submit_log.run").read_text().splitlines()
    ]


def begin(project):
    """:return: a manager whose job has trained for some epochs"""
    manager = project.start("boulder", "run", f"config/tiny.{LONG}")
    wait_for_epochs(project, 2)
    return manager


def epochs_done(project):
    files = project.folder.glob("work/jobs/phase_training/*/output/scores.jsonl")
    return sum(len(file.read_text().splitlines()) for file in files)


def wait_for_epochs(project, count):
    wait_for(lambda: epochs_done(project) >= count, 200)


def end(manager, slurm):
    output, _ = manager.communicate(timeout=400)
    assert manager.returncode == 0, output + slurm.logs()


def test_each_phase_is_one_job_with_what_it_asks_for_and_data_jobs_take_no_gpu(project, slurm, tmp_path):
    write_lexicon(tmp_path / "lexicon.txt", {"a": [["AH"], ["EY"]], "be": [["B", "IY"]]})
    config = project.folder / "config/tiny.py"
    config.write_text(config.read_text() + FROM_A_LEXICON.format(lexicon=tmp_path / "lexicon.txt"))
    code, output = project.run("boulder", "run", "config/tiny.from_a_lexicon")
    assert code == 0, output + slurm.logs()
    slurm.wait_until(lambda: not slurm.run("squeue", "-h"), "Slurm has noticed that they ended")
    jobs = slurm.jobs(project.folder)
    folders = list(project.folder.glob("work/jobs/phase_training/PhaseTrainingJob.*"))
    assert len(jobs) == len(folders) == 2
    for job in jobs:
        assert job["JobName"].startswith("jobs.phase_training.PhaseTrainingJob.")
        assert job["JobState"] == "COMPLETED"
        assert job["TresPerNode"] == "gres:gpu:1"
        assert job["MinMemoryNode"] == "1G"
        assert job["CPUs/Task"] == "1"
        assert job["TimeLimit"] == "04:00:00"
    for folder in folders:
        assert "Job finished successfully" in (folder / "log.run.1").read_text()
        assert len(list((folder / "engine").iterdir())) == 1
        assert "'engine_name': 'slurm'" in (folder / "submit_log.run").read_text()
        assert (folder / "usage.run.1").exists()
    data = [log.read_text() for log in project.folder.glob("work/jobs/lexicon_to_hdf/*/submit_log.run")]
    assert len(data) == 2
    for line in data:
        _, asked = ast.literal_eval(line)
        assert asked["engine_name"] == "local"
        assert not asked.get("gpu")


@pytest.mark.slow
def test_a_killed_manager_finds_its_jobs_again_and_submits_none_twice(project, slurm, undisturbed):
    manager = begin(project)
    os.killpg(manager.pid, signal.SIGKILL)
    manager.wait()
    code, output = project.run("boulder", "run", f"config/tiny.{LONG}")
    assert code == 0, output + slurm.logs()
    assert len(slurm.jobs(project.folder)) == len(submissions(project)) == 1
    assert project.checkpoint() == undisturbed(LONG)


@pytest.mark.slow
def test_what_ends_a_phase_early_lets_it_resume_with_the_same_result(project, slurm, undisturbed):
    """Node failure, requeue, scancel, and the signals that --signal sends."""
    manager = begin(project)
    ends = [
        lambda job: (slurm.fail_node(), slurm.start_node()),
        lambda job: slurm.run("scontrol", "requeue", job),
        lambda job: slurm.run("scancel", "--signal=USR1", job),
        lambda job: slurm.run("scancel", "--signal=TERM", job),
        lambda job: slurm.run("scancel", job),
    ]
    log = training_folder(project) / "log.run.1"
    for number, end_it in enumerate(ends, start=1):
        wait_for_epochs(project, epochs_done(project) + 2)
        (job,) = [job for job in slurm.jobs(project.folder) if job["JobState"] == "RUNNING"]
        end_it(job["JobId"])
        wait_for(lambda number=number: log.read_text().count("going on after epoch") == number, 200)
    end(manager, slurm)
    assert log.read_text().count("it can be resumed") >= 3  # requeue lets a job save, too, but does not wait for long
    assert not list(log.parent.glob("error.*"))
    assert project.checkpoint() == undisturbed(LONG)


@pytest.mark.slow
def test_a_phase_that_meets_its_time_limit_goes_on_with_more_time(project, slurm, undisturbed):
    project.environment |= {"HOURS": str(1 / 60)}
    manager = begin(project)
    worker = psutil.Process(ast.literal_eval((training_folder(project) / "usage.run.1").read_text())["pid"])
    worker.suspend()  # until its time is over
    wait_for(lambda: len(submissions(project)) == 2, 200)
    end(manager, slurm)
    first, second = submissions(project)
    assert second["time"] == 2 * first["time"]
    assert second["completed_fraction"] > first["completed_fraction"]
    assert "going on after epoch" in (training_folder(project) / "log.run.1").read_text()
    assert project.checkpoint() == undisturbed(LONG)


@pytest.mark.slow
def test_a_phase_that_is_killed_for_its_memory_goes_on_with_more(project, slurm, undisturbed):
    project.environment |= {"MEM": "0.4"}
    code, output = project.run("boulder", "run", f"config/tiny.{LONG}", timeout=400)
    assert code == 0, output + slurm.logs()
    first, second, *_ = submissions(project)
    assert first["mem"] == 0.4
    assert second["mem"] == 0.8
    assert project.checkpoint() == undisturbed(LONG)
