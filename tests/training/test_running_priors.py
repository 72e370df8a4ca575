"""Priors of classes, which `compute_priors_exp_average` averages, in a training: updates, resuming, grouping of phases, averages."""

import numpy as np
import pytest

from tests.tiny import phase
from tests.training.priors import OF_ALIGNMENT, OF_SOFTMAX, hybrid

pytestmark = pytest.mark.slow
PHASES = [phase(0, range(1, 3), hybrid(1, 4)), phase(1, range(3, 5), hybrid(2, 6, dropout=0.2))]


@pytest.fixture
def bytes_of(tmp_path):
    """:return: function (folder name) → the last checkpoint of a training"""
    return lambda name: (tmp_path / name / "checkpoint.h5").read_bytes()


def test_one_run_per_phase_gives_the_same_bytes_as_one_run_for_all(training, tmp_path, bytes_of):
    last = training(PHASES, "all")
    first = training(PHASES[:1], "first")
    training(PHASES[1:], "second", previous=tmp_path / "first/checkpoint.h5")
    assert bytes_of("all") == bytes_of("second")
    for path in (OF_SOFTMAX, OF_ALIGNMENT):
        assert not last.specs[path].trainable
        for checkpoint in (first, last):
            assert abs(checkpoint.params[path] - 1 / 6).max() > 1e-3
            assert checkpoint.params[path].sum() == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(
        last.params[OF_SOFTMAX], last.params[OF_ALIGNMENT], rtol=1e-5
    )  # of the same probabilities
    assert abs(first.params[OF_SOFTMAX] - last.params[OF_SOFTMAX]).max() > 1e-4


@pytest.mark.parametrize("batches", [2, 7, 17])
def test_a_run_that_is_stopped_and_resumed_gives_the_same_bytes(training, stop_at, bytes_of, batches):
    training(PHASES, "whole")
    stop_at(batches)
    with pytest.raises(SystemExit):
        training(PHASES, "stopped")
    training(PHASES, "stopped")
    assert bytes_of("whole") == bytes_of("stopped")


def test_priors_have_moving_averages_too(training):
    checkpoint = training([phase(0, range(1, 3), hybrid(1, 4), ema=0.5)])
    assert abs(checkpoint.averages[OF_SOFTMAX] - checkpoint.params[OF_SOFTMAX]).max() > 1e-6


def test_a_batch_that_is_not_finite_changes_no_priors(training):
    options = {"activation": "exp", "forward_weights_init": 1000.0}
    phases = [phase(0, range(1, 2), hybrid(1, 4, **options), stop_on_nonfinite_train_score=False)]
    checkpoint = training(phases)
    np.testing.assert_array_equal(checkpoint.params[OF_SOFTMAX], np.full(6, 1 / 6, "float32"))
