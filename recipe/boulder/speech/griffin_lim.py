"""Audio from the magnitudes of its spectrum: the phases are those of a spectrum that some audio can have.

Griffin & Lim 1984, "Signal estimation from modified short-time Fourier transform", with the momentum of Perraudin, Balazs and
Søndergaard 2013, "A fast Griffin-Lim algorithm".
"""

from __future__ import annotations

import numpy as np

from boulder.data.audio.spectrogram import hann
from boulder.errors import DataError

_MOMENTUM = 0.99


def griffin_lim(magnitudes: np.ndarray, step: int, iterations: int = 60, seed: int = 0) -> np.ndarray:
    """
    :param magnitudes: float [T, window // 2 + 1], of `boulder.data.audio.spectrogram.magnitudes` with `center`
    :param step: distance of two windows in samples
    :param iterations: of analysis and synthesis
    :param seed: of the phases at the beginning, which are random
    :return: float64 [(T - 1) · step], samples
    :raises DataError: for magnitudes of another rank, negative ones or NaN, or steps that leave samples without a window
    """
    magnitudes = np.asarray(magnitudes, "float64")
    if magnitudes.ndim != 2 or len(magnitudes) < 2:
        raise DataError(
            f"Griffin-Lim: found magnitudes of shape {list(magnitudes.shape)}, expected [frames, frequencies]"
        )
    if not (magnitudes >= 0).all():
        raise DataError("Griffin-Lim: found magnitudes that are negative or NaN, expected numbers of at least 0")
    window = 2 * (magnitudes.shape[1] - 1)
    if not 1 <= step <= window // 2:
        raise DataError(f"Griffin-Lim: found steps of {step} samples, expected 1 to half of the {window} of a window")
    phases = 2 * np.pi * np.random.default_rng(seed).random(magnitudes.shape)
    spectrum, before = magnitudes * np.exp(1j * phases), np.zeros_like(magnitudes)
    for _ in range(iterations):
        found = _analysed(_synthesised(spectrum, step), window, step)
        moved = found + _MOMENTUM * (found - before)
        spectrum, before = magnitudes * moved / np.maximum(1e-12, np.abs(moved)), found
    return _synthesised(spectrum, step)


def _analysed(audio: np.ndarray, window: int, step: int) -> np.ndarray:
    """:return: complex [T, window // 2 + 1], spectra of Hann windows, the first of which is centred at the first sample"""
    padded = np.pad(audio, window // 2)
    return np.fft.rfft(np.lib.stride_tricks.sliding_window_view(padded, window)[::step] * hann(window))


def _synthesised(spectrum: np.ndarray, step: int) -> np.ndarray:
    """:return: the samples whose `_analysed` is nearest to `spectrum`, in the mean of squares"""
    frames = np.fft.irfft(spectrum)
    count, window = frames.shape
    weight = hann(window)
    audio, weights = np.zeros((2, (count - 1) * step + window))
    for number, frame in enumerate(frames):
        part = slice(number * step, number * step + window)
        audio[part] += frame * weight
        weights[part] += weight**2
    return (audio / np.maximum(1e-8, weights))[window // 2 : len(audio) - window // 2]
