"""Short-time spectra of audio samples, and mel filters. Definitions and defaults are those of librosa 0.11."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from boulder.errors import DataError

_BLOCK = 1 << 7  # windows at once: they fit into the cache


def num_windows(num_samples: int, window: int, step: int, center: bool = True) -> int:
    """
    :param num_samples: of the audio
    :param window: length of a window in samples
    :param step: distance of two windows in samples
    :param center: whether the first window is centred at the first sample, with zeros before
    :return: number of windows that fit into the samples; not positive if there are too few of them
    """
    padding = 2 * (window // 2) if center else 0
    return 1 + (num_samples + padding - window) // step


def magnitudes(
    audio: np.ndarray, window: int, step: int, fft_size: int | None = None, center: bool = True
) -> np.ndarray:
    """
    :param audio: float64 [N], samples
    :param window: length of the Hann window in samples
    :param step: in samples
    :param fft_size: F, with the window in its middle; None: `window`
    :return: float64 [T, F // 2 + 1], magnitudes of the spectrum of each window
    :raises DataError: if there are fewer samples than a window has
    """
    fft_size = fft_size or window
    weights = np.zeros(fft_size)
    before = (fft_size - window) // 2
    weights[before : before + window] = hann(window)
    spectra = [np.abs(np.fft.rfft(block * weights)) for block in _windows(audio, fft_size, step, center)]
    return np.concatenate(spectra)


def hann(window: int) -> np.ndarray:
    """:return: float64 [window], the periodic Hann window"""
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)


def energies(audio: np.ndarray, window: int, step: int, center: bool = True) -> np.ndarray:
    """:return: float64 [T], root of the mean square of the samples of each window; for the parameters see `magnitudes`"""
    blocks = _windows(audio, window, step, center)
    return np.concatenate([np.sqrt(np.mean(np.square(block), axis=1)) for block in blocks])


def mel_spectrum(
    audio: np.ndarray,
    sample_rate: int,
    window: int,
    step: int,
    filters: int,
    fmin: float = 0.0,
    fmax: float | None = None,
    center: bool = True,
) -> np.ndarray:
    """:return: float64 [T, filters], power of each mel band; for the parameters see `magnitudes` and `mel_filters`"""
    power = magnitudes(audio, window, step, center=center) ** 2
    return power @ mel_filters(sample_rate, window, filters, fmin, fmax).T.astype(
        "float64"
    )  # else NumPy has no fast product


@lru_cache(maxsize=16)
def mel_filters(
    sample_rate: int, fft_size: int, filters: int, fmin: float = 0.0, fmax: float | None = None
) -> np.ndarray:
    """
    Triangular filters of equal area, as in M. Slaney's Auditory Toolbox (Interval Research, technical report 1998-010).

    :param sample_rate: in Hz
    :param fmin: lowest frequency in Hz
    :param fmax: highest frequency in Hz; None: half of the sample rate
    :return: float32 [filters, fft_size // 2 + 1]
    """
    bins = np.fft.rfftfreq(fft_size, 1.0 / sample_rate)
    ends = np.linspace(_mel(fmin), _mel(sample_rate / 2 if fmax is None else fmax), filters + 2)
    corners = _hertz(ends)
    distances = np.subtract.outer(corners, bins)
    widths = np.diff(corners)[:, None]
    rising, falling = -distances[:-2] / widths[:-1], distances[2:] / widths[1:]
    triangles = np.maximum(0, np.minimum(rising, falling)).astype("float32")
    area = 2.0 / (corners[2:] - corners[:-2])
    return (triangles * area[:, None]).astype("float32")


def decibels(power: np.ndarray, lowest: float = 1e-10, range_db: float = 80.0) -> np.ndarray:
    """:return: 10 log₁₀ of the power, at least `lowest`, and at most `range_db` below the highest value of the array"""
    found = 10.0 * np.log10(np.maximum(lowest, power))
    return np.maximum(found, found.max() - range_db)


def _windows(audio: np.ndarray, size: int, step: int, center: bool) -> Iterator[np.ndarray]:
    """:return: blocks [T, size] of windows"""
    count = num_windows(len(audio), size, step, center)
    if step < 1 or count < 1:
        raise DataError(
            f"found {len(audio)} samples, windows of {size} and steps of {step}, expected a window at least"
        )
    padded = np.pad(audio, size // 2) if center else audio
    every = np.lib.stride_tricks.sliding_window_view(padded, size)[::step][:count]
    for start in range(0, count, _BLOCK):
        yield every[start : start + _BLOCK]


# Slaney's mel scale: linear below 1000 Hz, logarithmic above

_LINEAR = 200.0 / 3  # Hz per mel
_BREAK = 1000.0  # Hz
_LOG = np.log(6.4) / 27.0  # per mel


def _mel(hertz: float) -> float:
    return hertz / _LINEAR if hertz < _BREAK else _BREAK / _LINEAR + np.log(hertz / _BREAK) / _LOG


def _hertz(mel: np.ndarray) -> np.ndarray:
    at_break = _BREAK / _LINEAR
    return np.where(mel < at_break, mel * _LINEAR, _BREAK * np.exp(_LOG * (mel - at_break)))
