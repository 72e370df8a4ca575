"""`use_last_best_model` returns to the epoch to which RETURNN's engine returns."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from boulder.training import TrainingPhase
from boulder.training.best_so_far import epoch_to_return_to
from boulder.training.learning_rate.measure import named_scores
from tests.tiny import network, phase

pytestmark = pytest.mark.parity


def random_case(rng: random.Random) -> dict:
    ranges = {
        "modulo": (1, 4), "first_epoch": (1, 5), "only_last_epochs": (1, 6), "filter_score": (1, 6), "only_last_n": (1, 4),
        "min_score_dist": (0, 3),
    }  # fmt: skip
    option = {key: rng.randint(*limits) for key, limits in ranges.items() if rng.random() < 0.3}
    records = [
        {
            "epoch": epoch,
            "index": 0,
            "learning_rate": 1.0,
            "train": {},
            "dev": {"cost:output": float(rng.randint(0, 6))},
        }
        for epoch in range(1, rng.randint(1, 9) + 1)
    ]
    return {"option": option or True, "pretrain_end": rng.choice([0, 0, 2, 4]), "records": records}


def test_the_epoch_is_returnns():
    rng = random.Random(7)
    cases = [random_case(rng) for _ in range(300)]
    given = [case | {"scores": [named_scores(record) for record in case["records"]]} for case in cases]
    program = Path(__file__).with_name("returnn_last_best.py")
    run = subprocess.run(
        [sys.executable, program], input=json.dumps(given), capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    expected = json.loads(run.stdout.splitlines()[-1])
    found = [ours(case) for case in cases]
    assert found == expected
    assert sum(epoch is not None for epoch in found) > 60


def ours(case: dict) -> int | None:
    records = case["records"]
    plain = phase(0, range(1, len(records) + 2), network(1, 4), use_last_best_model=case["option"])
    described = TrainingPhase.from_json({"train": ["train.hdf"], "pretrain_end": case["pretrain_end"]} | plain)
    return epoch_to_return_to(described, len(records) + 1, records, range(1, len(records) + 1))
