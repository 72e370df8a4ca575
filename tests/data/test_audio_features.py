"""Features of audio: formulas, and the order of the steps. tests/parity compares them with RETURNN's."""

import numpy as np
import pytest

from boulder.data.audio.audio_features import AudioFeatures
from boulder.data.audio.deltas import with_deltas
from boulder.data.audio.feature_kinds import KINDS
from boulder.data.audio.header import Header
from boulder.data.audio.spectrogram import magnitudes, mel_filters
from boulder.errors import DataError

RATE = 8000
NUMBERS = np.random.RandomState(0)


def tone(hertz: float, seconds: float = 0.5) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE)


def compute(audio: np.ndarray, **options) -> np.ndarray:
    return AudioFeatures.of(options).compute(audio, RATE, "tag", NUMBERS)


@pytest.mark.parametrize("hertz", [200, 1000, 3000])
def test_a_tone_has_its_energy_in_the_bin_and_the_mel_band_of_its_frequency(hertz):
    spectrum = magnitudes(tone(hertz), window=400, step=80)
    middle = spectrum[len(spectrum) // 2]
    assert middle.argmax() == round(hertz / (RATE / 400))
    np.testing.assert_allclose(
        middle.max(), 0.5 * 200 / 2, rtol=1e-6
    )  # half of the amplitude, times the sum of the window
    filters = mel_filters(RATE, 400, 30)
    band = compute(tone(hertz), features="log_mel_filterbank", num_feature_filters=30, window_len=0.05)[20].argmax()
    assert filters[band, middle.argmax()] == filters[:, middle.argmax()].max()


def test_mel_filters_are_triangles_of_equal_area_between_their_neighbours():
    filters = mel_filters(16000, 4096, 20, fmin=100, fmax=7000)
    np.testing.assert_allclose(filters.sum(axis=1) * 16000 / 4096, 1, rtol=0.02)
    peaks = filters.argmax(axis=1)
    assert (np.diff(peaks) > 0).all()
    assert not filters[5, : peaks[4]].any()
    assert not filters[5, peaks[6] + 1 :].any()


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("window", [3, 4, 25])
@pytest.mark.parametrize("step", [1, 2, 7])
def test_windows_are_those_of_the_padded_audio(center, window, step):
    for size in (25, 26, 30):
        audio = np.random.default_rng(size).normal(size=size)
        padded = np.pad(audio, window // 2) if center else audio
        hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
        expected = [
            np.abs(np.fft.rfft(padded[start : start + window] * hann))
            for start in range(0, len(padded) - window + 1, step)
        ]
        np.testing.assert_allclose(magnitudes(audio, window, step, center=center), expected, atol=1e-12)


def test_derivatives_of_polynomials_are_exact():
    times = np.arange(20.0)
    features = np.stack([3 * times + 1, times**2, np.ones(20)], axis=1).astype("float32")
    found = with_deltas(features, 2)
    np.testing.assert_allclose(found[:, :3], features)
    np.testing.assert_allclose(
        found[4:-4, 3:6], np.stack([3 + 0 * times, 2 * times, 0 * times], axis=1)[4:-4], atol=1e-4
    )
    np.testing.assert_allclose(found[:, 6:], np.tile([0, 2, 0], (20, 1)), atol=1e-4)
    with pytest.raises(DataError, match="with_delta: found 8 frames, expected at least 9"):
        with_deltas(features[:8], 1)


def test_the_cosines_of_mfcc_are_orthonormal_and_the_energy_comes_first():
    audio = tone(440)
    features = compute(audio, features="mfcc", num_feature_filters=13, peak_normalization=False)
    np.testing.assert_allclose(features[20, 0], 0.5 / np.sqrt(2), rtol=1e-2)
    from boulder.data.audio.feature_kinds import _cosines

    np.testing.assert_allclose(_cosines(13, 40) @ _cosines(13, 40).T, np.eye(13), atol=1e-12)


def test_steps_apply_in_their_order():
    audio = np.array([0.1, 0.2, -0.4, 0.3])
    raw = {"features": "raw"}
    np.testing.assert_allclose(compute(audio, **raw)[:, 0], [0.25, 0.5, -1, 0.75])
    np.testing.assert_allclose(
        compute(audio, **raw, peak_normalization=False, preemphasis=0.5)[:, 0], [0.1, 0.15, -0.5, 0.5]
    )
    joined = compute(audio, **raw, join_frames=3, norm_mean=1, norm_std_dev=2)
    np.testing.assert_allclose(joined, [[-0.375, -0.25, -1], [-0.125, -0.125, -0.125]])
    mean = compute(np.append(audio, 0), **raw, norm_mean="per_seq", norm_std_dev="per_seq")
    np.testing.assert_allclose([mean.mean(), mean.std()], [0, 1], atol=1e-6)
    assert audio.tolist() == [0.1, 0.2, -0.4, 0.3]  # not changed in place


def test_normalisation_takes_numbers_of_files_and_lists(tmp_path):
    np.savetxt(tmp_path / "mean", [1.0, 2.0, 3.0])
    plain = {"features": "log_mel_filterbank", "num_feature_filters": 3}
    found = compute(tone(300), **plain, norm_mean=str(tmp_path / "mean"), norm_std_dev=[2, 4, 8])
    np.testing.assert_allclose(found, (compute(tone(300), **plain) - [1, 2, 3]) / [2, 4, 8], rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_too_few_samples_and_silence_are_features_or_an_error_of_one_line(kind):
    options = {"features": kind} | ({"num_feature_filters": 200} if kind == "linear_spectrogram" else {})
    assert np.isfinite(compute(np.zeros(2000), **options)).all()
    features = AudioFeatures.of(options)
    for size in (1, 5, 199):
        assert len(features.compute(np.ones(size), RATE, "tag", NUMBERS)) == features.num_frames(Header(size, RATE, 1))
    if kind in ("mfcc", "db_mel_filterbank"):
        with pytest.raises(DataError, match="found 10 samples, windows of 200 and steps of 80, expected a window"):
            compute(np.ones(10), **options, feature_options={"center": False})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"pre_process": lambda audio, **_: audio[None]},
            r"'pre_process' returned \[1, 4000\], expected samples \[N\]",
        ),
        (
            {"post_process": lambda features, **_: features[0]},
            r"'post_process' returned \[40\], expected an array \[T, 40\]",
        ),
        ({"features": lambda audio, **_: None}, r"'features' returned NoneType, expected an array \[T, 40\]"),
        ({"features": "linear_spectrogram"}, "found 40 num_feature_filters, expected at least half of the 200 samples"),
    ],
)
def test_functions_and_sizes_that_do_not_fit_are_named(options, message):
    with pytest.raises(DataError, match=message):
        compute(tone(300), **options)
