"""`sis manager -r` leaves results, links and job directories with upstream's files, and runs nothing twice."""

import ast
import gzip
import os
import re
import resource

import pytest

EXPECTED_FILES = {
    "engine",
    "finished",
    "finished.run.1",
    "info",
    "input",
    "job.save",
    "log.run.1",
    "output",
    "submit_log.run",
    "usage.run.1",
    "work",
}


def test_chain_runs_to_its_output_and_a_second_manager_runs_nothing(experiment):
    first = experiment.manager("-r", "setups/jobs.chain")
    assert first.returncode == 0, first.output
    assert experiment.value("sum") == "3"
    assert experiment.notes("ran") == ["0", "1", "2"]
    assert os.readlink(experiment.directory / "alias/chain/2").startswith(str(experiment.directory / "work"))
    assert "Finished output: output/sum" in (experiment.directory / "log/finished.log").read_text()

    second = experiment.manager("-r", "setups/jobs.chain")
    assert second.returncode == 0
    assert experiment.notes("ran") == ["0", "1", "2"]


def test_job_directory_has_upstreams_files(experiment):
    experiment.manager("-r", "setups/jobs.chain(2)")
    job = (experiment.directory / "alias/chain/1").resolve()
    first = (experiment.directory / "alias/chain/0").resolve()
    assert set(os.listdir(job)) == EXPECTED_FILES
    (link,) = os.listdir(job / "input")
    assert link == str(first.relative_to(experiment.directory / "work")).replace("/", "_")
    assert (job / "input" / link).resolve() == first
    ids, submitted = ast.literal_eval((job / "submit_log.run").read_text())
    assert ids == [1]
    assert submitted.keys() == {"cpu", "mem", "time", "engine_info", "engine_name", "completed_fraction"}
    usage = experiment.usage(job)
    assert {
        "max",
        "current",
        "pid",
        "user",
        "used_time",
        "host",
        "out_of_memory",
        "requested_resources",
    } <= usage.keys()
    assert usage["max"].keys() == {"rss", "vms", "cpu"}
    assert (job / "finished.run.1").read_bytes() == b""
    assert "ALIAS: chain/1\n" in (job / "info").read_text()
    with gzip.open(job / "job.save") as file:
        assert b"setups.jobs" in file.read(200)


def test_a_trivial_job_costs_less_than_half_a_cpu_second_and_no_waiting_period(experiment):
    """bench/sisyphus_speed.py measures wall-clock time, which here depends on the load of the machine."""
    with open(experiment.directory / "settings.py", "a") as file:
        file.write("WAIT_PERIOD_BETWEEN_CHECKS = 300\n")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert experiment.manager("-r", "setups/jobs.chain(6)", timeout=120).returncode == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert used < 6 * 0.5


def test_without_r_and_terminal_nothing_is_started(experiment):
    done = experiment.manager("setups/jobs.chain")
    assert done.returncode == 0
    assert "runnable(1) waiting(2)" in done.output
    assert experiment.notes("ran") == []


def test_array_tasks_run_each_argument_once_and_mini_tasks_run(experiment):
    experiment.config("def py():\n    tk.register_output('out', Array(1).out)")
    assert experiment.manager("-r", "setups/config.py").returncode == 0
    assert sorted(experiment.notes("part")) == ["0", "1", "2", "3", "4"]
    job = experiment.job("Array")
    assert {"finished.part.1", "finished.part.2", "finished.run.1", "submit_log.part"} <= set(os.listdir(job))


def test_update_may_request_more_inputs(experiment):
    experiment.config(
        "class Wide(Step):\n"
        "    def update(self):\n"
        "        self.more = Step(100 + self.before.get()).out\n"
        "        self.add_input(self.more)\n"
        "    def work(self):\n"
        "        note('more', self.more.get())\n"
        "def py():\n"
        "    tk.register_output('out', Wide(1, Step(7).out).out)"
    )
    assert experiment.manager("-r", "setups/config.py").returncode == 0
    assert experiment.notes("more") == ["107"]


