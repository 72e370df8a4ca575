"""The manager and the jobs of a real Grid Engine, and a Grid Engine that warns, hangs or goes away."""

import signal

import pytest

from tests.cluster.small_jobs import SLEEPER, WAITER
from tests.jobs.conftest import wait_for

pytestmark = pytest.mark.gridengine


@pytest.fixture
def waiting(experiment):
    """A job runs until there is a file `go`."""
    experiment.py(WAITER)
    return experiment


def test_a_deleted_job_is_submitted_again_and_resumes(waiting, grid_engine):
    manager = waiting.begin()
    grid_engine.run("qdel", grid_engine.running(), check=True)
    wait_for(lambda: len(waiting.notes("from")) == 2)
    waiting.let_end(manager)
    assert int(waiting.notes("from")[1]) > 0
    assert len(waiting.submissions("Waiter")) == 2


@pytest.mark.slow
def test_one_qstat_serves_all_jobs_of_a_round(experiment):
    experiment.py("for n in range(10):", "    tk.register_output(f'out{n}', Sleeper(n).out)")
    experiment.wrap("qstat", 'exec "$real" "$@"')
    experiment.wrap("qsub", 'exec "$real" "$@"')
    experiment.finish()
    assert len(experiment.calls("qsub")) == 10
    first, *_, last = experiment.calls("qstat")
    rounds = last - first + 1  # WAIT_PERIOD_BETWEEN_CHECKS in settings.py is a second
    assert len(experiment.calls("qstat")) <= rounds + 5  # rounds that submit do not wait


HUNGRY = """
class Hungry(Waiter):
    def more(self, count):
        global held
        held = b"x" * (30_000_000 * min(count, 25))
        return super().more(count)


def py():
    Step.rqmt = {'cpu': 1, 'mem': 0.5, 'time': 1}
    tk.register_output('out', Hungry(1).out)
"""


def check_saved_and_went_on_with_twice_as_much(experiment, name, what, signal_name):
    wait_for(lambda: len(experiment.notes("from")) == 2, 150)
    (experiment.directory / "go").touch()
    first, second = experiment.submissions(name)
    assert second[what] == 2 * first[what]
    assert int(experiment.notes("from")[1]) == int(experiment.notes("saved")[0]) > 0
    assert f"signal {signal_name}" in (experiment.job(name) / "log.run.1").read_text()
    assert "error" not in experiment.said()


@pytest.mark.slow
def test_a_job_that_is_warned_of_its_time_limit_saves_and_goes_on_with_more_time(waiting):
    waiting.py("Step.rqmt['time'] = 1 / 60", WAITER)
    manager = waiting.begin()
    check_saved_and_went_on_with_twice_as_much(waiting, "Waiter", "time", "SIGUSR1")
    waiting.let_end(manager)


@pytest.mark.slow
def test_a_job_that_is_warned_of_its_memory_saves_and_goes_on_with_more(experiment):
    experiment.config(HUNGRY)
    manager = experiment.start("-r", "setups/config.py")
    check_saved_and_went_on_with_twice_as_much(experiment, "Hungry", "mem", "SIGXCPU")
    experiment.let_end(manager)


@pytest.mark.slow
def test_an_outage_of_qmaster_is_told_and_waited_for(waiting, grid_engine):
    waiting.py("first = Waiter(1)", "tk.register_output('out', Sleeper(2, first.out).out)")
    waiting.wrap("qstat", 'exec "$real" "$@"')
    manager = waiting.begin()
    grid_engine.stop_daemon("sge_qmaster", signal.SIGKILL)
    (waiting.directory / "go").touch()  # it ends, and another job could begin, while Grid Engine is away
    wait_for(lambda: "Grid Engine does not answer, waiting until it does" in waiting.said())
    asked = len(waiting.calls("qstat"))
    wait_for(lambda: len(waiting.calls("qstat")) > asked + 1)
    assert manager.poll() is None
    grid_engine.start_qmaster()
    assert manager.wait(150) == 0, waiting.said() + grid_engine.logs()
    assert waiting.said().count("Grid Engine does not answer") == 1
    assert waiting.said().count("Grid Engine answers again") == 1
    assert len(waiting.submissions("Waiter")) == len(waiting.submissions("Sleeper")) == 1


