"""Sequences of a synthesis: characters, the frames to be predicted, and what else the decoder learns of each frame."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from boulder.data import HdfWriter
from boulder.data.audio.ogg_zip_writer import Recording
from boulder.data.audio.sound import decode
from boulder.errors import DataError, named
from boulder.speech.mel_frames import MelFrames

END = "¶"
"""label after the last character of a text"""
_SPOKEN = 1.3
"""frames whose mean is so much below that of the loudest one are silence, in units of `MelFrames`: 23 decibels"""


def streams(characters: str, mel: MelFrames) -> dict[str, Any]:
    """
    :param characters: that texts consist of
    :return: `extern_data`
    """
    return {
        "data": {"dim": len(characters) + 1, "sparse": True},
        "spectrogram": {"dim": mel.dim},
        "is_last": {"dim": 1},
        "reached": {"dim": 1},
    }


def sequence(text: str, characters: str, audio: np.ndarray, mel: MelFrames) -> dict[str, np.ndarray]:
    """
    :param text: what is spoken
    :param characters: the labels, without END
    :param audio: float [N], samples from -1 to 1
    :return: of T frames and L characters: `data` [L + 1], labels and END; `spectrogram` [T, D]; `is_last` [T, 1], 1 in the last
        frame; `reached` [T, 1], the label that a constant speaking rate without pauses would reach there
    :raises DataError: for an unknown character, or audio that is shorter than a window
    """
    unknown = sorted(set(text) - set(characters))
    if unknown or END in characters:
        raise DataError(
            f"text {text!r:.60}: found {(unknown or [END])[0]!r}, expected characters of {characters!r}, without {END!r}"
        )
    frames = mel.of(audio)
    labels = [characters.index(character) for character in text]
    is_last = np.zeros((len(frames), 1), "float32")
    is_last[-1] = 1
    return {
        "data": np.array([*labels, len(characters)], "int32"),
        "spectrogram": frames,
        "is_last": is_last,
        "reached": (_progress(frames) * len(labels)).astype("float32")[:, None],
    }


def _progress(frames: np.ndarray) -> np.ndarray:
    """
    :param frames: [T, D]
    :return: [T], share of the speech that lies before the middle of a frame, from 0 to 1
    """
    level = frames.mean(axis=1)
    spoken = (level > level.max() - _SPOKEN).astype("float64")
    return (np.cumsum(spoken) - spoken / 2) / spoken.sum()


def write_hdf(
    path: str, recordings: Iterable[Recording], characters: str, mel: MelFrames, max_seconds: float
) -> tuple[int, int]:
    """
    Writes an HDF file of `sequence`s.

    :param max_seconds: longer recordings are left out, and those that are shorter than a window
    :return: number of recordings that are written, and that are left out
    :raises DataError: for a recording that cannot be read, has several channels or another sample rate, or see `sequence`
    """
    count = left_out = 0
    with HdfWriter(path, streams(characters, mel), {"data": [*characters, END]}) as writer:
        for recording in recordings:
            audio = _samples(recording, mel)
            if not mel.window <= len(audio) <= max_seconds * mel.sample_rate:
                left_out += 1
                continue
            with named(str(recording.audio)):
                writer.write(recording.tag, sequence(recording.text, characters, audio, mel))
            count += 1
    return count, left_out


def _samples(recording: Recording, mel: MelFrames) -> np.ndarray:
    try:
        audio, sample_rate = decode(recording.audio.read_bytes())
    except (OSError, DataError) as error:
        raise DataError(f"{recording.audio}: {error}") from error
    if audio.ndim > 1:
        raise DataError(f"{recording.audio}: found {audio.shape[1]} channels, expected one")
    if sample_rate != mel.sample_rate:
        raise DataError(f"{recording.audio}: found a sample rate of {sample_rate} Hz, expected {mel.sample_rate}")
    return audio
