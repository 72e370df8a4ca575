"""With multi_node_slots, several workers run one task, and the manager goes by rank 0."""

import pytest

SETTINGS = """

def engine():
    from sisyphus.localengine import LocalEngine
    from sisyphus.simple_linux_utility_for_resource_management_engine import (
        SimpleLinuxUtilityForResourceManagementEngine as Slurm,
    )
    return Slurm({"mem": 1, "time": 1}) if "SLURM_PROCID" in os.environ else LocalEngine(cpu=2)

import os
"""


@pytest.fixture
def failed(experiment):
    """:return: folder of a job whose only worker failed; it succeeds once the file "mended" exists"""
    with open(experiment.directory / "settings.py", "a") as file:
        file.write(SETTINGS)
    experiment.config("tk.register_output('out', Failing(1).out)")
    experiment.manager("-r", "setups/config.py")
    folder = experiment.job("Failing")
    assert (folder / "error.run.1").exists()
    return folder


@pytest.fixture
def worker(experiment, failed):
    """`worker(rank)`: exit code of a worker started as by Slurm's srun"""
    place = str(failed.relative_to(experiment.directory))

    def run(rank: int) -> int:
        return experiment.run("worker", "--redirect_output", place, "run", SLURM_PROCID=str(rank)).returncode

    return run


def test_only_rank_0_marks_the_task_as_finished_and_each_rank_has_a_log(experiment, failed, worker):
    (experiment.directory / "mended").touch()
    assert worker(1) == 0
    assert "Job finished successfully" in (failed / "log.run.1.1").read_text()
    assert (failed / "usage.run.1.1").exists()
    assert (failed / "error.run.1").exists()  # only rank 0 removes it
    assert not (failed / "finished.run.1").exists()
    assert worker(0) == 0
    assert (failed / "finished.run.1").exists()
    assert not (failed / "error.run.1").exists()


def test_an_error_of_another_rank_fails_the_task_and_is_in_the_log_of_rank_0(failed, worker):
    (failed / "error.run.1").unlink()
    assert worker(1) == 1
    assert (failed / "error.run.1").exists()
    assert (failed / "log.run.1").read_text().splitlines()[-1] == "worker 1: ValueError: the reason why"
