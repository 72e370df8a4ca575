"""Learning rates equal those of RETURNN's engine."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from boulder.schedule import plan
from boulder.training.learning_rate import learning_rates

pytestmark = pytest.mark.parity
NETWORK = {"output": {"class": "softmax", "loss": "ce", "n_out": 2, "from": "data"}}


def random_case(rng: random.Random) -> dict:
    def rate():
        return rng.choice([1.0, 0.5, 0.25, 0.125, 2.0, 3.0])

    always = rng.random() < 0.5
    config = {"learning_rate": rate()}
    if rng.random() < 0.5:
        config["pretrain_learning_rate"] = rate()
    if rng.random() < 0.6:
        config["learning_rates"] = [rate() for _ in range(rng.randint(1, 9))]
    if always:
        config["use_learning_rate_control_always"] = True
    overrides = []
    if rng.random() < 0.8:
        for _ in range(
            rng.randint(1, 3)
        ):  # RETURNN rejects a rate in `#config` without use_learning_rate_control_always
            overrides.append({"learning_rate": rate()} if always and rng.random() < 0.5 else {})
    return {
        "config": config,
        "overrides": overrides,
        "repetitions": rng.randint(1, 3),
        "final": rng.randint(0, 2),
        "num_epochs": rng.randint(1, 12),
    }


def our_rates(case: dict) -> list[float]:
    def algo(idx, net_dict):
        if idx == len(case["overrides"]):
            return None
        hidden = {"class": "linear", "n_out": idx + 1, "from": "data"}
        return {**net_dict, "hidden": hidden, "#config": case["overrides"][idx]}

    repetitions = {"default": case["repetitions"], "final": case["final"]}
    pretrain = {"construction_algo": algo, "repetitions": repetitions} if case["overrides"] else None
    return learning_rates(case["config"], plan(NETWORK, pretrain, case["num_epochs"]))


def test_300_random_settings_give_the_same_rate_in_each_epoch():
    rng = random.Random(1)
    cases = [random_case(rng) for _ in range(300)]
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    script = Path(__file__).with_name("returnn_rates.py")
    run = subprocess.run(
        [sys.executable, script], input=json.dumps(cases), capture_output=True, text=True, env=environment, check=False
    )
    assert run.returncode == 0, run.stderr[-3000:]
    for case, expected in zip(cases, json.loads(run.stdout.splitlines()[-1]), strict=True):
        assert our_rates(case) == expected, case