def test_async_config_resumes_when_its_jobs_have_finished(experiment):
    experiment.config(
        "async def py():\n"
        "    outs = [Step(1).out, Step(2).out]\n"
        "    await tk.async_gather(*[tk.async_run(out) for out in outs])\n"
        "    last = Step(sum(out.get() for out in outs)).out\n"
        "    await tk.async_run(last)\n"
        "    tk.register_output('out', Step(40, last).out)"
    )
    assert experiment.manager("-r", "setups/config.py").returncode == 0
    assert experiment.value("out") == "43"


def test_async_config_ends_when_its_job_fails(experiment):
    experiment.config("async def py():\n    await tk.async_run(Failing(1).out)\n    raise AssertionError")
    done = experiment.manager("-r", "setups/config.py")
    assert done.returncode == 1
    assert "the reason why" in done.output


def test_reports_and_callbacks(experiment):
    experiment.config(
        "def py():\n"
        "    out = Step(5).out\n"
        "    tk.register_report('report', {'value': out}, template='it is {value}')\n"
        "    tk.register_callback(note, 'called', out)"
    )
    assert experiment.manager("-r", "setups/config.py").returncode == 0
    assert experiment.value("report") == "it is 5"
    assert experiment.notes("called") == ["5"]


def test_held_job_is_set_up_and_not_started(experiment):
    experiment.config(
        "def py():\n    job = Step(1, Step(0).out)\n    job.hold()\n    tk.register_output('out', job.out)"
    )
    done = experiment.manager("-r", "setups/config.py")
    assert experiment.notes("ran") == ["0"]
    assert "hold(1)" in done.output


def test_hold_file_holds_a_job_until_it_is_removed(experiment):
    assert experiment.manager("-r", "setups/jobs.chain(1)").returncode == 0
    (experiment.job("Step") / "hold").touch()
    assert experiment.manager("-r", "setups/jobs.chain(1)").returncode == 0  # a finished job cannot be held
    for name in ("finished", "finished.run.1", "log.run.1"):
        (experiment.job("Step") / name).unlink()
    assert "hold(1)" in experiment.manager("-r", "setups/jobs.chain(1)").output
    assert experiment.notes("ran") == ["0"]
    (experiment.job("Step") / "hold").unlink()
    assert experiment.manager("-r", "setups/jobs.chain(1)").returncode == 0
    assert experiment.notes("ran") == ["0", "0"]


def test_the_listing_shows_aliases_and_display_names(experiment):
    experiment.config(
        "def py():\n"
        "    job = Step(1)\n"
        "    job.add_alias('x/alias')\n"
        "    job.set_vis_name('what people call it')\n"
        "    assert job.keep_value() is None and job.keep_value(20) == 20 and job.keep_value() == 20\n"
        "    tk.register_output('out', job.out)"
    )
    done = experiment.manager("setups/config.py")
    assert re.search(r"runnable: Job<alias/x/alias work/setups/jobs/Step.\w+> \[what people call it\]", done.output)


def test_finished_jobs_are_packed_and_stay_finished(experiment):
    settings = experiment.directory / "settings.py"
    settings.write_text(settings.read_text().replace("JOB_AUTO_CLEANUP = False", "JOB_CLEANER_INTERVAL = 0.1"))
    experiment.config("def py():\n    tk.register_output('out', Sleeper(6, Step(0).out).out)")
    assert experiment.manager("-r", "setups/config.py").returncode == 0
    assert set(os.listdir(experiment.job("Step"))) == {"finished.tar.gz", "info", "input", "output"}
    experiment.manager("-r", "setups/config.py")
    assert experiment.notes("ran") == ["0", "6"]
    shown = experiment.run(
        "console", "--load", str(experiment.job("Step")), "--script", "-c", "print(jobs[0].n, jobs[0].out.get())"
    )
    assert shown.output.splitlines()[-1] == "0 0"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("setups/jobs.chian", "no function chian, only"),
        ("setups/jobs.chain(x)", "have to be Python literals"),
        ("setups/no-such.py", "expected config/FILE.FUNCTION"),
        ("setups/nosuch.py", "there is no setups/nosuch.py"),
    ],
)
def test_wrong_config_names_are_explained(experiment, name, message):
    done = experiment.manager("-r", name)
    assert done.returncode != 0
    assert re.search(message, done.output)
