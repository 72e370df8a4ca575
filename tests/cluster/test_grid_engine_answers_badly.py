"""A Grid Engine that warns of memory, hangs, or cannot start a job."""

import pytest

from tests.cluster.small_jobs import SLEEPER
from tests.cluster.test_job_control import check_saved_and_resumed_with_twice
from tests.jobs.conftest import wait_for

pytestmark = [pytest.mark.gridengine, pytest.mark.slow]

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


def test_a_job_that_is_warned_of_its_memory_saves_and_resumes_with_more(experiment):
    experiment.config(HUNGRY)
    manager = experiment.start("-r", "setups/config.py")
    check_saved_and_resumed_with_twice(experiment, "Hungry", "mem", "SIGXCPU")
    experiment.let_end(manager)


@pytest.mark.parametrize("submits", [True, False])
def test_a_submission_without_an_answer_ends_in_one_job(submits, experiment, grid_engine):
    """Either qsub hangs after it submitted the job, or it cannot submit because sge_qmaster hangs."""
    pid = grid_engine.daemons["sge_qmaster"].pid
    qmaster_hangs = f'kill -STOP {pid}; (sleep 12; kill -CONT {pid}) >/dev/null 2>&1 & exec "$real" "$@"'
    hangs = '"$real" "$@" >/dev/null; exec sleep 100' if submits else qmaster_hangs
    experiment.wrap("qsub", f'if mkdir "$here/once" 2>/dev/null; then {hangs}; fi; exec "$real" "$@"')
    experiment.variables = {"SIS_WAIT_PERIOD_SCHEDULER_ANSWER": "5", "SIS_WAIT_PERIOD_SUBMISSION_IN_DOUBT": "20"}
    said = experiment.finish(200)
    assert ("Grid Engine answers again" in said) == (not submits)
    assert len(experiment.calls("qsub")) == (1 if submits else 2)
    assert len(experiment.notes("ran")) == 1
    assert grid_engine.num_jobs(experiment.directory, 1) == 1


def test_a_job_that_could_not_start_is_retried_and_reported_once(experiment, grid_engine):
    """State Eqw, since the folder for the job's output does not exist."""
    later = experiment.directory / "later"
    experiment.py(f"Step.rqmt['qsub_args'] = ['-o', '{later}/log']", SLEEPER)
    manager = experiment.start("-r", "setups/config.py")
    wait_for(lambda: "could not start" in experiment.said())
    wait_for(lambda: len(grid_engine.jobs(experiment.directory)) > 2)  # attempts
    later.mkdir()
    assert manager.wait(60) == 0, experiment.said()
    assert experiment.said().count("could not start") == 1
    assert len(experiment.submissions("Sleeper")) == len(experiment.notes("ran")) == 1
