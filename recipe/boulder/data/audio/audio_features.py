"""`AudioFeatures`: samples → the frames that RETURNN's `audio` options give."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np

from boulder.data.audio.deltas import with_deltas
from boulder.data.audio.feature_kinds import KINDS, Windows, num_frames
from boulder.data.audio.header import Header
from boulder.data.audio.random_permute import RandomPermute, check_installed
from boulder.data.option_checks import is_integer, is_number
from boulder.data.read_errors import read_errors
from boulder.errors import DataError, nearest

_PER_SEQ = "per_seq"
_LEAST_STD_DEV = 1e-2  # of a sequence
_REFUSED = {
    "raw_ogg": "RETURNN's decoder of raw Ogg packets is no part of Boulder",
    "f0": "it needs pyworld; Boulder does not support it",
}


@dataclass(kw_only=True, eq=False)
class AudioFeatures:
    """
    The steps apply in this order: `preemphasis`, `peak_normalization`, `random_permute`, `pre_process`, `features`, `with_delta`, `norm_mean`,
    `norm_std_dev`, `join_frames`, `post_process`.

    :param features: "raw" (the samples), "mfcc", "log_mel_filterbank", "log_log_mel_filterbank", "db_mel_filterbank",
        "linear_spectrogram"; or a function of `audio`, `sample_rate`, `window_len`, `step_len`,
        `num_feature_filters`, `random_state` and the `feature_options`, which returns [T, num_feature_filters]
    :param window_len: in seconds
    :param step_len: in seconds
    :param num_feature_filters: dimension of a frame without derivatives; None: 1 for "raw", else 40
    :param feature_options: of "mfcc": `n_mels`, `fmin`, `fmax`, `center`; of "db_mel_filterbank": `fmin`, `fmax`, `min_amp`,
        `center`; of "linear_spectrogram": `center`
    :param with_delta: number of derivatives in time that are added, or True for 1
    :param norm_mean: is subtracted: a number, an array [D], a text file with D numbers, or "per_seq" for the mean of the
        sequence
    :param norm_std_dev: divides, after that: likewise; "per_seq" for the standard deviation of the sequence, but at least 0.01
    :param peak_normalization: whether the samples are divided by the largest magnitude
    :param preemphasis: a: sample n becomes x[n] - a x[n-1]; None or 0: it stays
    :param join_frames: so many frames become one; the last frame is repeated to fill the last one
    :param random_permute: random loudness, speed and pitch, see below; True for the defaults; needs the extra `audio`
    :param pre_process: function of `audio`, `sample_rate` and `random_state`, which returns samples
    :param post_process: function of the features and `seq_name`, which returns features
    :param sample_rate: expected rate in Hz
    :param num_channels: only None: a frame has one axis
    :param raw_ogg_opts: without effect, since "raw_ogg" is refused
    """

    features: str | Callable = "mfcc"
    window_len: float = 0.025
    step_len: float = 0.010
    num_feature_filters: int | None = None
    feature_options: Mapping[str, Any] | None = None
    with_delta: bool | int = False
    norm_mean: float | str | Sequence[float] | None = None
    norm_std_dev: float | str | Sequence[float] | None = None
    peak_normalization: bool = True
    preemphasis: float | None = None
    join_frames: int | None = None
    pre_process: Callable | None = None
    post_process: Callable | None = None
    sample_rate: int | None = None
    num_channels: int | None = None
    raw_ogg_opts: Mapping[str, Any] | None = None
    random_permute: bool | Mapping[str, float] | None = None

    @classmethod
    def of(cls, options: object) -> AudioFeatures:
        """
        :param options: `audio` of a data set
        :raises DataError: for an unknown option, with the nearest name, or a wrong value
        """
        if not isinstance(options, Mapping):
            raise DataError(f"found {options!r:.60}, expected a dict of options, or None")
        known = [f.name for f in fields(cls)]
        for key in options:
            if key not in known:
                raise DataError(f"found {key!r:.60}, expected {', '.join(known)}{nearest(str(key), known)}")
        return cls(**options)

    def __post_init__(self) -> None:
        """:raises DataError: for a wrong value"""
        self._check_kind()
        for name in ("window_len", "step_len"):
            _check(
                name,
                getattr(self, name),
                is_number(getattr(self, name)) and getattr(self, name) > 0,
                "a positive number of seconds",
            )
        if self.num_feature_filters is not None:
            _check("num_feature_filters", self.num_feature_filters, is_integer(self.num_feature_filters, 1), "a number")
        _check("with_delta", self.with_delta, isinstance(self.with_delta, int) and self.with_delta >= 0, "a number")
        _check("join_frames", self.join_frames, self.join_frames is None or is_integer(self.join_frames, 1), "a number")
        _check("preemphasis", self.preemphasis, self.preemphasis is None or is_number(self.preemphasis), "a number")
        for name in ("norm_mean", "norm_std_dev"):
            value = getattr(self, name)
            right = value is None or isinstance(value, str | list | tuple) or is_number(value)
            _check(name, value, right, "a number, an array, a path, or 'per_seq'")
            if self.join_frames and isinstance(value, list | tuple):
                raise DataError(f"{name}: found an array with join_frames, for which RETURNN has no right size")
        for name in ("pre_process", "post_process"):
            _check(
                name, getattr(self, name), getattr(self, name) is None or callable(getattr(self, name)), "a function"
            )
        if self.sample_rate is not None:
            _check("sample_rate", self.sample_rate, is_integer(self.sample_rate, 1), "a rate in Hz")
        _check("num_channels", self.num_channels, self.num_channels is None, "None: a frame has one axis of features")
        self._permute = RandomPermute.of(self.random_permute)

    @property
    def dim(self) -> int:
        """D, the dimension of a frame."""
        return (int(self.with_delta) + 1) * self._filters * (self.join_frames or 1)

    @property
    def is_random(self) -> bool:
        """Whether the frames of a recording depend on random numbers, or may do so."""
        return self._permute is not None or self.pre_process is not None or callable(self.features)

    @property
    def files(self) -> list[str]:
        """The files that decide the features."""
        return [str(getattr(self, name)) for name in audio_files(vars(self))]

    def num_frames(self, header: Header) -> int | None:
        """:return: T, the number of frames of a recording; None if only its features tell"""
        if self.is_random or self.post_process or not isinstance(self.features, str):
            return None
        window, step = self._in_samples(header.sample_rate)
        center = (self.feature_options or {}).get("center", True)
        frames = num_frames(self.features, header.num_samples, window, max(step, 1), self._filters, center)
        return -(-frames // self.join_frames) if self.join_frames else frames

    def compute(self, audio: np.ndarray, sample_rate: int, seq_name: str, numbers: np.random.RandomState) -> np.ndarray:
        """
        :param audio: float64 [N], samples
        :param sample_rate: in Hz
        :param seq_name: tag of the sequence
        :param numbers: random numbers, used if `is_random`
        :return: float32 [T, D]
        :raises DataError: for audio that does not fit the options, or if a function returns another shape
        """
        if self.sample_rate not in (None, sample_rate):
            raise DataError(f"found a sample rate of {sample_rate} Hz, expected {self.sample_rate}")
        if audio.ndim != 1:
            raise DataError(f"found {audio.shape[1]} channels, expected 1")
        if not len(audio):
            raise DataError("found no samples, expected at least one")
        if self.preemphasis:
            audio = np.concatenate([audio[:1], audio[1:] - self.preemphasis * audio[:-1]])
        if self.peak_normalization and (peak := np.abs(audio).max()):
            audio = audio / peak
        if self._permute is not None:
            audio = self._permute.apply(self._permute.draw(numbers), audio, sample_rate)
        if self.pre_process:
            with read_errors("the function 'pre_process'"):
                audio = self.pre_process(audio=audio, sample_rate=sample_rate, random_state=numbers)
            _check_array("pre_process", audio, 1)
        features = self._normalized(with_deltas(self._features(audio, sample_rate, numbers), int(self.with_delta)))
        if self.join_frames:
            missing = -len(features) % self.join_frames
            features = np.pad(features, [(0, missing), (0, 0)], mode="edge").reshape(-1, self.dim)
        if self.post_process:
            with read_errors("the function 'post_process'"):
                features = self.post_process(features, seq_name=seq_name)
            _check_array("post_process", features, 2, self.dim)
        return features

    def skip(self, numbers: np.random.RandomState) -> bool:
        """:return: whether the numbers of a recording could be drawn without it"""
        if self.pre_process is not None or callable(self.features):
            return False
        if self._permute is not None:
            self._permute.draw(numbers)
        return True

    def check(self) -> None:
        """:raises DataError: if a file cannot be read or has another number of values, or a package is missing"""
        if self._permute is not None:
            check_installed()
        _ = self._mean, self._std_dev

    def _features(self, audio: np.ndarray, sample_rate: int, numbers: np.random.RandomState) -> np.ndarray:
        options = self.feature_options or {}
        if not isinstance(self.features, str):
            with read_errors("the function 'features'"):
                features = self.features(
                    audio=audio,
                    sample_rate=sample_rate,
                    window_len=self.window_len,
                    step_len=self.step_len,
                    num_feature_filters=self._filters,
                    random_state=numbers,
                    **options,
                )
            _check_array("features", features, 2, self._filters)
            return features
        window, step = self._in_samples(sample_rate)
        windows = Windows(audio, sample_rate, window, step, self._filters)
        return KINDS[self.features](windows, **options).astype("float32")

    def _normalized(self, features: np.ndarray) -> np.ndarray:
        mean, deviation = self._mean, self._std_dev
        if mean is not None:
            features = features - (np.mean(features, axis=0) if isinstance(mean, str) else mean)
        if deviation is not None:
            of_seq = isinstance(deviation, str)
            features = features / (np.maximum(np.std(features, axis=0), _LEAST_STD_DEV) if of_seq else deviation)
        return features

    @cached_property
    def _mean(self) -> Any:
        return self._loaded("norm_mean")

    @cached_property
    def _std_dev(self) -> Any:
        return self._loaded("norm_std_dev")

    def _loaded(self, name: str) -> Any:
        """:return: None, "per_seq", a number, or float32 [D]"""
        value, where = getattr(self, name), name
        if value is None or value == _PER_SEQ or is_number(value):
            return value
        if isinstance(value, str):
            where = f"{name}: {value}"
            try:
                value = np.loadtxt(Path(value))
            except (OSError, ValueError) as error:
                raise DataError(f"{where}: cannot be read as numbers: {' '.join(str(error).split())}") from error
        array = np.asarray(value, "float32")
        if array.shape != (self.dim,) or self.join_frames:
            raise DataError(f"{where}: found an array of shape {list(array.shape)}, expected [{self.dim}]")
        return array

    def _in_samples(self, sample_rate: int) -> tuple[int, int]:
        return int(self.window_len * sample_rate), int(self.step_len * sample_rate)

    @property
    def _filters(self) -> int:
        return self.num_feature_filters or (1 if self.features == "raw" else 40)

    def _check_kind(self) -> None:
        if callable(self.features):
            return
        if self.features in _REFUSED:
            raise DataError(f"features: found {self.features!r}; {_REFUSED[self.features]}")
        if not isinstance(self.features, str) or self.features not in KINDS:
            raise DataError(
                f"features: found {self.features!r:.60}, expected {', '.join(KINDS)}{nearest(str(self.features), KINDS)}"
            )
        if self.features == "raw" and self._filters != 1:
            raise DataError(f"num_feature_filters: found {self._filters} for raw features, expected 1")
        known = [*signature(KINDS[self.features]).parameters][1:]
        for key in self.feature_options or {}:
            if key not in known:
                found = f"feature_options: {self.features} has no option {key!r}"
                raise DataError(f"{found}, only {', '.join(known) or 'none'}{nearest(str(key), known)}")


def audio_files(options: Mapping[str, Any]) -> list[str]:
    """:return: the options that are files"""
    return [
        name
        for name in ("norm_mean", "norm_std_dev")
        if (isinstance(options.get(name), str) and options[name] != _PER_SEQ) or hasattr(options.get(name), "get_path")
    ]


def _check(name: str, value: object, right: bool, expected: str) -> None:
    if not right:
        raise DataError(f"{name}: found {value!r:.60}, expected {expected}")


def _check_array(name: str, value: object, axes: int, dim: int | None = None) -> None:
    if not isinstance(value, np.ndarray) or value.ndim != axes or (dim is not None and value.shape[-1] != dim):
        found = list(value.shape) if isinstance(value, np.ndarray) else type(value).__name__
        expected = "samples [N]" if axes == 1 else f"an array [T, {dim}]"
        raise DataError(f"the function {name!r} returned {found}, expected {expected}")
