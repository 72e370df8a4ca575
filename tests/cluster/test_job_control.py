"""Jobs on a real cluster, what a user or the scheduler does to them, and how the manager responds."""

import pytest

from tests.cluster.conftest import ON_EACH_CLUSTER
from tests.cluster.small_jobs import SLEEPER, WAITER
from tests.jobs.conftest import wait_for

pytestmark = ON_EACH_CLUSTER


@pytest.fixture
def waiting(experiment):
    """An experiment whose job runs until the file `go` exists."""
    experiment.py(WAITER)
    return experiment


def begin(experiment):
    """:return: a manager whose job is running, and the id of the job"""
    manager = experiment.begin()
    (job,) = experiment.cluster.active(experiment.directory)
    return manager, job


def wait_for_rounds(experiment, manager, count):
    """Waits for `count` more rounds of the manager, each of which queries the cluster."""
    asked = len(experiment.calls(experiment.cluster.query))
    wait_for(lambda: len(experiment.calls(experiment.cluster.query)) > asked + count)
    assert manager.poll() is None


def test_a_cancelled_job_is_submitted_again_and_resumes(waiting, cluster):
    manager, job = begin(waiting)
    cluster.cancel(job)
    wait_for(lambda: len(waiting.notes("from")) == 2)
    waiting.let_end(manager)
    assert int(waiting.notes("from")[1]) > 0
    assert len(waiting.submissions("Waiter")) == 2


def test_one_query_per_round_serves_all_jobs(experiment, cluster):
    experiment.py("for n in range(10):", "    tk.register_output(f'out{n}', Sleeper(n).out)")
    experiment.wrap(cluster.query)
    experiment.wrap(cluster.submit)
    experiment.finish()
    assert len(experiment.calls(cluster.submit)) == 10
    first, *_, last = experiment.calls(cluster.query)
    rounds = last - first + 1  # WAIT_PERIOD_BETWEEN_CHECKS in settings.py is a second
    assert len(experiment.calls(cluster.query)) <= rounds + 5  # rounds that submit do not wait


@pytest.mark.slow
def test_a_held_job_that_is_cancelled_stays_stopped_until_it_is_released(waiting, cluster):
    manager, job = begin(waiting)
    (waiting.job("Waiter") / "hold").touch()
    cluster.wait_until(lambda: manager.poll() is None and "running(1)" in waiting.said(), "the job keeps running")
    cluster.cancel(job)
    assert manager.wait(60) == 0  # nothing is left to do
    assert "hold(1)" in waiting.said()
    assert len(waiting.submissions("Waiter")) == 1
    (waiting.job("Waiter") / "hold").unlink()
    (waiting.directory / "go").touch()
    waiting.finish()
    assert int(waiting.notes("from")[1]) > 0


@pytest.mark.slow
def test_a_job_held_in_the_clusters_queue_waits_there(experiment, cluster):
    experiment.py(f"Step.rqmt.update({dict(cluster.held)})", SLEEPER)
    manager = experiment.start("-r", "setups/config.py")
    wait_for(lambda: "queue(1)" in experiment.said())
    (job,) = cluster.active(experiment.directory)
    assert manager.poll() is None
    assert not experiment.notes("ran")
    cluster.release(job)
    assert manager.wait(60) == 0, experiment.said()
    assert len(experiment.submissions("Sleeper")) == 1


@pytest.mark.slow
def test_a_suspended_job_counts_as_running(waiting, cluster):
    manager, job = begin(waiting)
    cluster.suspend(job)
    waiting.wrap(cluster.query)
    wait_for_rounds(waiting, manager, 3)
    cluster.unsuspend(job)
    waiting.let_end(manager)
    assert len(waiting.submissions("Waiter")) == 1
    assert "interrupted" not in waiting.said()


@pytest.mark.slow
def test_the_manager_waits_for_the_end_of_an_outage_and_reports_it_once(waiting, cluster):
    waiting.py("first = Waiter(1)", "tk.register_output('out', Sleeper(2, first.out).out)")
    waiting.wrap(cluster.query)
    manager, _ = begin(waiting)
    cluster.stop_controller()
    (waiting.directory / "go").touch()  # the job ends, and the next one becomes runnable, during the outage
    wait_for(lambda: f"{cluster.name} does not answer, waiting until it does" in waiting.said())
    wait_for_rounds(waiting, manager, 1)
    cluster.start_controller()
    assert manager.wait(150) == 0, waiting.said() + cluster.logs()
    assert waiting.said().count(f"{cluster.name} does not answer") == 1
    assert waiting.said().count(f"{cluster.name} answers again") == 1
    assert len(waiting.submissions("Waiter")) == len(waiting.submissions("Sleeper")) == 1


@pytest.mark.slow
def test_a_job_with_several_tasks_is_an_array(experiment, cluster):
    experiment.py("tk.register_output('out', Array(2).out)")
    experiment.wrap(cluster.submit)
    experiment.finish()
    assert sorted(experiment.notes("part")) == ["0", "1", "2", "3", "4"]
    assert len(experiment.calls(cluster.submit)) == 1
    assert cluster.num_jobs(experiment.directory, 2) == 2  # parallel=2


@pytest.mark.slow
def test_a_job_that_is_warned_of_its_time_limit_saves_and_resumes_with_more_time(experiment, cluster):
    experiment.py(f"Step.rqmt.update({dict(cluster.warned)})", WAITER)
    manager, _ = begin(experiment)
    check_saved_and_resumed_with_twice(experiment, "Waiter", "time", "SIGUSR1")
    experiment.let_end(manager)


def check_saved_and_resumed_with_twice(experiment, job, requirement, signal_name):
    wait_for(lambda: len(experiment.notes("from")) == 2, 150)
    first, second = experiment.submissions(job)
    assert second[requirement] == 2 * first[requirement]
    assert int(experiment.notes("from")[1]) == int(experiment.notes("saved")[0]) > 0
    assert f"signal {signal_name}" in (experiment.job(job) / "log.run.1").read_text()
    assert "error" not in experiment.said()


@pytest.mark.slow
def test_a_refused_job_is_reported_once_and_not_submitted_again(experiment, cluster):
    experiment.py(f"Step.rqmt.update({dict(cluster.refused)})", SLEEPER)
    experiment.wrap(cluster.submit)
    done = experiment.manager("-r", "setups/config.py", timeout=120)
    assert done.returncode == 1
    assert done.output.count(f"{cluster.name} refuses the job: ") == 1
    assert "queue_error" in done.output
    assert len(experiment.calls(cluster.submit)) == 1
