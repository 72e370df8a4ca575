"""Workers and managers may die at any moment: jobs resume from their last save, and nothing runs twice."""

import ast
import os
import signal
import time

import psutil
import pytest

COUNTING = "def py():\n    tk.register_output('out', Sleeper(12).out)"


@pytest.fixture
def counting(experiment):
    experiment.config(COUNTING)
    return experiment


@pytest.fixture
def waiting(experiment):
    experiment.config(COUNTING.replace("Sleeper(12)", "Waiter(1)"))
    return experiment


@pytest.fixture
def usage_of(wait_for):
    def find(experiment, name="Sleeper"):
        """Usage of a worker that has counted a little."""
        wait_for(lambda: list(experiment.directory.glob(f"work/**/{name}.*/work/count")))
        return experiment.usage(experiment.job(name))

    return find


def test_killed_worker_resumes_under_the_same_manager(counting, usage_of):
    manager = counting.start("-r", "setups/config.py")
    os.kill(usage_of(counting)["pid"], signal.SIGKILL)
    assert manager.wait(20) == 0
    assert len(counting.notes("from")) == 2
    assert int(counting.notes("from")[1]) >= 5
    assert counting.value("out") == "12"
    told = "was killed by signal 9 (SIGKILL), as the kernel does when memory runs out"
    assert told in (counting.job("Sleeper") / "log.run.1").read_text()
    assert f".run {told}" in (counting.directory / "manager.log").read_text()


def test_killed_worker_and_manager_resume_with_the_next_manager(counting, usage_of):
    manager = counting.start("-r", "setups/config.py")
    pid = usage_of(counting)["pid"]
    manager.kill()
    manager.wait()
    os.kill(pid, signal.SIGKILL)
    assert counting.manager("-r", "setups/config.py").returncode == 0
    assert int(counting.notes("from")[1]) >= 5
    assert len((counting.job("Sleeper") / "submit_log.run").read_text().splitlines()) == 2


def test_a_running_job_of_a_killed_manager_is_found_and_not_started_again(waiting, usage_of):
    manager = waiting.start("-r", "setups/config.py")
    usage_of(waiting, "Waiter")
    manager.kill()
    manager.wait()
    assert waiting.finish_once_running("-r", "setups/config.py") == 0
    assert waiting.notes("from") == ["0"]


def test_two_workers_never_run_the_same_task_at_once(waiting, usage_of):
    manager = waiting.start("-r", "setups/config.py")
    usage_of(waiting, "Waiter")
    job = waiting.job("Waiter").relative_to(waiting.directory)
    second = waiting.run("worker", str(job), "run", "1")
    assert "another worker runs this task" in second.output
    (waiting.directory / "go").touch()
    assert manager.wait(20) == 0
    assert waiting.notes("from") == ["0"]
    third = waiting.run("worker", str(job), "run", "1")
    assert "finished before" in third.output
    assert waiting.notes("from") == ["0"]


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_lets_the_worker_save_and_the_next_manager_resumes(counting, usage_of, sent):
    manager = counting.start("-r", "setups/config.py")
    pid = usage_of(counting)["pid"]
    manager.send_signal(sent)
    assert manager.wait(10) == 130
    assert not psutil.pid_exists(pid)
    (saved,) = counting.notes("saved")
    assert counting.manager("-r", "setups/config.py").returncode == 0
    assert counting.notes("from") == ["0", saved]


def test_ctrl_c_leaves_a_task_running_that_cannot_be_resumed(experiment, usage_of, wait_for):
    experiment.config(
        "class Once(Waiter):\n"
        "    def tasks(self):\n"
        "        yield Task('run', rqmt=self.rqmt)\n"
        "def py():\n"
        "    tk.register_output('out', Once(1).out)"
    )
    manager = experiment.start("-r", "setups/config.py")
    pid = usage_of(experiment, "Once")["pid"]
    manager.send_signal(signal.SIGINT)
    assert manager.wait(10) == 130
    assert f"PID: {pid}" in (experiment.directory / "manager.log").read_text()
    assert experiment.finish_once_running("-r", "setups/config.py") == 0
    assert experiment.notes("from") == ["0"]


def test_a_killed_task_that_cannot_be_resumed_waits_to_be_cleared(experiment, usage_of):
    experiment.config(
        "class Once(Sleeper):\n"
        "    def tasks(self):\n"
        "        yield Task('run', rqmt=self.rqmt)\n"
        "def py():\n"
        "    tk.register_output('out', Once(8).out)"
    )
    manager = experiment.start("-r", "setups/config.py")
    os.kill(usage_of(experiment, "Once")["pid"], signal.SIGKILL)
    assert manager.wait(10) == 1
    assert "interrupted_not_resumable(1)" in (experiment.directory / "manager.log").read_text()
    assert experiment.manager("-r", "-cio", "setups/config.py").returncode == 0
    assert experiment.notes("from") == ["0", "0"]


def test_a_job_without_progress_is_not_submitted_forever(experiment):
    experiment.config(
        "class Killed(Step):\n"
        "    def work(self):\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "def py():\n"
        "    tk.register_output('out', Killed(1).out)"
    )
    done = experiment.manager("-r", "setups/config.py")
    assert done.returncode == 1
    assert "retry_error(1)" in done.output
    assert experiment.notes("ran") == ["1"] * 4


