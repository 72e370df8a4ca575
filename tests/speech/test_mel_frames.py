"""Mel frames of audio, and back."""

import numpy as np
import pytest

from boulder.errors import ConfigError, DataError
from boulder.speech.mel_frames import MelFrames
from tests.speech.made_sounds import sweep

MEL = MelFrames(window=320, step=80, filters=32, stacked=3)


def test_decoder_frames_hold_several_frames_of_the_spectrogram():
    frames, single = MEL.of(sweep()), MelFrames(**MEL.options | {"stacked": 1}).of(sweep())
    assert frames.shape == (34, 96)  # 8000 / 80 + 1 = 101 frames, and the last one again
    np.testing.assert_array_equal(MEL.spectrogram(frames), [*single, single[-1]])
    assert frames.dtype == "float32"


def test_the_audio_of_frames_has_nearly_the_same_frames():
    frames = MEL.of(sweep())
    again = MEL.of(MEL.audio(frames))
    assert np.median(np.abs(again - frames)[frames > -0.3]) < 0.1  # 1.75 decibels, where the tone is
    assert np.abs(again - frames).mean() < np.abs(MEL.of(MEL.audio(frames, iterations=0)) - frames).mean()


def test_frames_far_above_full_scale_give_finite_samples():
    assert np.isfinite(MEL.audio(np.full((3, 96), 1e6, "float32"), iterations=2)).all()


def test_options_and_shapes_are_checked():
    with pytest.raises(ConfigError, match="mel frames: 'stacked' must be an int of at least 1, found 0"):
        MelFrames(stacked=0)
    with pytest.raises(DataError, match=r"mel frames: found shape \[3, 32\], expected \[frames, 96\]"):
        MEL.spectrogram(np.zeros((3, 32)))
