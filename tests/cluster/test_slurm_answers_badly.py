"""Slurm's commands hang or fail, and the manager neither loses a job, nor submits it twice, nor gives up."""

import os
import signal

import pytest

from tests.jobs.conftest import wait_for

pytestmark = [pytest.mark.slurm, pytest.mark.slow]

QUICKLY = {"SIS_WAIT_PERIOD_SCHEDULER_ANSWER": "3"}
IN_DOUBT_FOR_LONG = QUICKLY | {"SIS_WAIT_PERIOD_SUBMISSION_IN_DOUBT": "300"}


APPEARS_AT_ONCE = '"$real" "$@" >/dev/null; exec sleep 100'
APPEARS_LATER = '(sleep 8; "$real" "$@") >/dev/null 2>&1 & exec sleep 100'
SAYS_TIMED_OUT = """
(sleep 8; "$real" "$@") >/dev/null 2>&1 &
echo "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation" >&2; exit 1
"""


@pytest.mark.parametrize("script", [APPEARS_AT_ONCE, APPEARS_LATER, SAYS_TIMED_OUT])
def test_a_submission_without_an_answer_is_not_repeated(experiment, script):
    experiment.wrap("sbatch", script)
    experiment.variables = IN_DOUBT_FOR_LONG
    experiment.finish()
    assert len(experiment.calls("sbatch")) == 1
    assert len(experiment.cluster.jobs(experiment.directory)) == 1
    assert len(experiment.notes("ran")) == 1


def test_after_a_manager_is_killed_while_sbatch_hangs_the_next_one_waits_for_its_job(experiment):
    experiment.wrap("sbatch", APPEARS_LATER)
    experiment.variables = IN_DOUBT_FOR_LONG
    manager = experiment.start("-r", "setups/config.py")
    wait_for(lambda: experiment.calls("sbatch"))
    os.kill(manager.pid, signal.SIGKILL)
    manager.wait()
    experiment.finish()
    assert len(experiment.calls("sbatch")) == 1
    assert len(experiment.notes("ran")) == 1


def test_a_submission_whose_job_never_appears_is_repeated(experiment):
    experiment.wrap("sbatch", 'if mkdir "$here/once" 2>/dev/null; then exec sleep 100; fi; exec "$real" "$@"')
    experiment.variables = QUICKLY | {"SIS_WAIT_PERIOD_SUBMISSION_IN_DOUBT": "4"}
    experiment.finish()
    first, second = experiment.calls("sbatch")
    assert second - first > 3 + 4
    assert len(experiment.submissions("Sleeper")) == 1


def test_failed_calls_of_sbatch_do_not_count_as_attempts(experiment):
    says = "sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)"
    experiment.wrap(
        "sbatch", f'if [ $(wc -l < "$here/calls.sbatch") -le 5 ]; then echo "{says}" >&2; exit 1; fi; exec "$real" "$@"'
    )
    experiment.variables = {"SIS_MAX_SUBMIT_RETRIES": "2"}
    experiment.finish()
    assert len(experiment.calls("sbatch")) == 6
    assert len(experiment.submissions("Sleeper")) == 1


def test_an_error_file_of_an_earlier_attempt_does_not_make_a_running_job_a_failed_one(experiment):
    experiment.py("tk.register_output('out', Waiter(1).out)")
    manager = experiment.start("-r", "setups/config.py")
    wait_for(lambda: list(experiment.directory.glob("work/**/Waiter.*/work/count")))
    os.kill(manager.pid, signal.SIGKILL)
    manager.wait()
    (experiment.job("Waiter") / "error.run.1").touch()
    assert experiment.finish_once_running("-r", "setups/config.py", seconds=60) == 0
    log = (experiment.directory / "manager.log").read_text()  # its paths contain the name of this test
    assert "error(" not in log
    assert "ERROR" not in log
    assert len(experiment.notes("ran")) == 1


def test_jobs_that_vanish_without_a_trace_are_not_submitted_forever(experiment):
    experiment.wrap("sbatch", "echo 4711")
    experiment.variables = {"SIS_MAX_SUBMIT_RETRIES": "2"}
    done = experiment.manager("-r", "setups/config.py", timeout=120)
    assert done.returncode == 1
    assert "retry_error(1)" in done.output
    assert len(experiment.calls("sbatch")) == 3


def test_jobs_are_found_when_the_environment_names_another_user(experiment):
    experiment.wrap("sbatch")
    experiment.variables = {"USER": "somebody", "LOGNAME": "somebody"}
    experiment.finish()
    assert len(experiment.calls("sbatch")) == 1
