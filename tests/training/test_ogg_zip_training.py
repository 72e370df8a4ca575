"""Training on recordings: killed anywhere and resumed, it ends in the same bits."""

import numpy as np
import pytest

from tests.audio_zip import CHARACTERS, TEXTS, entries, files, write_zip
from tests.audio_zip import described as described_zip
from tests.tiny import phase

EXTERN_DATA = {"data": {"dim": 12}, "classes": {"dim": 4, "sparse": True}}
NETWORK = {
    "half": {"class": "pool", "mode": "avg", "pool_size": (2,), "padding": "same", "from": "data"},
    "hidden": {"class": "linear", "activation": "tanh", "n_out": 4, "from": "half"},
    "output": {"class": "softmax", "from": "hidden", "loss": "ctc", "target": "classes"},
}


def cropped(audio, sample_rate, random_state):
    return audio[random_state.randint(0, sample_rate // 20) :]


@pytest.fixture
def described(tmp_path):
    """:return: function (further audio options) → description of recordings"""
    path = write_zip(tmp_path / "data.zip", entries(*TEXTS), files(*TEXTS))

    def describe(**audio):
        options = {"features": "log_mel_filterbank", "num_feature_filters": 12} | audio
        return described_zip(path, audio=options, targets=CHARACTERS, seq_ordering="laplace:2")

    return describe


def train_phase(data: dict) -> dict:
    return phase(0, range(1, 4), NETWORK, max_seqs=1, batch_size=400, returnn_batches=True) | {
        "train": data,
        "dev": data,
    }


def same(one, other) -> bool:
    return all(np.array_equal(values, other.params[key]) for key, values in one.params.items())


@pytest.mark.parametrize(
    "batches", [3, pytest.param(1, marks=pytest.mark.slow), pytest.param(6, marks=pytest.mark.slow)]
)
def test_a_training_on_random_audio_is_the_same_wherever_it_is_killed(training, described, stop_at, batches):
    """In its first epoch, in the scores after it, or in the second epoch."""
    phases = [train_phase(described(pre_process=cropped) | {"partition_epoch": 2})]
    whole = training(phases, "whole", extern_data=EXTERN_DATA)
    stop_at(batches)
    with pytest.raises(SystemExit):
        training(phases, "killed", extern_data=EXTERN_DATA)
    stop_at(10**6)
    assert same(training(phases, "killed", extern_data=EXTERN_DATA), whole)


@pytest.mark.slow
def test_a_training_on_joined_recordings_is_the_same_wherever_it_is_killed(training, described, stop_at):
    def joined(audio: dict) -> dict:
        parts = {"audio": described(**audio), "text": described() | {"audio": None}}
        maps = {"data": ("audio", "data"), "classes": ("text", "classes")}
        return {"class": "MetaDataset", "datasets": parts, "data_map": maps, "seq_order_control_dataset": "text"}

    for name, audio in (("plain", {}), ("random", {"pre_process": cropped})):
        phases = [train_phase(joined(audio))]
        whole = training(phases, name, extern_data=EXTERN_DATA)
        direct = training([train_phase(described(**audio))], f"{name} direct", extern_data=EXTERN_DATA)
        assert same(whole, direct)
        for batches in (2, 5):
            stop_at(batches)
            with pytest.raises(SystemExit):
                training(phases, f"{name}{batches}", extern_data=EXTERN_DATA)
            stop_at(10**6)
            assert same(training(phases, f"{name}{batches}", extern_data=EXTERN_DATA), whole)
