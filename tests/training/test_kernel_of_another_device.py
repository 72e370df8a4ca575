"""A kernel that the machine lacks is an error before the first step."""

import pytest

from boulder.errors import NetworkError
from boulder.network.units import cudnn_trial
from tests.tiny import network, phase


def test_a_layer_that_must_train_by_cudnn_needs_a_gpu(training, monkeypatch):
    monkeypatch.setattr(cudnn_trial, "trial", lambda: cudnn_trial.Trial("TensorFlow finds no GPU", False))
    net = network(1, 4)
    net["fw0"]["unit_opts"] = {"kernel": "cudnn"}
    message = r"^index 0: layer 'fw0' \(rec\): unit_opts: 'kernel' 'cudnn' cannot train here: TensorFlow finds no GPU"
    with pytest.raises(NetworkError, match=message):
        training([phase(0, range(1, 2), net)])
