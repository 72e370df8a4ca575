"""Slurm's commands hang, fail or refuse, and the manager neither loses a job, nor submits it twice, nor gives up."""

import os
import shutil
import signal

import pytest

from tests.embedded.conftest import Experiment
from tests.jobs.conftest import ROOT, wait_for

pytestmark = pytest.mark.slurm

COUNTING = (
    "def py():\n    Step.rqmt = {'cpu': 1, 'mem': 0.5, 'time': 1}\n    tk.register_output('out', Sleeper(20).out)"
)
MANY = """
def py():
    Step.rqmt = {'cpu': 1, 'mem': 0.5, 'time': 1}
    for n in range(10):
        tk.register_output(f'out{n}', Sleeper(n).out)
"""
QUICKLY = {"SIS_WAIT_PERIOD_SCHEDULER_ANSWER": "3"}
IN_DOUBT_FOR_LONG = QUICKLY | {"SIS_WAIT_PERIOD_SUBMISSION_IN_DOUBT": "300"}


class OnSlurm(Experiment):
    """Small jobs with Boulder's settings.py, and wrappers around Slurm's commands that come first in PATH."""

    def __init__(self, directory, slurm):
        super().__init__(directory)
        self.slurm = slurm
        self.variables = {}
        self.wrappers = directory / "wrappers"
        self.wrappers.mkdir()
        (directory / "settings.py").unlink()
        (directory / "settings.py").symlink_to(ROOT / "settings.py")

    def wrap(self, name, script):
        """`script`: a shell script; "$real" is the real command, and each call is noted."""
        path = self.wrappers / name
        note = f"date +%s.%N >> {self.directory}/calls.{name}; real={shutil.which(name)}; here={self.directory}"
        path.write_text(f"#!/bin/bash\n{note}\n{script}\n")
        path.chmod(0o755)

    def calls(self, name):
        """:return: when each was, in seconds"""
        file = self.directory / f"calls.{name}"
        return [float(line) for line in file.read_text().split()] if file.exists() else []

    def environment(self, upstream=False, **variables):
        path = f"{self.wrappers}:{os.environ['PATH']}"
        own = {"PATH": path, "SLURM_CONF": self.slurm.environment["SLURM_CONF"], **self.variables}
        return super().environment(upstream, **own, **variables)

    def submissions(self):
        return (self.job("Sleeper") / "submit_log.run").read_text().splitlines()

    def jobs_of_slurm(self):
        """:return: of this experiment"""
        return [job for job in self.slurm.jobs() if job["WorkDir"] == str(self.directory)]


@pytest.fixture
def experiment(tmp_path, slurm):
    made = OnSlurm(tmp_path, slurm)
    made.config(COUNTING)
    yield made
    made.stop_all()
    for job in made.jobs_of_slurm():
        slurm.run("scancel", job["JobId"])


def finish(experiment, timeout=120):
    done = experiment.manager("-r", "setups/config.py", timeout=timeout)
    assert done.returncode == 0, done.output + experiment.slurm.logs()
    return done.output


def test_one_squeue_serves_all_jobs_of_a_round(experiment):
    experiment.config(MANY)
    experiment.wrap("squeue", 'exec "$real" "$@"')
    experiment.wrap("sbatch", 'exec "$real" "$@"')
    finish(experiment)
    assert len(experiment.calls("sbatch")) == 10
    first, *_, last = experiment.calls("squeue")
    rounds = last - first + 1  # WAIT_PERIOD_BETWEEN_CHECKS in settings.py is a second
    assert len(experiment.calls("squeue")) <= rounds + 5  # rounds that submit do not wait


APPEARS_AT_ONCE = '"$real" "$@" >/dev/null; exec sleep 100'
APPEARS_LATER = '(sleep 8; "$real" "$@") >/dev/null 2>&1 & exec sleep 100'
SAYS_TIMED_OUT = """
(sleep 8; "$real" "$@") >/dev/null 2>&1 &
echo "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation" >&2; exit 1
"""


@pytest.mark.parametrize("script", [APPEARS_AT_ONCE, APPEARS_LATER, SAYS_TIMED_OUT])
def test_a_submission_that_gives_no_answer_is_not_made_twice(experiment, script):
    experiment.wrap("sbatch", script)
    experiment.variables = IN_DOUBT_FOR_LONG
    finish(experiment)
    assert len(experiment.calls("sbatch")) == 1
    assert len(experiment.jobs_of_slurm()) == 1
    assert len(experiment.notes("ran")) == 1


def test_a_manager_killed_while_sbatch_hangs_is_followed_by_one_that_waits_for_its_job(experiment):
    experiment.wrap("sbatch", APPEARS_LATER)
    experiment.variables = IN_DOUBT_FOR_LONG
    manager = experiment.start("-r", "setups/config.py")
    wait_for(lambda: experiment.calls("sbatch"))
    os.kill(manager.pid, signal.SIGKILL)
    manager.wait()
    finish(experiment)
    assert len(experiment.calls("sbatch")) == 1
    assert len(experiment.notes("ran")) == 1


def test_a_submission_whose_job_never_appears_is_made_again(experiment):
    experiment.wrap("sbatch", 'if mkdir "$here/once" 2>/dev/null; then exec sleep 100; fi; exec "$real" "$@"')
    experiment.variables = QUICKLY | {"SIS_WAIT_PERIOD_SUBMISSION_IN_DOUBT": "4"}
    finish(experiment)
    first, second = experiment.calls("sbatch")
    assert second - first > 3 + 4
    assert len(experiment.submissions()) == 1


def test_failed_calls_of_sbatch_are_no_tries_of_the_job(experiment):
    says = "sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)"
    experiment.wrap(
        "sbatch", f'if [ $(wc -l < "$here/calls.sbatch") -le 5 ]; then echo "{says}" >&2; exit 1; fi; exec "$real" "$@"'
    )
    experiment.variables = {"SIS_MAX_SUBMIT_RETRIES": "2"}
    finish(experiment)
    assert len(experiment.calls("sbatch")) == 6
    assert len(experiment.submissions()) == 1


def test_a_job_that_slurm_refuses_is_told_once_and_not_submitted_again(experiment):
    experiment.config(COUNTING.replace("'cpu': 1", "'cpu': 1, 'sbatch_args': '-p nonsense'"))
    experiment.wrap("sbatch", 'exec "$real" "$@"')
    done = experiment.manager("-r", "setups/config.py", timeout=120)
    assert done.returncode == 1
    assert done.output.count("Slurm refuses the job: ") == 1
    assert "queue_error" in done.output
    assert len(experiment.calls("sbatch")) == 1


def test_a_running_job_is_not_shown_as_failed_whatever_an_earlier_try_left(experiment):
    experiment.config(COUNTING.replace("Sleeper", "Waiter"))
    manager = experiment.start("-r", "setups/config.py")
    wait_for(lambda: list(experiment.directory.glob("work/**/Waiter.*/work/count")))
    os.kill(manager.pid, signal.SIGKILL)
    manager.wait()
    (experiment.job("Waiter") / "error.run.1").touch()
    assert experiment.finish_once_running("-r", "setups/config.py", seconds=60) == 0
    assert "error" not in (experiment.directory / "manager.log").read_text()
    assert len(experiment.notes("ran")) == 1
