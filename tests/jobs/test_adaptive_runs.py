"""Schedules that depend on scores, run by real managers: the embedded Sisyphus, and upstream if available."""

import json
import os
import signal

import pytest

from tests.jobs.conftest import require_sisyphus, use_sisyphus, wait_for

CONFIG = """
import itertools

from sisyphus import tk
from jobs.adaptive_pipeline import lay_out_adaptive
from jobs.pipeline import lay_out
from tests.tiny import CONFIG, EXTERN_DATA, network

CALLS = itertools.count(3)


def twice(idx, net_dict, history):
    costs = [record["dev"]["cost:output"] for record in history]
    if idx == 2 or (len(costs) > 1 and costs[-1] > 2 * costs[0]):
        return None
    return network(layers=1, width=3 + idx)


def raises(idx, net_dict, history):
    return {}[idx] if history else network(1, 3)


def random(idx, net_dict, history):
    return network(1, next(CALLS))


ARGUMENTS = dict(
    network=network(layers=1, width=4),  # the network of index 1, so its phase continues
    num_epochs=5,
    config=CONFIG | {"learning_rate": 0.01},
    extern_data=EXTERN_DATA,
    train_data=tk.Path("@data@/train.hdf"),
    dev_data=tk.Path("@data@/dev.hdf"),
    rqmt={"cpu": 1, "mem": 1},
)


async def grow(algo=twice, **more):
    pretrain = {"construction_algo": algo, "repetitions": 1, "copy_param_mode": "subset"}
    training = await lay_out_adaptive("grow", pretrain=pretrain, **ARGUMENTS | more)
    tk.register_output("grow/checkpoint.h5", training.checkpoint)
    tk.register_output("grow/growth.json", training.growth[-1])


async def py():
    await grow()


async def wrong():
    await grow(raises)


async def odd():
    await grow(random)


async def failing():
    await grow(config=CONFIG | {"learning_rate": 1e30, "optimizer": {"class": "sgd"}})


async def broken():
    await grow()
    nonsense


def known():
    pretrain = {"construction_algo": lambda idx, net_dict: twice(idx, net_dict, []), "copy_param_mode": "subset"}
    training = lay_out("known", pretrain=pretrain, indices_per_job=None, **ARGUMENTS)
    tk.register_output("known/checkpoint.h5", training.checkpoint)
"""
ALIASES = ["phase.00", "phase.01", "phase.01.epoch3"]


@pytest.fixture
def grow(project, data):
    project.write_config(CONFIG.replace("@data@", str(data)), "grow")
    return project


@pytest.mark.long
def test_later_phases_are_laid_out_as_scores_arrive_and_a_second_run_does_nothing(grow, manager):
    code, output = grow.run("boulder", "run", "config/grow.py")
    assert code == 0, output
    told = ["epochs", "the plan continues after epoch 1", "epoch 1 (index 0", "finished: grow/phase.00"]
    told += [
        "the plan continues after epoch 2",
        "epoch 2 (index 1",
        "finished: grow/phase.01",
        "2–5",
        "epoch 5 (index 1",
    ]
    told += ["output/grow/checkpoint.h5"]
    positions = [output.index(text) for text in told]
    assert positions == sorted(positions)
    assert "async_run" not in output
    jobs = grow.finished_jobs()
    assert len(jobs) == 3
    assert sorted(path.name for path in (grow.folder / "alias/grow").iterdir()) == ALIASES
    assert json.loads((grow.folder / "output/grow/growth.json").read_text()) == []  # it went on within a phase

    code, output = grow.run("boulder", "run", "config/grow.py")
    assert code == 0, output
    assert "3 of 3 jobs are finished already" in output
    assert "output/grow/checkpoint.h5" in output
    assert grow.finished_jobs() == jobs


@pytest.mark.slow
@pytest.mark.parametrize(
    ("first", "second"), [("embedded", "embedded"), ("embedded", "upstream"), ("upstream", "embedded")]
)
def test_a_new_manager_continues_after_the_first_was_killed(grow, first, second, tmp_path, monkeypatch):
    """The result equals that of a single job for a schedule known in advance."""
    require_sisyphus(first, second)
    assert grow.run("boulder", "run", "config/grow.known")[0] == 0
    (known,) = grow.finished_jobs()
    use_sisyphus(first, tmp_path, monkeypatch)
    manager = grow.start("boulder", "run", "config/grow.py")
    try:
        wait_for(lambda: len(list(grow.folder.glob("work/jobs/phase_training/*/output/scores.jsonl"))) == 3)
    finally:
        os.killpg(manager.pid, signal.SIGKILL)
        manager.wait()
    before = grow.finished_jobs()
    assert len(before) > 1
    monkeypatch.undo()
    use_sisyphus(second, tmp_path, monkeypatch)
    code, output = grow.run("boulder", "run", "config/grow.py")
    assert code == 0, output
    after = grow.finished_jobs()
    assert before.items() <= after.items()
    assert len(after.keys() - {known}) == 3
    assert grow.checkpoint("grow") == grow.checkpoint("known")


@pytest.mark.slow
def test_sis_manager_lays_out_the_later_phases_too(grow, manager):
    (grow.folder / "work").mkdir()
    code, output = grow.run("sis", "manager", "-r", "config/grow.py")
    assert code == 0, output
    assert (grow.folder / "output/grow/checkpoint.h5").exists()
    assert len(grow.finished_jobs()) == 3


@pytest.mark.slow
def test_plan_shows_the_decided_phases_and_the_epoch_it_waits_for(grow):
    code, output = grow.run("boulder", "plan", "config/grow.py")
    assert code == 0, output
    assert output.splitlines()[-1] == "the plan continues after epoch 1, once there are scores"
    assert ["0", "1"] in [line.split()[:2] for line in output.splitlines()]
    assert not (grow.folder / "work").exists()
    code, output = grow.run("boulder", "plan", "config/grow.py", "--json")
    assert (json.loads(output)[0]["needs"], len(json.loads(output)[0]["phases"])) == (1, 1)
    assert grow.run("boulder", "plan", "config/grow.py", "--check")[0] == 0
    assert grow.run("boulder", "plan", "config/grow.odd", "--check")[0] == 1

    assert grow.run("boulder", "run", "config/grow.py")[0] == 0
    code, output = grow.run("boulder", "plan", "config/grow.py")
    assert "continues after epoch" not in output
    assert ["1", "2–5"] in [line.split()[:2] for line in output.splitlines()]


@pytest.mark.long
@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("wrong", "error: construction_algo at idx 1: KeyError: 1 ("),
        (
            "odd",
            "error: pipeline 'grow': index 0: called again with the same scores, construction_algo gave another result",
        ),
        pytest.param("broken", "error: config 'config/grow.broken': config/grow.py, line ", marks=pytest.mark.slow),
        ("failing", "failed: grow/phase.00: boulder.errors.TrainingError: epoch 1, batch"),
    ],
)
def test_a_later_error_is_one_line_and_exit_code_1(grow, manager, function, message):
    code, output = grow.run("boulder", "run", f"config/grow.{function}", timeout=90)
    assert code == 1, output
    assert len([line for line in output.splitlines() if line.startswith(message)]) == 1, output
    assert "Traceback" not in output
    assert "never retrieved" not in output
    assert "was destroyed" not in output
