"""A job in error state is shown with the end of its log, stays until it is cleared, and does not stop other jobs."""

import pathlib

import pytest


@pytest.fixture
def failing(experiment):
    experiment.config(
        "def py():\n"
        "    tk.register_output('bad', Step(2, Failing(1).out).out)\n"
        "    tk.register_output('good', Step(3, Step(0).out).out)"
    )
    return experiment


def test_error_is_shown_with_the_log_and_other_jobs_continue(failing):
    done = failing.manager("-r", "setups/config.py")
    assert done.returncode == 1
    log = failing.job("Failing") / "log.run.1"
    assert str(log.relative_to(failing.directory)) in done.output
    assert "ValueError: the reason why" in done.output
    assert "error(1)" in done.output
    assert failing.value("good") == "3"
    assert (failing.job("Failing") / "error.run.1").exists()


def test_on_job_failure_is_called(failing):
    with open(failing.directory / "settings.py", "a") as file:
        file.write("def on_job_failure(job):\n    open('failures', 'a').write(f'{job.n}\\n')\n")
    failing.manager("-r", "setups/config.py")
    assert set((failing.directory / "failures").read_text().split()) == {"1"}


def test_error_stays_until_cleared(failing):
    failing.manager("-r", "setups/config.py")
    (failing.directory / "mended").touch()
    assert failing.manager("-r", "-io", "setups/config.py").returncode == 1
    assert failing.notes("ran").count("1") == 1

    done = failing.manager("-r", "-co", "setups/config.py")
    assert done.returncode == 0, done.output
    assert failing.value("bad") == "3"
    assert failing.notes("ran").count("1") == 2
    assert list(failing.directory.glob("work/**/Failing.*.cleared.0001/log.run.1"))


def test_error_marker_removed_by_hand_lets_the_job_run_again(failing):
    failing.manager("-r", "setups/config.py")
    (failing.directory / "mended").touch()
    (failing.job("Failing") / "error.run.1").unlink()
    assert failing.manager("-r", "setups/config.py").returncode == 0
    assert "RETRY OR CONTINUE TASK" in (failing.job("Failing") / "log.run.1").read_text()


def test_a_worker_that_cannot_start_is_an_error_with_the_reason_in_the_log(experiment):
    experiment.config("def py():\n    tk.register_output('out', Step(1).out)")
    done = experiment.manager("-r", "setups/config.py", SIS_SIS_COMMAND="/no/such/sis")
    assert done.returncode == 1
    assert "/no/such/sis" in (experiment.job("Step") / "log.run.1").read_text()


def test_job_killed_by_a_crash_is_an_error(experiment):
    experiment.config(
        "class Crash(Step):\n"
        "    def work(self):\n"
        "        os.kill(os.getpid(), signal.SIGSEGV)\n"
        "def py():\n"
        "    tk.register_output('out', Crash(1).out)"
    )
    done = experiment.manager("-r", "setups/config.py")
    assert done.returncode == 1
    assert (
        "the worker ended with code -11 (Segmentation fault) and left no marker file of its task; its last line: "
        in done.output
    )


def test_missing_input_is_named(experiment):
    experiment.config("def py():\n    tk.register_output('out', Step(1, tk.Path('no/such/file')).out)")
    done = experiment.manager("-r", "setups/config.py")
    assert done.returncode == 1
    assert "input_missing: " in done.output
    assert "no/such/file" in done.output


def test_wrong_requirements_are_named(experiment):
    experiment.config("def py():\n    tk.register_output('out', Step(1, rqmt={'mem': '4 gigs'}).out)")
    done = experiment.manager("-r", "setups/config.py")
    assert done.returncode != 0
    assert "memory requirement '4 gigs': expected gigabytes" in done.output


def test_no_program_waits_for_a_missing_terminal(failing):
    failing.manager("-r", "setups/config.py")
    assert failing.manager("setups/config.py", timeout=10).returncode == 0
    assert failing.manager("-r", "-i", "setups/config.py", timeout=10).returncode == 2


def test_a_worker_waits_for_threads_and_calls_exit_functions_before_it_ends(experiment):
    experiment.config(
        "import atexit, tempfile, threading\n"
        "class Leaving(Step):\n"
        "    def work(self):\n"
        "        self.folder = tempfile.TemporaryDirectory()\n"
        "        note('folder', self.folder.name)\n"
        "        atexit.register(note, 'exit', 'function')\n"
        "        threading.Thread(target=lambda: (time.sleep(0.5), note('thread', 'done'))).start()\n"
        "        print('unflushed', end='')\n"
        "def py():\n    tk.register_output('out', Leaving(1).out)\n"
    )
    assert experiment.manager("-r", "setups/config.py").returncode == 0
    assert experiment.notes("thread") == ["done"]
    assert experiment.notes("exit") == ["function"]
    assert not pathlib.Path(experiment.notes("folder")[0]).exists()
    assert "unflushed" in (experiment.job("Leaving") / "log.run.1").read_text()
