"""Locks, requests, processes and records of a work directory, without a manager."""

import fcntl
import types

import psutil
import pytest

import jobs  # noqa: F401 (finds Sisyphus)
from jobs.workdir import local_workers, manager_pause, submissions, work_lock
from sisyphus import gs


@pytest.fixture
def work(tmp_path, monkeypatch):
    monkeypatch.setattr(gs, "WORK_DIR", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(("kind", "manager"), [(fcntl.LOCK_SH, None), (fcntl.LOCK_EX, "process 7 on node1")])
def test_only_a_manager_is_at_work_and_not_another_look(work, kind, manager):
    (work / ".manager.lock").write_text("process 7 on node1\n")
    with open(work / ".manager.lock") as file:
        fcntl.flock(file, kind)
        assert work_lock.manager_at_work() == manager
    assert work_lock.manager_at_work() is None


def test_two_requests_between_two_rounds_are_both_kept(work, monkeypatch):
    monkeypatch.setattr(manager_pause, "manager_at_work", lambda: "process 7 on node1, embedded Sisyphus")
    for wanted in (["phase/A.1"], [], ["phase/B.2", "phase/C.3"]):
        with manager_pause.manager_paused(wanted):
            pass
    assert (work / ".judge_anew").read_text().split() == ["phase/A.1", "phase/B.2", "phase/C.3"]


def test_a_worker_that_ends_between_two_looks_has_ended():
    class Ending:
        pid = 7

        def send_signal(self, number):
            pass

        def is_running(self):
            return True

        def status(self):
            raise psutil.NoSuchProcess(self.pid)

    local_workers.end_workers([Ending()])


def test_the_last_record_of_usage_is_that_of_the_highest_number(monkeypatch):
    texts = {f"usage.run.{number}": str({"pid": number}) for number in (1, 10, 2)}
    monkeypatch.setattr(submissions, "file_names", lambda job: sorted(texts))
    monkeypatch.setattr(submissions, "read_text", lambda job, name: texts[name])
    assert submissions.read_usage(types.SimpleNamespace()) == {"pid": 10}
