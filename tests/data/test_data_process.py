"""Another process that reads a data set: it dies, hangs, or outlives nobody."""

import os
import signal
import subprocess
import sys
import time

import pytest

from boulder.data.of_returnn.data_process import TIMEOUT, DataProcess
from boulder.errors import DataError

ANSWERING = """
import os, signal, socket, subprocess, sys, threading, time
from multiprocessing.connection import Connection

def end():
    os.killpg(0, signal.SIGKILL)

def end_with_parent(descriptor):
    socket.socket(fileno=descriptor).recv(1)
    end()

threading.Thread(target=end_with_parent, args=(int(sys.argv[2]),), daemon=True).start()
connection = Connection(int(sys.argv[1]))
while True:
    try:
        request, arguments = connection.recv()
    except EOFError:
        end()
    if request == "exit":
        print("first line\\nsecond\\n\\nthe last words", flush=True)
        os._exit(*arguments)
    if request == "hang":
        print("waiting", flush=True)
        time.sleep(600)
    if request == "pids":
        connection.send((False, [os.getpid(), subprocess.Popen(["sleep", "600"]).pid]))
    elif request == "where":
        connection.send((False, (os.getcwd(), os.environ["CUDA_VISIBLE_DEVICES"])))
    else:
        connection.send((True, f"ValueError: {request} {arguments}"))
"""


@pytest.fixture
def process(tmp_path, monkeypatch):
    (tmp_path / "answering_requests.py").write_text(ANSWERING)
    monkeypatch.syspath_prepend(str(tmp_path))
    made = DataProcess("answering_requests", "OwnDataset", str(tmp_path))
    yield made
    made.close()


def is_gone(pid: int) -> bool:
    for _ in range(600):
        try:
            with open(f"/proc/{pid}/stat") as file:
                if file.read().rpartition(")")[2].split()[0] == "Z":
                    return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


def test_it_answers_in_its_folder_without_a_gpu_and_errors_are_one_line(process, tmp_path):
    assert process.ask("where") == (str(tmp_path), "")
    with pytest.raises(DataError, match=r"^OwnDataset: ValueError: read \(3, 'data'\)$"):
        process.ask("read", 3, "data")
    assert process.ask("where") == (str(tmp_path), "")


def test_a_folder_that_is_not_there_is_reported(tmp_path):
    with pytest.raises(DataError, match=r"^OwnDataset: found no folder .*/gone, from which its relative paths start$"):
        DataProcess("answering_requests", "OwnDataset", str(tmp_path / "gone"))


def test_one_that_dies_is_reported_with_its_exit_code_and_last_lines(process):
    message = (
        "^OwnDataset: its process has ended with exit code 7; its last lines: first line | second | the last words$"
    )
    with pytest.raises(DataError, match=message.replace("|", r"\|")):
        process.ask("exit", 7)
    with pytest.raises(DataError, match="has ended with exit code 7"):
        process.ask("where")


def test_one_that_is_killed_is_reported_with_the_signal(process):
    os.kill(process.ask("pids")[0], signal.SIGKILL)
    with pytest.raises(DataError, match=r"^OwnDataset: its process was killed by SIGKILL$"):
        process.ask("where")


def test_one_that_hangs_is_ended_after_the_time_of_the_environment(process, monkeypatch):
    child, grandchild = process.ask("pids")
    monkeypatch.setenv(TIMEOUT, "0.5")
    with pytest.raises(
        DataError, match=r"has not answered for 0.5 s \(hang\) and was ended; its last lines: waiting; .*TIMEOUT"
    ):
        process.ask("hang")
    assert is_gone(child)
    assert is_gone(grandchild)


@pytest.mark.parametrize("seconds", ["soon", "0", "-3", "nan"])
def test_a_time_that_is_none_is_named_with_its_variable(process, monkeypatch, seconds):
    monkeypatch.setenv(TIMEOUT, seconds)
    with pytest.raises(DataError, match=f"{TIMEOUT}: found '{seconds}', expected a number of seconds"):
        process.ask("where")


def test_closing_ends_it_and_what_it_has_started(process):
    pids = process.ask("pids")
    process.close()
    assert all(map(is_gone, pids))
    with pytest.raises(DataError, match="OwnDataset: its process has been closed"):
        process.ask("where")


def test_it_ends_with_a_parent_that_is_killed(process, tmp_path):
    code = (
        "import sys, time; from boulder.data.of_returnn.data_process import DataProcess\n"
        "process = DataProcess('answering_requests', 'X')\n"
        "print(*process.ask('pids'), flush=True); time.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    pids = list(map(int, parent.stdout.readline().split()))
    assert len(pids) == 2
    parent.kill()
    parent.wait()
    assert all(map(is_gone, pids))
