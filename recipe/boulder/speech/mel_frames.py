"""Mel spectrograms as the frames of a synthesis, and back to audio."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from boulder.data.audio.spectrogram import mel_filters, mel_spectrum
from boulder.errors import ConfigError, DataError
from boulder.speech.griffin_lim import griffin_lim

_FLOOR = 1e-5
"""power of a mel band in silence"""
_MEAN, _SPREAD = -70.0, 35.0
"""of 20·log₁₀ of the power, about those of the prompts"""
_UPDATES = 50


@dataclass(frozen=True)
class MelFrames:
    """
    Decibels of mel bands, shifted and scaled to about mean 0 and variance 1. Several frames in a row form one frame of the
    decoder, which so has fewer iterations (the reduction factor of Wang et al. 2017, "Tacotron").

    :param sample_rate: in Hz
    :param window: length of a window in samples
    :param step: distance of two windows in samples
    :param filters: number of mel bands
    :param stacked: spectrogram frames in a decoder frame
    """

    sample_rate: int = 8000
    window: int = 400
    step: int = 100
    filters: int = 40
    stacked: int = 4

    def __post_init__(self) -> None:
        for option in ("sample_rate", "window", "step", "filters", "stacked"):
            value = getattr(self, option)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ConfigError(f"mel frames: {option!r} must be an int of at least 1, found {value!r}")

    @property
    def options(self) -> dict[str, int]:
        """The fields, as plain JSON."""
        return asdict(self)

    @property
    def dim(self) -> int:
        """Features of a decoder frame."""
        return self.stacked * self.filters

    @property
    def seconds(self) -> float:
        """Duration of a spectrogram frame."""
        return self.step / self.sample_rate

    def of(self, audio: np.ndarray) -> np.ndarray:
        """
        :param audio: float [N], samples from -1 to 1
        :return: float32 [T, stacked · filters]; the last spectrogram frame is repeated where `stacked` asks for more
        :raises DataError: if the audio is shorter than a window
        """
        power = mel_spectrum(audio, self.sample_rate, self.window, self.step, self.filters)
        frames = (20 * np.log10(np.maximum(_FLOOR, power)) - _MEAN) / _SPREAD
        missing = -len(frames) % self.stacked
        return np.pad(frames, [(0, missing), (0, 0)], mode="edge").reshape(-1, self.dim).astype("float32")

    def spectrogram(self, frames: np.ndarray) -> np.ndarray:
        """
        :param frames: [T, stacked · filters]
        :return: [T · stacked, filters]
        :raises DataError: for frames of another size
        """
        if frames.ndim != 2 or frames.shape[1] != self.dim:
            raise DataError(f"mel frames: found shape {list(frames.shape)}, expected [frames, {self.dim}]")
        return frames.reshape(-1, self.filters)

    def audio(self, frames: np.ndarray, iterations: int = 60) -> np.ndarray:
        """
        :param frames: [T, stacked · filters]
        :param iterations: of Griffin-Lim
        :return: float64 [N], samples
        :raises DataError: for frames of another size
        """
        decibels = np.minimum(
            60, self.spectrogram(frames).astype("float64") * _SPREAD + _MEAN
        )  # 60: louder than any audio
        power = _least_squares(10 ** (decibels / 20), mel_filters(self.sample_rate, self.window, self.filters))
        return griffin_lim(np.sqrt(power), self.step, iterations)


def _least_squares(mel: np.ndarray, filters: np.ndarray) -> np.ndarray:
    """
    :param mel: [T, filters]
    :param filters: [filters, frequencies]
    :return: [T, frequencies], not negative, whose mel bands are nearest to `mel`; by the multiplicative updates of Lee & Seung
        2001, "Algorithms for non-negative matrix factorization"
    """
    weights = filters.astype("float64")
    found = np.maximum(1e-12, mel @ np.linalg.pinv(weights).T)
    target = mel @ weights
    for _ in range(_UPDATES):
        found *= target / np.maximum(1e-30, found @ weights.T @ weights)
    return found
