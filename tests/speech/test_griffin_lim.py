"""Griffin-Lim: audio whose spectrum has given magnitudes."""

import numpy as np
import pytest

from boulder.data.audio.spectrogram import magnitudes
from boulder.errors import DataError
from boulder.speech.griffin_lim import griffin_lim
from tests.speech.made_sounds import sweep

WINDOW, STEP = 256, 64


def distance(audio: np.ndarray, expected: np.ndarray) -> float:
    """:return: spectral convergence: distance of the magnitudes, relative to their norm"""
    found = magnitudes(audio, WINDOW, STEP)
    return float(np.linalg.norm(found - expected[: len(found)]) / np.linalg.norm(expected))


def test_more_iterations_are_nearer_to_the_magnitudes():
    expected = magnitudes(sweep(), WINDOW, STEP)
    distances = [distance(griffin_lim(expected, STEP, iterations), expected) for iterations in (0, 4, 16, 64)]
    assert distances == sorted(distances, reverse=True)
    assert distances[0] > 0.5
    assert distances[-1] < 0.05


def test_the_true_phases_would_give_the_true_samples():
    """What the algorithm projects on is right: analysis and synthesis are inverse to each other."""
    from boulder.speech.griffin_lim import _analysed, _synthesised

    audio = sweep()[: 120 * STEP]
    spectrum = _analysed(audio, WINDOW, STEP)
    np.testing.assert_allclose(np.abs(spectrum), magnitudes(audio, WINDOW, STEP), atol=1e-9)
    np.testing.assert_allclose(_synthesised(spectrum, STEP), audio, atol=1e-9)


def test_equal_seeds_give_equal_bits():
    expected = magnitudes(sweep(), WINDOW, STEP)
    first, again, other = (griffin_lim(expected, STEP, 2, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_silence_stays_silent():
    assert not griffin_lim(np.zeros((5, 129)), STEP, 3).any()


@pytest.mark.parametrize(
    ("found", "step", "message"),
    [
        (np.zeros(129), STEP, r"found magnitudes of shape \[129\], expected \[frames, frequencies\]"),
        (np.zeros((1, 129)), STEP, r"found magnitudes of shape \[1, 129\]"),
        (-np.ones((5, 129)), STEP, "found magnitudes that are negative or NaN"),
        (np.full((5, 129), np.nan), STEP, "found magnitudes that are negative or NaN"),
        (np.zeros((5, 129)), 129, "found steps of 129 samples, expected 1 to half of the 256 of a window"),
    ],
)
def test_wrong_arguments_are_named(found, step, message):
    with pytest.raises(DataError, match=message):
        griffin_lim(found, step)
