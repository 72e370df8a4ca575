"""After a training, the kept checkpoints are those whose models RETURNN's `cleanup_old_models` leaves."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from boulder.training.keep import keep_of_config
from boulder.training.learning_rate.measure import named_scores

pytestmark = pytest.mark.parity


def random_case(rng: random.Random) -> dict:
    num_epochs = rng.choice([3, 6, 11, 25, 60, 130, 250])
    options = {}
    if rng.random() < 0.6:
        options["keep_last_n"] = rng.randint(1, 6)
    if rng.random() < 0.6:
        options["keep_best_n"] = rng.randint(0, 6)
    if rng.random() < 0.4:
        options["keep"] = rng.sample(range(1, 2 * num_epochs), 3)
    layers = ["output", "ctc"][: rng.randint(1, 2)]
    values = [1.0, 2.0, 2.5, 3.0] if rng.random() < 0.3 else [i / 97 for i in range(97)]
    constant = rng.random() < 0.2
    records = []
    for epoch in range(1, num_epochs + 1):
        of_data = {"train": {}, "dev": {}}
        for scores in of_data.values():
            for layer in layers[: 2 if epoch > 2 else 1]:
                scores[f"cost:{layer}"] = rng.choice(values)
                scores[f"error:{layer}"] = 0.5 if constant else rng.choice(values)
        records.append({"epoch": epoch, "index": None, "learning_rate": 1.0, **of_data})
    return {"options": options or True, "interval": rng.choice([1, 1, 1, 2, 3]), "records": records}


def test_the_kept_epochs_are_returnns():
    rng = random.Random(12)
    cases = [random_case(rng) for _ in range(150)]
    given = [case | {"scores": [named_scores(record) for record in case["records"]]} for case in cases]
    program = Path(__file__).with_name("returnn_kept.py")
    run = subprocess.run(
        [sys.executable, program], input=json.dumps(given), capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    expected = json.loads(run.stdout.splitlines()[-1])
    found = [kept(case) for case in cases]
    assert found == expected
    assert sum(len(epochs) < len(case["records"]) for epochs, case in zip(found, cases, strict=True)) > 100


def kept(case: dict) -> list[int]:
    """:return: epochs that a job keeps, epoch by epoch, as `KeptFolder` does"""
    config = {"cleanup_old_models": case["options"], "save_interval": case["interval"]}
    keep = keep_of_config(config, len(case["records"]))
    files: set[int] = set()
    for number in range(1, len(case["records"]) + 1):
        files = (files | {number}) & keep.wanted(case["records"][:number])
    return sorted(files)
