"""The kinds of features that RETURNN computes of audio, under its names and with its defaults: samples → [T, D]."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from boulder.data.audio.spectrogram import decibels, energies, magnitudes, mel_spectrum, num_windows
from boulder.errors import DataError

_NOISE_FLOOR = 1e-3


@dataclass(frozen=True)
class Windows:
    """
    Audio, and how it is cut into windows.

    :param audio: float64 [N], samples
    :param sample_rate: in Hz
    :param window: length of a window in samples
    :param step: distance of two windows in samples
    :param filters: D, dimension of the features
    """

    audio: np.ndarray
    sample_rate: int
    window: int
    step: int
    filters: int

    def mel_spectrum(self, filters: int | None = None, **options: Any) -> np.ndarray:
        return mel_spectrum(
            self.audio, self.sample_rate, self.window, self.step, filters=filters or self.filters, **options
        )


def raw(windows: Windows) -> np.ndarray:
    return windows.audio[:, None]


def mfcc(
    windows: Windows, n_mels: int = 128, fmin: float = 0, fmax: float | None = None, center: bool = True
) -> np.ndarray:
    """
    Cepstral coefficients of a mel spectrum in decibels, the first of which the energy replaces.

    :param n_mels: number of mel filters
    """
    spectrum = decibels(windows.mel_spectrum(n_mels, fmin=fmin, fmax=fmax, center=center))
    features = spectrum @ _cosines(windows.filters, n_mels).T
    features[:, 0] = energies(windows.audio, windows.window, windows.step, center)
    return features


def log_mel_filterbank(windows: Windows) -> np.ndarray:
    return np.log(np.maximum(_NOISE_FLOOR, windows.mel_spectrum()))


def log_log_mel_filterbank(windows: Windows) -> np.ndarray:
    return decibels(np.square(np.abs(log_mel_filterbank(windows))))


def db_mel_filterbank(
    windows: Windows, fmin: float = 0, fmax: float | None = None, min_amp: float = 1e-10, center: bool = True
) -> np.ndarray:
    """
    :param min_amp: power below this counts as this
    """
    return 20 * np.log10(np.maximum(min_amp, windows.mel_spectrum(fmin=fmin, fmax=fmax, center=center)))


def linear_spectrogram(windows: Windows, center: bool = True) -> np.ndarray:
    """Magnitudes without that of the frequency 0. Twice the number of features is the size of the Fourier transform."""
    if 2 * windows.filters < windows.window:
        raise DataError(
            f"linear_spectrogram: found {windows.filters} num_feature_filters, expected at least half of the "
            f"{windows.window} samples of a window"
        )
    return magnitudes(windows.audio, windows.window, windows.step, 2 * windows.filters, center)[:, 1:]


KINDS: Mapping[str, Callable[..., np.ndarray]] = {
    kind.__name__: kind
    for kind in (raw, mfcc, log_mel_filterbank, log_log_mel_filterbank, db_mel_filterbank, linear_spectrogram)
}
"""Name → function. Arguments other than the first are its `feature_options`."""


def num_frames(kind: str, num_samples: int, window: int, step: int, filters: int, center: bool = True) -> int:
    """:return: T, the number of frames that a kind of features has; not positive if there are too few samples"""
    if kind == "raw":
        return num_samples
    return num_windows(num_samples, 2 * filters if kind == "linear_spectrogram" else window, step, center)


@lru_cache(maxsize=4)
def _cosines(count: int, size: int) -> np.ndarray:
    """:return: float64 [count, size]: the discrete cosine transform of type II, orthonormal"""
    matrix = np.cos(np.pi / size * np.outer(np.arange(count), np.arange(size) + 0.5)) * np.sqrt(2.0 / size)
    matrix[0] /= np.sqrt(2.0)
    return matrix
