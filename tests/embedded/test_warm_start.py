"""Local workers are forked from a process that has imported what their jobs need, and are otherwise like started ones."""

import signal
import socket
import subprocess
import sys
import time

import psutil
import pytest

from tests.embedded.conftest import EMBEDDED

WARM = """
class Warm(Waiter):
    __sis_preload__ = ("setups.slow",)

    def work(self):
        import numpy, random
        from setups import slow
        note("by", slow.pid)
        note("drawn", f"{numpy.random.random()} {random.random()}")
        note("is", " ".join(sys.argv[-2:]) + f" {os.getpid() == os.getsid(0)} {os.environ.get('MINE')} {sys.stdin.read()!r}")
        super().work()
"""
SLOW = """
import os, numpy

pid = os.getpid()
"""
TWO = "def py():\n    for i in range(2):\n        tk.register_output(f'{i}', Warm(i).out)\n"


@pytest.fixture
def warm(experiment, monkeypatch):
    path = f"{experiment.environment()['PYTHONPATH']}:{experiment.directory}"
    environment = experiment.environment(PYTHONPATH=path)
    (experiment.directory / "setups" / "slow.py").write_text(SLOW)
    settings = experiment.directory / "settings.py"
    settings.write_text(settings.read_text() + "DEFAULT_ENVIRONMENT_KEEP |= {'PYTHONPATH', 'PATH'}\n")
    monkeypatch.setattr(experiment, "environment", lambda *_, **__: environment)
    experiment.config(WARM + TWO)
    return experiment


def test_workers_share_one_import_and_draw_their_own_random_numbers(warm):
    (warm.directory / "go").touch()
    done = warm.manager("-r", "setups/config.py")
    assert done.returncode == 0, done.output
    assert len(set(warm.notes("by"))) == 1
    assert len({number for line in warm.notes("drawn") for number in line.split()}) == 4
    assert [line.split()[-4:] for line in warm.notes("is")] == [["1", "True", "None", "''"]] * 2


def test_a_job_with_an_environment_of_its_own_is_started_as_a_command(warm):
    warm.config(
        WARM + "def py():\n    job = Warm(1)\n    job.set_env('MINE', '7')\n    tk.register_output('x', job.out)\n"
    )
    (warm.directory / "go").touch()
    done = warm.manager("-r", "setups/config.py")
    assert done.returncode == 0, done.output
    (line,) = warm.notes("is")
    assert line.split()[-2] == "7"
    (job,) = [warm.job("Warm")]
    assert int(warm.notes("by")[0]) == warm.usage(job)["pid"]


@pytest.fixture
def running(warm, wait_for):
    """:return: the experiment, its manager, the server, its two workers"""
    manager = warm.start("-r", "setups/config.py")
    wait_for(lambda: len(warm.notes("from")) == 2)
    server = psutil.Process(int(warm.notes("by")[0]))
    return warm, manager, server, server.children()


def test_a_killed_worker_is_resumed_and_its_command_line_is_that_of_a_worker(running, wait_for):
    warm, manager, server, (first, second) = running
    assert all("worker" in worker.cmdline() and "run" in worker.cmdline() for worker in (first, second))
    first.kill()
    wait_for(lambda: len(warm.notes("from")) == 3)
    (warm.directory / "go").touch()
    assert manager.wait(30) == 0
    psutil.wait_procs([server], 10)
    assert not server.is_running()


def test_workers_outlive_their_server_and_their_manager(running, wait_for):
    warm, manager, server, workers = running
    server.kill()
    time.sleep(0.3)
    assert all(worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE for worker in workers)
    manager.kill()
    manager.wait()
    assert warm.finish_once_running("-r", "setups/config.py", running=2) == 0
    assert len(warm.notes("ran")) == 2  # nothing ran twice


def test_interrupting_the_manager_lets_workers_save(running):
    warm, manager, server, workers = running
    manager.send_signal(signal.SIGINT)
    manager.wait(30)
    assert len(warm.notes("saved")) == 2
    psutil.wait_procs([server, *workers], 10)
    assert not any(process.is_running() for process in (server, *workers))


def test_without_its_server_a_worker_starts_as_a_command(warm, wait_for):
    (warm.directory / "setups" / "slow.py").write_text(
        "import os, signal\npid = os.getpid()\nif "
        "'fork_server' in open('/proc/self/cmdline').read(): os.kill(pid, signal.SIGKILL)\n"
    )
    (warm.directory / "go").touch()
    done = warm.manager("-r", "setups/config.py")
    assert done.returncode == 0, done.output
    assert len(set(warm.notes("by"))) == 2


def test_a_worker_has_the_code_as_it_is_when_it_starts(warm):
    slow = warm.directory / "setups" / "slow.py"
    warm.config(
        WARM + "class Editing(Warm):\n    def work(self):\n        super().work()\n"
        f"        pathlib.Path({str(slow)!r}).write_text('pid = \\'new code\\'\\n')\n"
        "def py():\n    tk.register_output('x', Warm(1, Editing(2).out).out)\n"
    )
    (warm.directory / "go").touch()
    done = warm.manager("-r", "setups/config.py")
    assert done.returncode == 0, done.output
    assert warm.notes("by")[1] == "new code"


def test_a_file_that_changes_during_the_imports_is_imported_by_each_worker(warm):
    (warm.directory / "setups" / "slow.py").write_text(f"{SLOW}os.utime(__file__)\n")
    (warm.directory / "go").touch()
    done = warm.manager("-r", "setups/config.py")
    assert done.returncode == 0, done.output
    assert len(set(warm.notes("by"))) == 2


def test_an_interrupt_during_the_imports_starts_no_worker(warm, wait_for):
    slow = "import pathlib, time\npathlib.Path(__file__).with_name('importing').touch()\ntime.sleep(1)\n"
    (warm.directory / "setups" / "slow.py").write_text(slow + "import os, numpy\npid = os.getpid()\n")
    manager = warm.start("-r", "setups/config.py")
    wait_for((warm.directory / "setups" / "importing").exists)
    manager.send_signal(signal.SIGINT)
    manager.wait(30)
    assert warm.notes("ran") == []


def test_an_open_device_is_seen():
    """A module that opened a GPU when it was imported would leave it unusable in forked workers."""
    path = EMBEDDED / "sisyphus" / "fork_server.py"
    program = (
        "import runpy; has_open = runpy.run_path(PATH)['has_open']; "
        "before = has_open('/dev/zero'); file = open('/dev/zero'); print(before, has_open('/dev/zero'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program.replace("PATH", repr(str(path)))], capture_output=True, text=True
    )
    assert done.stdout == "False True\n", done.stderr


@pytest.mark.parametrize("said", [b"", b'{"preload": ['])
def test_a_server_whose_manager_dies_before_its_first_line_ends(said):
    path = EMBEDDED / "sisyphus" / "fork_server.py"
    mine, its = socket.socketpair()
    server = subprocess.Popen([sys.executable, "-P", path], stdin=its)
    its.close()
    mine.sendall(said)
    mine.close()
    assert server.wait(10) == 0


def test_settings_turn_it_off(warm):
    (warm.directory / "go").touch()
    with open(warm.directory / "settings.py", "a") as file:
        file.write("WARM_START = False\n")
    assert warm.manager("-r", "setups/config.py").returncode == 0
    assert len(set(warm.notes("by"))) == 2
