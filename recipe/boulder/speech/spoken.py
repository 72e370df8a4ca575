"""Sounds of the spectrograms in a data set."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

import numpy as np

from boulder.data.hdf.excerpt import excerpt
from boulder.errors import DataError
from boulder.speech.mel_frames import MelFrames


def write_wavs(
    folder: str | os.PathLike[str], path: str, stream: str, mel: MelFrames, most: int, iterations: int
) -> int:
    """
    Writes TAG.wav for some sequences, 16 bits per sample. Louder samples than full scale are clipped.

    :param path: HDF file
    :param stream: of the mel frames
    :param most: largest number of sequences, at regular steps
    :param iterations: of Griffin-Lim
    :return: number of files
    :raises DataError: if there is no such stream, or if its frames have another size
    """
    import soundfile

    sequences = excerpt(path, [stream], most)
    for tag, sequence in sequences.items():
        frames = sequence[stream]
        audio = mel.audio(frames, iterations) if len(frames) * mel.stacked > 1 else np.zeros(mel.step)
        file = wav_of(folder, tag)
        file.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(file, np.clip(audio, -1, 1), mel.sample_rate, subtype="PCM_16")
    return len(sequences)


def wav_of(folder: str | os.PathLike[str], tag: str) -> Path:
    """
    :return: file of the sound of a sequence
    :raises DataError: for a tag that would lead out of the folder
    """
    parts = PurePosixPath(tag).parts
    if not parts or ".." in parts or parts[0] == "/":
        raise DataError(f"sequence {tag!r}: the tag names no file in a folder, expected e.g. speaker/name")
    return Path(folder, *parts[:-1], f"{parts[-1]}.wav")
