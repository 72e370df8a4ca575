"""A work directory begun under one Sisyphus continues under the other: finished jobs do not run again, others resume."""

import os
import signal

import psutil
import pytest

pytestmark = pytest.mark.skipif(
    not os.environ.get("SISYPHUS_UPSTREAM"), reason="SISYPHUS_UPSTREAM names no checkout of upstream Sisyphus"
)

LIVELY = "PLOGGING_UPDATE_FILE_PERIOD = 1\n"  # upstream considers a job running until its usage file is older
CONFIG = (
    "def py():\n"
    "    first = Step(1).out\n"
    "    slow = Sleeper(60, first)\n"
    "    slow.add_alias('slow')\n"
    "    tk.register_output('out', Step(2, slow.out).out)"
)


@pytest.fixture(autouse=True)
def lively(experiment):
    with open(experiment.directory / "settings.py", "a") as file:
        file.write(LIVELY)


@pytest.mark.parametrize("upstream_first", [True, False])
def test_killed_in_the_middle(experiment, wait_for, upstream_first):
    """Manager and worker are killed; the other Sisyphus resumes the job from its last save and finishes."""
    experiment.config(CONFIG)
    manager = experiment.start("-r", "setups/config.py", upstream=upstream_first)
    wait_for(lambda: list(experiment.directory.glob("work/**/Sleeper.*/work/count")), 30)
    usage = experiment.usage(experiment.job("Sleeper"))
    manager.kill()
    manager.wait()
    if upstream_first:  # its worker has a parent process, which would report a killed worker as an error
        psutil.Process(usage["pid"]).parent().kill()
    os.kill(usage["pid"], signal.SIGKILL)
    assert usage["requested_resources"]["mem"] == 0.1

    other = experiment.manager("-r", "setups/config.py", upstream=not upstream_first, timeout=90)
    assert other.returncode == 0, other.output
    assert experiment.value("out") == "63"
    assert experiment.notes("ran") == ["1", "60", "60", "2"]
    assert int(experiment.notes("from")[1]) > 0
    assert experiment.value("out") == (experiment.directory / "output/out").read_text().strip()
    assert (experiment.directory / "alias/slow/finished").exists()


@pytest.mark.parametrize("upstream_first", [True, False])
def test_running_job_is_found(experiment, wait_for, upstream_first):
    """Only the manager is killed; the other Sisyphus waits for the worker that still runs."""
    experiment.config(CONFIG.replace("Sleeper", "Waiter"))
    manager = experiment.start("-r", "setups/config.py", upstream=upstream_first)
    wait_for(lambda: list(experiment.directory.glob("work/**/Waiter.*/work/count")), 30)
    manager.kill()
    manager.wait()
    assert experiment.finish_once_running("-r", "setups/config.py", upstream=not upstream_first) == 0
    assert experiment.notes("ran") == ["1", "60", "2"]


def test_finished_and_packed_under_upstream(experiment):
    settings = experiment.directory / "settings.py"
    settings.write_text(settings.read_text().replace("JOB_AUTO_CLEANUP = False", "JOB_CLEANER_INTERVAL = 1"))
    experiment.config(CONFIG)
    assert experiment.manager("-r", "setups/config.py", upstream=True, timeout=90).returncode == 0
    done = experiment.manager("-r", "setups/config.py")
    assert done.returncode == 0
    assert experiment.notes("ran") == ["1", "60", "2"]


@pytest.mark.parametrize("saved_by_upstream", [True, False])
def test_a_worker_runs_a_job_that_the_other_sisyphus_saved(experiment, saved_by_upstream):
    """Set up by one Sisyphus, run by a worker of the other: job.save contains nothing specific to either."""
    experiment.config(
        "def py():\n"
        "    first = Step(1)\n"
        "    first.add_alias('x/first').set_vis_name('first')\n"
        "    first.update_rqmt('run', {'mem': 0.2})\n"
        "    first.set_env('MINE', '1')\n"
        "    second = Step([2], (first.out + 1) * 2)\n"
        "    second.n = 3\n"
        "    tk.register_output('out', second.out)"
    )
    set_up = "[job._sis_setup_directory() for job in tk.sis_graph.jobs() if job._sis_runnable()]"
    for value in (1, 7):
        done = experiment.run(
            "console", "setups/config.py", "--script", "-c", set_up, upstream=saved_by_upstream, timeout=60
        )
        assert done.returncode == 0, done.output
        jobs = [job for job in experiment.directory.glob("work/**/Step.*") if not (job / "finished.run.1").exists()]
        (job,) = [job for job in jobs if (job / "job.save").exists()]
        call = ("worker", str(job.relative_to(experiment.directory)), "run", "1")
        done = experiment.run(*call, upstream=not saved_by_upstream, timeout=60)
        assert (job / "finished.run.1").exists(), done.output
        assert (job / "output/value").read_text() == f"{value}\n"


@pytest.mark.parametrize("upstream_first", [True, False])
def test_finished_tasks_of_an_array_do_not_run_again(experiment, wait_for, upstream_first):
    experiment.config(
        "class Parts(Step):\n"
        "    def tasks(self):\n"
        "        yield Task('part', resume='part', args=[(0, 'a'), (1, 'b'), (2, 'c')], rqmt=self.rqmt)\n"
        "        yield Task('run', mini_task=True)\n"
        "    def part(self, i, letter):\n"
        "        note('part', f'{i} {letter}')\n"
        "        while i == 2 and not pathlib.Path(BASE, 'go').exists():\n"
        "            time.sleep(0.05)\n"
        "def py():\n"
        "    tk.register_output('out', Parts(1).out)"
    )
    manager = experiment.start("-r", "setups/config.py", upstream=upstream_first)
    wait_for(lambda: len(experiment.notes("part")) == 3 and len(finished_parts(experiment)) == 2, 60)
    wait_for(lambda: list(experiment.job("Parts").glob("usage.part.3")), 30)
    pid = experiment.usage(experiment.job("Parts"), "part.3")["pid"]
    manager.kill()
    manager.wait()
    if upstream_first:
        psutil.Process(pid).parent().kill()
    os.kill(pid, signal.SIGKILL)
    (experiment.directory / "go").touch()

    other = experiment.manager("-r", "setups/config.py", upstream=not upstream_first, timeout=90)
    assert other.returncode == 0, other.output
    assert sorted(experiment.notes("part")) == ["0 a", "1 b", "2 c", "2 c"]
    assert experiment.value("out") == "1"


def finished_parts(experiment):
    return list(experiment.directory.glob("work/**/Parts.*/finished.part.*"))
