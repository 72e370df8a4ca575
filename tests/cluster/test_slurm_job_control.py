"""The manager and the jobs of a real Slurm; what users do to these, and what it then takes them to have meant."""

import pytest

from tests.cluster.small_jobs import SLEEPER, WAITER
from tests.jobs.conftest import wait_for

pytestmark = pytest.mark.slurm


@pytest.fixture
def waiting(experiment):
    """A job runs until there is a file `go`."""
    experiment.py(WAITER)
    return experiment


def begin(experiment):
    """:return: a manager, whose job has begun to work, and the id of that job"""
    manager = experiment.begin()
    (job,) = experiment.cluster.jobs(experiment.directory)
    return manager, job["JobId"]


def test_a_cancelled_job_is_submitted_again_and_resumes(waiting, slurm):
    manager, job = begin(waiting)
    slurm.run("scancel", job)
    wait_for(lambda: len(waiting.notes("from")) == 2)
    waiting.let_end(manager)
    assert int(waiting.notes("from")[1]) > 0
    assert len(waiting.submissions("Waiter")) == 2


def test_one_squeue_serves_all_jobs_of_a_round(experiment):
    experiment.py("for n in range(10):", "    tk.register_output(f'out{n}', Sleeper(n).out)")
    experiment.wrap("squeue", 'exec "$real" "$@"')
    experiment.wrap("sbatch", 'exec "$real" "$@"')
    experiment.finish()
    assert len(experiment.calls("sbatch")) == 10
    first, *_, last = experiment.calls("squeue")
    rounds = last - first + 1  # WAIT_PERIOD_BETWEEN_CHECKS in settings.py is a second
    assert len(experiment.calls("squeue")) <= rounds + 5  # rounds that submit do not wait


@pytest.mark.slow
def test_a_job_that_is_held_and_then_cancelled_stays_stopped_until_it_is_released(waiting, slurm):
    manager, job = begin(waiting)
    (waiting.job("Waiter") / "hold").touch()
    waiting.cluster.wait_until(lambda: manager.poll() is None and "running(1)" in waiting.said(), "it goes on")
    slurm.run("scancel", job)
    assert manager.wait(60) == 0  # nothing is left that it could do
    assert "hold(1)" in waiting.said()
    assert len(waiting.submissions("Waiter")) == 1
    (waiting.job("Waiter") / "hold").unlink()
    (waiting.directory / "go").touch()
    waiting.finish()
    assert int(waiting.notes("from")[1]) > 0


@pytest.mark.slow
def test_a_job_that_is_held_in_the_queue_waits_there(experiment, slurm):
    experiment.py("Step.rqmt['sbatch_args'] = ['--hold']", SLEEPER)
    manager = experiment.start("-r", "setups/config.py")
    wait_for(lambda: "queue(1)" in experiment.said())
    (job,) = experiment.cluster.jobs(experiment.directory)
    assert job["JobState"] == "PENDING"
    assert manager.poll() is None
    slurm.run("scontrol", "release", job["JobId"])
    assert manager.wait(60) == 0, experiment.said()
    assert len(experiment.submissions("Sleeper")) == 1


@pytest.mark.slow
def test_a_suspended_job_counts_as_running_and_goes_on(waiting, slurm):
    manager, job = begin(waiting)
    slurm.run("scontrol", "suspend", job, check=True)
    waiting.wrap("squeue", 'exec "$real" "$@"')
    wait_for(lambda: len(waiting.calls("squeue")) > 3)  # rounds of the manager
    assert manager.poll() is None
    slurm.run("scontrol", "resume", job, check=True)
    waiting.let_end(manager)
    assert len(waiting.submissions("Waiter")) == 1
    assert "interrupted" not in waiting.said()


@pytest.mark.slow
def test_an_outage_of_slurmctld_is_told_and_waited_for(waiting, slurm):
    waiting.py("first = Waiter(1)", "tk.register_output('out', Sleeper(2, first.out).out)")
    waiting.wrap("squeue", 'exec "$real" "$@"')
    manager, _ = begin(waiting)
    slurm.stop_daemon("slurmctld")
    (waiting.directory / "go").touch()  # it ends, and another job could begin, while Slurm is away
    wait_for(lambda: "Slurm does not answer, waiting until it does" in waiting.said())
    asked = len(waiting.calls("squeue"))
    wait_for(lambda: len(waiting.calls("squeue")) > asked + 1)
    assert manager.poll() is None
    slurm.start_controller()
    assert manager.wait(100) == 0, waiting.said() + slurm.logs()
    assert waiting.said().count("Slurm does not answer") == 1
    assert waiting.said().count("Slurm answers again") == 1
    assert len(waiting.submissions("Waiter")) == len(waiting.submissions("Sleeper")) == 1


@pytest.mark.slow
def test_a_job_with_several_tasks_is_an_array(experiment):
    experiment.py("tk.register_output('out', Array(2).out)")
    experiment.finish()
    assert sorted(experiment.notes("part")) == ["0", "1", "2", "3", "4"]
    assert len({job["ArrayJobId"] for job in experiment.cluster.jobs(experiment.directory)}) == 1
    assert len(experiment.cluster.jobs(experiment.directory)) == 2


@pytest.mark.slow
def test_a_signal_before_the_time_limit_lets_a_job_save_and_go_on_with_more_time(experiment):
    experiment.py("Step.rqmt.update(time=1 / 60, sbatch_args='--signal=USR1@30')", WAITER)
    manager, _ = begin(experiment)
    wait_for(lambda: len(experiment.notes("from")) == 2, timeout=120)
    experiment.let_end(manager)
    first, second = experiment.submissions("Waiter")
    assert second["time"] == 2 * first["time"]
    assert int(experiment.notes("from")[1]) > 0
    assert "signal SIGUSR1" in (experiment.job("Waiter") / "log.run.1").read_text()
    assert "error" not in experiment.said()
