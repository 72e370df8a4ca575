"""Writes recordings with their transcripts as a zip file that `OggZipDataset` reads, in Boulder and in RETURNN."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from boulder.atomic_file import replaced
from boulder.data.audio.sound import decode
from boulder.errors import DataError, nearest

AUDIO_FORMATS = {"ogg": ("OGG", "VORBIS"), "flac": ("FLAC", "PCM_16"), "wav": ("WAV", "PCM_16")}
"""Extension → format and encoding of libsndfile."""

_SUFFIXES = (".wav", ".ogg", ".flac", ".opus")
_DATE = (1980, 1, 1, 0, 0, 0)  # a time stamp would make equal data differ


@dataclass(frozen=True)
class Recording:
    """
    :param tag: name of the sequence
    :param audio: an audio file that libsndfile reads
    :param text: transcript
    """

    tag: str
    audio: Path
    text: str


def recordings_in(folder: str | os.PathLike[str], transcripts: Mapping[str, str]) -> Iterator[Recording]:
    """
    :param folder: with an audio file `NAME.wav`, `NAME.ogg`, `NAME.flac` or `NAME.opus` for each recording; a NAME with
        slashes is in a folder below
    :param transcripts: name → text; a name may have the extension of its file. Recordings without a transcript are left out
    :return: the recordings in the order of the transcripts
    :raises DataError: for a missing file
    """
    root = Path(folder)
    for name, text in transcripts.items():
        candidates = [root / name] if name.endswith(_SUFFIXES) else [root / f"{name}{suffix}" for suffix in _SUFFIXES]
        found = next((path for path in candidates if path.is_file()), None)
        if found is None:
            there = [path.name for path in candidates[0].parent.glob("*")]
            raise DataError(
                f"{candidates[0]}: found no such file, nor with {', '.join(_SUFFIXES)}{nearest(name, there)}"
            )
        yield Recording(tag=name, audio=found, text=text)


def write_ogg_zip(
    path: str | os.PathLike[str],
    recordings: Iterable[Recording],
    audio_format: str | None = "ogg",
    name: str | None = None,
) -> int:
    """
    Writes a zip file atomically: the index `NAME.txt`, and the audio in the folder `NAME/`.

    :param path: of the zip file
    :param audio_format: "ogg" (Vorbis), "flac", "wav" (16 bits); None: the files as they are
    :param name: NAME; None: that of the zip file without `.zip`, which is where the data set looks for it
    :return: number of recordings
    :raises DataError: if there are none, a tag occurs twice, or an audio file cannot be read or has several channels
    """
    if audio_format is not None and audio_format not in AUDIO_FORMATS:
        expected = f"{', '.join(AUDIO_FORMATS)}, or None"
        raise DataError(
            f"audio_format: found {audio_format!r:.60}, expected {expected}{nearest(audio_format, AUDIO_FORMATS)}"
        )
    name = name or Path(path).name.removesuffix(".zip")
    lines, seen = [], set()
    with replaced(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        for recording in recordings:
            if recording.tag in seen:
                raise DataError(f"{recording.audio}: found the tag {recording.tag!r} twice, expected different tags")
            seen.add(recording.tag)
            content, suffix, duration = _encoded(recording, audio_format)
            file = f"{recording.tag.removesuffix(recording.audio.suffix)}{suffix}"
            archive.writestr(zipfile.ZipInfo(f"{name}/{file}", _DATE), content)
            entry = {"text": recording.text, "duration": duration, "file": file, "seq_name": recording.tag}
            lines.append(f"{entry!r},\n")
        if not lines:
            raise DataError(f"{path}: found no recordings, expected at least one")
        archive.writestr(
            zipfile.ZipInfo(f"{name}.txt", _DATE), f"[\n{''.join(lines)}]\n".encode(), zipfile.ZIP_DEFLATED
        )
    return len(lines)


def _encoded(recording: Recording, audio_format: str | None) -> tuple[bytes, str, float]:
    """:return: content and extension of the file, and its duration in seconds"""
    import soundfile

    try:
        content = recording.audio.read_bytes()
        audio, sample_rate = decode(content)
        if audio.ndim != 1:
            raise DataError(f"found {audio.shape[1]} channels, expected 1")
    except (DataError, OSError) as error:
        raise DataError(f"{recording.audio}: sequence {recording.tag!r}: {error}") from error
    duration = len(audio) / sample_rate
    if audio_format is None:
        return content, recording.audio.suffix, duration
    kind, encoding = AUDIO_FORMATS[audio_format]
    encoded = io.BytesIO()
    soundfile.write(encoded, audio, sample_rate, format=kind, subtype=encoding)
    return encoded.getvalue(), f".{audio_format}", duration
