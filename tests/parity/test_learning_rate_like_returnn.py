"""Learning rates, scheduled ones and those of rules that follow the scores, equal those of RETURNN's engine."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from boulder.schedule import Plan, plan
from boulder.training.learning_rate import control_from_json, learning_rate_control, learning_rates

pytestmark = pytest.mark.parity
NETWORK = {"output": {"class": "softmax", "loss": "ce", "n_out": 2, "from": "data"}}


def random_case(rng: random.Random) -> dict:
    def rate(*others):
        return rng.choice([1.0, 0.5, 0.25, 0.125, 2.0, 3.0, *others])

    always = rng.random() < 0.5
    config = {"learning_rate": rate()}
    if rng.random() < 0.5:
        config["pretrain_learning_rate"] = rate()
    if rng.random() < 0.6:
        config["learning_rates"] = [rate(0.0) for _ in range(rng.randint(1, 9))]
    if always:
        config["use_learning_rate_control_always"] = True
    else:
        config["use_learning_rate_control_always"] = False  # RETURNN overrides only keys that the config has
    overrides = []
    if rng.random() < 0.8:
        for _ in range(rng.randint(1, 3)):
            override = {}
            if always and rng.random() < 0.5:  # otherwise RETURNN rejects a rate in `#config`
                override["learning_rate"] = rate(0.0, 0.0)
            elif not always and rng.random() < 0.2:
                override["use_learning_rate_control_always"] = True
            overrides.append(override)
    return {
        "config": config,
        "overrides": overrides,
        "repetitions": rng.randint(1, 3),
        "final": rng.randint(0, 2),
        "num_epochs": rng.randint(1, 12),
    }


RULES = ("newbob", "newbob_rel", "newbob_relative", "newbob_abs", *["newbob_multi_epoch"] * 4)
MEASURES = (
    None,
    "dev_error",
    "dev_score",
    "train_score",
    "dev_score_aux",
    "dev_error_output/prob",
    ["no_score", "train_error"],
)


def random_case_of_rule(rng: random.Random) -> dict:
    """Settings of a rule, over a schedule of `random_case`, with scores whose layers may change from epoch to epoch."""
    case = random_case(rng) | {"num_epochs": rng.randint(8, 25)}
    config = case["config"] | {"learning_rate_control": rng.choice(RULES)}
    if "learning_rates" in config and rng.random() < 0.5:
        config["learning_rates"] = config["learning_rates"][: rng.randint(1, 3)]
    options = {
        "min_learning_rate": [0.1, 0.3],
        "learning_rate_control_error_measure": [measure for measure in MEASURES if measure],
        "learning_rate_control_min_num_epochs_per_new_lr": [1, 2, 3],
        "newbob_learning_rate_decay": [0.9, 0.7, 0.5**0.5],
        "learning_rate_decay": [0.8],
        "newbob_learning_rate_growth": [1.05, 1.3],
        "learning_rate_growth": [1.1],
    }
    if config["learning_rate_control"] == "newbob_abs":
        options["newbob_error_threshold"] = [0.0, -0.1, 0.05]
    else:
        options["newbob_relative_error_threshold"] = [0.0, -0.05, 0.02]
        options["newbob_relative_error_div_by_old"] = [True]
        options["learning_rate_control_relative_error_relative_lr"] = [True]
    if config["learning_rate_control"] == "newbob_multi_epoch":
        options["newbob_multi_num_epochs"] = [1, 2, 3, 10]
        options["newbob_multi_update_interval"] = [1, 2, 4]
        options["newbob_relative_error_grow_threshold"] = [-0.05, -0.2]
    config |= {key: rng.choice(values) for key, values in options.items() if rng.random() < 0.4}
    case["config"] = config
    layers, scores = ["output"], []
    for _ in range(case["num_epochs"]):
        if rng.random() < 0.15:
            layers = rng.choice(
                [["output"], ["aux"], ["output", "aux"], ["aux", "output/prob"], ["ctc", "output/a", "output/b"]]
            )
        names = [f"{kind}:{layer}" for kind in ("cost", "error") for layer in layers]
        data = ("train", "dev") if rng.random() < 0.95 else ("train",)
        scores.append(
            {prefix: {name: round(rng.uniform(0.5, 3), rng.choice([1, 6])) for name in names} for prefix in data}
        )
    # a resumed RETURNN forgets a rate of 0 in `#config` and takes that of `learning_rates`, unlike an uninterrupted one
    lasting = not any(override.get("learning_rate") == 0 for override in case["overrides"])
    resumes = [epoch for epoch in range(2, case["num_epochs"] + 1) if lasting and rng.random() < 0.2]
    return case | {"scores": scores, "resumes": resumes}


def our_plan(case: dict) -> Plan:
    def algo(idx, net_dict):
        if idx == len(case["overrides"]):
            return None
        hidden = {"class": "linear", "n_out": idx + 1, "from": "data"}
        return {**net_dict, "hidden": hidden, "#config": case["overrides"][idx]}

    repetitions = {"default": case["repetitions"], "final": case["final"]}
    pretrain = {"construction_algo": algo, "repetitions": repetitions} if case["overrides"] else None
    return plan(NETWORK, pretrain, case["num_epochs"])


def our_rates_of_rule(case: dict) -> list[float]:
    """Ask the rule of each phase, restored from JSON in each epoch as a resumed job restores it."""
    schedule, history = our_plan(case), []
    rule = learning_rate_control(case["config"], schedule)
    for phase in schedule.phases:
        for epoch in phase.epochs:
            control = control_from_json(json.loads(json.dumps(rule.restricted_to(phase.epochs).to_json())))
            rate = control.rate(epoch, history)
            history.append({"epoch": epoch, "index": phase.index, "learning_rate": rate} | case["scores"][epoch - 1])
    return [record["learning_rate"] for record in history]


def returnns_rates(cases: list[dict]) -> list[list[float]]:
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    script = Path(__file__).with_name("returnn_rates.py")
    run = subprocess.run(
        [sys.executable, script], input=json.dumps(cases), capture_output=True, text=True, env=environment, check=False
    )
    assert run.returncode == 0, run.stderr[-3000:]
    return json.loads(run.stdout.splitlines()[-1])


def test_300_random_settings_give_the_same_rate_in_each_epoch():
    rng = random.Random(1)
    cases = [random_case(rng) for _ in range(300)]
    for case, expected in zip(cases, returnns_rates(cases), strict=True):
        assert learning_rates(case["config"], our_plan(case)) == expected, case


def test_1000_random_rules_and_score_sequences_give_the_same_rate_in_each_epoch():
    rng = random.Random(2)
    cases = [random_case_of_rule(rng) for _ in range(1000)]
    changes = 0
    for case, expected in zip(cases, returnns_rates(cases), strict=True):
        assert our_rates_of_rule(case) == expected, case
        changes += len(set(expected)) > 3
    assert changes > 500  # the rules do decide
