"""Another process changes job directories while a manager runs."""

import fcntl

CONFIG = "def py():\n    slow = Waiter(1, Step(1).out)\n    tk.register_output('out', Step(2, slow.out).out)"


def test_a_finished_job_that_is_moved_aside_runs_again_once_the_manager_is_notified(experiment, wait_for):
    experiment.config(CONFIG)
    manager = experiment.start("-r", "setups/config.py")
    wait_for(lambda: list(experiment.directory.glob("work/**/Waiter.*/work/count")), 60)
    first = next(job for job in experiment.directory.glob("work/**/Step.*") if (job / "finished").exists())
    with open(experiment.directory / "work/.round.lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        first.rename(f"{first}.cleared.0001")
        (experiment.directory / "work/.judge_anew").write_text("")
    wait_for(lambda: experiment.notes("ran").count("1") == 2 + 1, 60)  # the Waiter also notes it
    (experiment.directory / "go").touch()
    assert manager.wait(60) == 0
    assert (first / "finished").exists()
    assert not (experiment.directory / "work/.judge_anew").exists()


def test_no_job_starts_while_another_process_pauses_the_manager(experiment, wait_for):
    experiment.config(CONFIG.replace("Waiter", "Step"))
    with open(experiment.directory / "work/.round.lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        manager = experiment.start("-r", "setups/config.py")
        wait_for(lambda: "runnable(1)" in (experiment.directory / "manager.log").read_text(), 60)
        assert experiment.notes("ran") == []
    assert manager.wait(60) == 0
    assert experiment.notes("ran") == ["1", "1", "2"]


def test_a_held_job_keeps_running_and_a_held_waiting_job_is_not_started(experiment, wait_for):
    experiment.config(
        "def py():\n"
        "    tk.register_output('first', Sleeper(100, rqmt={'cpu': 2}).out)\n"
        "    tk.register_output('second', Step(2, rqmt={'cpu': 2}).out)"
    )
    manager = experiment.start("-r", "setups/config.py")
    wait_for(lambda: "queue(1) running(1)" in (experiment.directory / "manager.log").read_text(), 60)
    for name in ("Sleeper", "Step"):
        (experiment.job(name) / "hold").touch()
    assert manager.wait(60) == 0
    assert experiment.value("first") == "100"
    assert experiment.notes("ran") == ["100"]
