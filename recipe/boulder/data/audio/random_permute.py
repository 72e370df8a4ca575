"""`RandomPermute`: audio of random loudness, speed and pitch. RETURNN's option `random_permute`, with its random numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

from boulder.data.option_checks import is_number
from boulder.errors import DataError, nearest


@dataclass(frozen=True)
class Permutation:
    """
    What has been drawn for a sequence.

    :param scale: factor of the samples
    :param zoom: factor of the number of samples, by splines, which also shifts the pitch; None: it stays
    :param stretch: factor of the speed, at the same pitch; None: it stays
    :param steps: shift of the pitch in semitones; None: it stays
    """

    scale: float
    zoom: float | None
    stretch: float | None
    steps: float | None


@dataclass(frozen=True, kw_only=True)
class RandomPermute:
    """
    Numbers are drawn uniformly from `…_lower` to `…_upper`, see `Permutation`.

    :param rnd_scale_lower: lowest factor of the samples
    :param rnd_scale_upper: highest
    :param rnd_zoom_switch: probability to change the number of samples by splines, and so the speed and the pitch
    :param rnd_zoom_lower: lowest factor of the number of samples
    :param rnd_zoom_upper: highest
    :param rnd_zoom_order: order of the splines
    :param rnd_stretch_switch: probability to change the speed at the same pitch
    :param rnd_stretch_lower: lowest factor of the speed
    :param rnd_stretch_upper: highest
    :param rnd_pitch_switch: probability to shift the pitch
    :param rnd_pitch_lower: lowest number of semitones
    :param rnd_pitch_upper: highest
    """

    rnd_scale_lower: float = 0.8
    rnd_scale_upper: float = 1.0
    rnd_zoom_switch: float = 0.2
    rnd_zoom_lower: float = 0.9
    rnd_zoom_upper: float = 1.1
    rnd_zoom_order: int = 3
    rnd_stretch_switch: float = 0.2
    rnd_stretch_lower: float = 0.9
    rnd_stretch_upper: float = 1.2
    rnd_pitch_switch: float = 0.2
    rnd_pitch_lower: float = -1.0
    rnd_pitch_upper: float = 1.0

    @classmethod
    def of(cls, options: object) -> RandomPermute | None:
        """
        :param options: True, False, None, or a dict of options
        :raises DataError: for an unknown option, with the nearest name, or a wrong value
        """
        if options is None or isinstance(options, bool):
            return cls() if options else None
        if not isinstance(options, Mapping):
            raise DataError(f"random_permute: found {options!r:.60}, expected True, False or a dict of options")
        known = [f.name for f in fields(cls)]
        for key, value in options.items():
            if key not in known:
                raise DataError(
                    f"random_permute: found {key!r:.60}, expected {', '.join(known)}{nearest(str(key), known)}"
                )
            if not is_number(value):
                raise DataError(f"random_permute: {key}: found {value!r:.60}, expected a number")
        return cls(**options) if options else None

    def draw(self, numbers: np.random.RandomState) -> Permutation:
        """:return: the next permutation; what it draws does not depend on the audio"""
        scale = numbers.uniform(self.rnd_scale_lower, self.rnd_scale_upper)
        zoom = self._drawn(numbers, self.rnd_zoom_switch, self.rnd_zoom_lower, self.rnd_zoom_upper)
        stretch = self._drawn(numbers, self.rnd_stretch_switch, self.rnd_stretch_lower, self.rnd_stretch_upper)
        steps = self._drawn(numbers, self.rnd_pitch_switch, self.rnd_pitch_lower, self.rnd_pitch_upper)
        return Permutation(scale, zoom, stretch, steps)

    @staticmethod
    def _drawn(numbers: np.random.RandomState, probability: float, lower: float, upper: float) -> float | None:
        return numbers.uniform(lower, upper) if numbers.uniform(0.0, 1.0) < probability else None

    def apply(self, permutation: Permutation, audio: np.ndarray, sample_rate: int) -> np.ndarray:
        """
        :param audio: float64 [N], samples
        :return: float64 [M], which must not be changed in place
        """
        audio = audio * permutation.scale
        if permutation.zoom is not None:
            from scipy.ndimage import zoom

            audio = zoom(audio, permutation.zoom, order=self.rnd_zoom_order)
        if permutation.stretch is not None or permutation.steps is not None:
            from librosa.effects import pitch_shift, time_stretch

            if permutation.stretch is not None:
                audio = time_stretch(audio, rate=permutation.stretch)
            if permutation.steps is not None:
                audio = pitch_shift(audio, sr=sample_rate, n_steps=permutation.steps)
        return audio


def check_installed() -> None:
    """:raises DataError: if the packages are missing that `RandomPermute.apply` needs"""
    from importlib.util import find_spec

    for package in ("librosa", "scipy"):
        if find_spec(package) is None:
            raise DataError(
                f"random_permute: needs the package {package}, of the extra 'audio': pip install 'boulder[audio]'"
            )