@pytest.mark.slow
@pytest.mark.parametrize("takes_it", [True, False])
def test_a_submission_without_an_answer_ends_in_one_job(takes_it, experiment, grid_engine):
    """Once qsub hangs after it has submitted the job, once because qmaster does."""
    pid = grid_engine.daemons["sge_qmaster"].pid
    qmaster_hangs = f'kill -STOP {pid}; (sleep 12; kill -CONT {pid}) >/dev/null 2>&1 & exec "$real" "$@"'
    hangs = '"$real" "$@" >/dev/null; exec sleep 100' if takes_it else qmaster_hangs
    experiment.wrap("qsub", f'if mkdir "$here/once" 2>/dev/null; then {hangs}; fi; exec "$real" "$@"')
    experiment.variables = {"SIS_WAIT_PERIOD_SCHEDULER_ANSWER": "5", "SIS_WAIT_PERIOD_SUBMISSION_IN_DOUBT": "20"}
    said = experiment.finish(200)
    assert ("Grid Engine answers again" in said) == (not takes_it)
    assert len(experiment.calls("qsub")) == (1 if takes_it else 2)
    assert len(experiment.notes("ran")) == 1
    grid_engine.wait_until(lambda: grid_engine.jobs(experiment.directory), "it is accounted for")
    assert len(grid_engine.jobs(experiment.directory)) == 1


@pytest.mark.slow
def test_a_job_that_could_not_start_is_tried_again_and_told_once(experiment, grid_engine):
    """State Eqw: for want of a folder for its output."""
    later = experiment.directory / "later"
    experiment.py(f"Step.rqmt['qsub_args'] = ['-o', '{later}/log']", SLEEPER)
    manager = experiment.start("-r", "setups/config.py")
    wait_for(lambda: "could not start" in experiment.said())
    wait_for(lambda: len(grid_engine.jobs(experiment.directory)) > 2)  # tries
    later.mkdir()
    assert manager.wait(60) == 0, experiment.said()
    assert experiment.said().count("could not start") == 1
    assert len(experiment.submissions("Sleeper")) == len(experiment.notes("ran")) == 1


@pytest.mark.slow
def test_a_job_that_grid_engine_refuses_is_told_once_and_not_submitted_again(experiment):
    experiment.py("Step.rqmt['qsub_args'] = '-l nonsense=1'", SLEEPER)
    experiment.wrap("qsub", 'exec "$real" "$@"')
    done = experiment.manager("-r", "setups/config.py", timeout=120)
    assert done.returncode == 1
    assert done.output.count("Grid Engine refuses the job: ") == 1
    assert len(experiment.calls("qsub")) == 1


@pytest.mark.slow
def test_a_suspended_job_counts_as_running_and_goes_on(waiting, grid_engine):
    manager = waiting.begin()
    job = grid_engine.running()
    grid_engine.run("qmod", "-sj", job, check=True)
    waiting.wrap("qstat", 'exec "$real" "$@"')
    wait_for(lambda: len(waiting.calls("qstat")) > 3)  # rounds of the manager
    assert manager.poll() is None
    grid_engine.run("qmod", "-usj", job, check=True)
    waiting.let_end(manager)
    assert len(waiting.submissions("Waiter")) == 1
    assert "interrupted" not in waiting.said()


@pytest.mark.slow
def test_a_job_with_several_tasks_is_an_array(experiment, grid_engine):
    experiment.py("tk.register_output('out', Array(2).out)")
    experiment.finish()
    assert sorted(experiment.notes("part")) == ["0", "1", "2", "3", "4"]
    grid_engine.wait_until(lambda: len(grid_engine.jobs(experiment.directory)) >= 2, "they are accounted for")
    assert len({job["id"] for job in grid_engine.jobs(experiment.directory)}) == 1
    assert sorted(job["task"] for job in grid_engine.jobs(experiment.directory)) == ["1", "2"]