def test_progress_does_not_use_up_retries(experiment):
    experiment.config(
        "class Slow(Step):\n"
        "    def completed_fraction(self):\n"
        "        return min(1, len(pathlib.Path(BASE, 'notes').read_text().split()) / 20) if os.path.exists('notes') else 0\n"
        "    def work(self):\n"
        "        if pathlib.Path(BASE, 'notes').read_text().count('ran') < 6:\n"
        "            os.kill(os.getpid(), signal.SIGKILL)\n"
        "def py():\n"
        "    tk.register_output('out', Slow(1).out)"
    )
    assert experiment.manager("-r", "setups/config.py").returncode == 0
    assert experiment.notes("ran") == ["1"] * 6


def test_requested_memory_and_time_grow_after_a_kill_up_to_the_machines_limits(experiment):
    with open(experiment.directory / "settings.py", "a") as file:
        file.write("MAX_SUBMIT_RETRIES = 5\n")
    experiment.config(
        "class Greedy(Step):\n"
        "    rqmt = {'cpu': 1, 'mem': 1.25, 'time': 0.05}\n"
        "    def work(self):\n"
        "        if pathlib.Path(BASE, 'notes').read_text().count('ran') < 4:\n"
        "            os.kill(os.getpid(), signal.SIGKILL)\n"
        "def py():\n"
        "    tk.register_output('out', Greedy(1).out)"
    )
    with open(experiment.directory / "settings.py", "a") as file:  # pretend that it used all its memory
        file.write(
            "_update = update_engine_rqmt\n"
            "def update_engine_rqmt(last_rqmt, last_usage):\n"
            "    return _update(last_rqmt, {**last_usage, 'out_of_memory': True})\n"
        )
    done = experiment.manager("-r", "setups/config.py")
    assert done.returncode == 0, done.output
    log = (experiment.job("Greedy") / "submit_log.run").read_text()
    tries = [ast.literal_eval(line)[1] for line in log.splitlines()]
    assert [t["mem"] for t in tries] == [1.25, 2.5, 4, 4]
    assert [t["time"] for t in tries] == [0.05, 0.1, 0.2, 0.2]


def test_a_worker_without_a_usage_file_is_recognized_by_its_lock(waiting, usage_of):
    manager = waiting.start("-r", "setups/config.py")
    usage_of(waiting, "Waiter")
    manager.kill()
    manager.wait()
    (waiting.job("Waiter") / "usage.run.1").unlink()
    assert waiting.finish_once_running("-r", "setups/config.py") == 0
    assert waiting.notes("from") == ["0"]


def test_an_incomplete_line_in_the_submit_log_is_skipped(experiment):
    experiment.manager("-r", "setups/jobs.chain(1)")
    job = experiment.job("Step")
    for name in ("finished", "finished.run.1", "log.run.1"):
        (job / name).unlink()
    (job / "submit_log.run").write_text("([1], {'cpu': 1, 'me")
    done = experiment.manager("-r", "setups/jobs.chain(1)")
    assert done.returncode == 0, done.output
    assert ast.literal_eval((job / "submit_log.run").read_text().splitlines()[1])[0] == [1]


def test_a_reused_process_id_is_not_taken_for_the_worker(counting, usage_of):
    manager = counting.start("-r", "setups/config.py")
    usage = usage_of(counting)
    manager.kill()
    manager.wait()
    os.kill(usage["pid"], signal.SIGKILL)
    time.sleep(0.1)
    (counting.job("Sleeper") / "usage.run.1").write_text(repr({**usage, "pid": os.getpid()}))
    assert counting.manager("-r", "setups/config.py").returncode == 0
    assert len(counting.notes("from")) == 2


def test_ctrl_c_waits_a_bounded_time_for_a_worker_that_does_not_end(experiment, usage_of):
    experiment.config(
        "class Stubborn(Waiter):\n"
        "    def work(self):\n"
        "        signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "        super().work()\n"
        "def py():\n"
        "    tk.register_output('out', Stubborn(1).out)"
    )
    with open(experiment.directory / "settings.py", "a") as file:
        file.write("WAIT_PERIOD_INTERRUPT = 0.5\n")
    manager = experiment.start("-r", "setups/config.py")
    pid = usage_of(experiment, "Stubborn")["pid"]
    manager.send_signal(signal.SIGINT)
    assert manager.wait(10) == 130
    assert f"PID: {pid}" in (experiment.directory / "manager.log").read_text()
    assert experiment.finish_once_running("-r", "setups/config.py") == 0
    assert experiment.notes("from") == ["0"]


def test_what_a_scheduler_ended_is_told_with_what_it_requests_next(experiment):
    experiment.config("def py():\n    tk.register_output('out', Step(1).out)")
    code = (
        "(task,) = list(tk.sis_graph.jobs())[0]._sis_tasks(); asked = {'mem': 2, 'time': 1};"
        "print([task.update_rqmt(asked, 1, {end: True}) for end in ('out_of_memory', 'out_of_time')])"
    )
    done = experiment.run("console", "--script", "-c", code, "setups/config.py")
    assert "Step." in done.output
    assert ".run ran out of memory; now it requests mem=4" in done.output
    assert ".run ran out of time; now it requests time=2" in done.output
