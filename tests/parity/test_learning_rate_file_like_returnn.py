"""RETURNN reads the file of learning rates that Boulder writes, and would write the same bytes."""

import random

import pytest

from boulder.training.learning_rate.file import learning_rates_text

pytestmark = pytest.mark.parity


def random_history(rng: random.Random) -> list[dict]:
    history = []
    for epoch in range(1, rng.randint(2, 12)):
        layers = rng.choice([["output"], ["ctc"], ["output", "ctc"], ["ctc", "output/output_prob"]])
        keys = [f"{kind}:{layer}" for layer in layers for kind in ("cost", "error")]
        record = {"epoch": epoch, "index": None, "learning_rate": rng.uniform(0, 2)}
        for data in rng.choice([["train"], ["train", "dev"]]):
            record[data] = {key: rng.choice([rng.uniform(0, 9), 0.0, float("inf"), 1e-9]) for key in keys}
        history.append(record)
    return history


def test_returnn_reads_the_same_rates_and_scores_and_writes_the_same_bytes(tmp_path):
    from returnn.learning_rate_control import ConstantLearningRate

    from boulder.training.learning_rate.measure import named_scores

    rng = random.Random(3)
    for number in range(20):
        history, file = random_history(rng), tmp_path / str(number)
        file.write_text(learning_rates_text(history))
        control = ConstantLearningRate(default_learning_rate=1.0, filename=str(file))
        assert list(control.epoch_data) == [record["epoch"] for record in history]
        for record in history:
            data = control.epoch_data[record["epoch"]]
            assert (data.learning_rate, data.error) == (record["learning_rate"], named_scores(record))
        control.save()
        assert file.read_text() == learning_rates_text(history)
