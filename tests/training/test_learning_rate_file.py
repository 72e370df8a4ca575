"""RETURNN's file of learning rates. tests/parity/test_learning_rate_file_like_returnn.py reads it with RETURNN."""

import pytest

from boulder.errors import TrainingError
from boulder.training.learning_rate.file import learning_rates_text, write_learning_rates
from tests.tiny import phase

HISTORY = [
    {"epoch": 1, "index": 0, "learning_rate": 1, "train": {"cost:output": 2.5, "error:output": 0.75}},
    {
        "epoch": 2,
        "index": None,
        "learning_rate": 0.001,
        "effective_learning_rate": 0.0005,
        "train": {"cost:output": 1.5, "error:output": None, "cost:ctc": float("inf"), "error:ctc": 0.5},
        "dev": {"cost:output": 2.0, "error:output": 0.25, "cost:ctc": 3.0, "error:ctc": 0.5},
    },
]
TEXT = """{
1: EpochData(learningRate=1.0, error={'train_error': 0.75, 'train_score': 2.5}),
2: EpochData(learningRate=0.001, error={
':meta:effective_learning_rate': 0.0005,
'dev_error_ctc': 0.5,
'dev_error_output': 0.25,
'dev_score_ctc': 3.0,
'dev_score_output': 2.0,
'train_error_ctc': 0.5,
'train_error_output': float('nan'),
'train_score_ctc': float('inf'),
'train_score_output': 1.5,
}),
}
"""


def test_it_has_the_layout_of_returnn():
    assert learning_rates_text(HISTORY) == TEXT
    assert learning_rates_text([]) == "{}\n"


def test_a_job_writes_the_rates_and_scores_of_all_epochs_so_far(training, tmp_path):
    network = {"output": {"class": "softmax", "loss": "ce", "from": "data", "target": "classes"}}
    first, second = (phase(number, range(number, number + 1), network) for number in (1, 2))
    training([first], "first", learning_rates=tmp_path / "first.rates")
    previous = tmp_path / "first/checkpoint.h5"
    state = training([second], "second", previous=previous, learning_rates=tmp_path / "second.rates")
    assert (tmp_path / "second.rates").read_text() == learning_rates_text(state.history)
    assert (tmp_path / "first.rates").read_text() == learning_rates_text(state.history[:1])


def test_a_file_that_cannot_be_written_is_an_error(tmp_path):
    with pytest.raises(TrainingError, match=r"learning rates .*/missing/rates: cannot be written: No such file"):
        write_learning_rates(tmp_path / "missing/rates", HISTORY)
