"""Decoding of audio files (Ogg Vorbis, Opus, WAV, FLAC, …) by libsndfile, through the package soundfile."""

from __future__ import annotations

import io
import struct
from typing import Any, BinaryIO

import numpy as np

from boulder.data.audio.header import Header, parse_header
from boulder.errors import DataError

_UNKNOWN_SIZES = (0, 0x7FFFFFFF, 0xFFFFFFFF)  # what programs write that do not know the size yet
_OGG_PAGE = 27  # bytes of the header of a page, without its table of segments
_OGG_END = 4  # flag of the last page of a stream


def read_header(file: BinaryIO) -> Header:
    """
    :param file: an audio file, of which only parts are read
    :raises DataError: if it is no audio file
    """
    header = parse_header(file)
    if header is not None:
        return header
    file.seek(0)
    with _opened(file) as sound:
        return Header(sound.frames, sound.samplerate, sound.channels)


def decode(content: bytes) -> tuple[np.ndarray, int]:
    """
    :param content: of an audio file
    :return: float64 [N], samples in [-1, 1], or [N, C] for several channels; and the sample rate in Hz
    :raises DataError: if it is no audio file, or a part of one
    """
    _check_complete(content)
    with _opened(io.BytesIO(content)) as sound:
        return sound.read(), sound.samplerate


def _opened(file: BinaryIO) -> Any:
    import soundfile

    try:
        return soundfile.SoundFile(file)
    except soundfile.LibsndfileError as error:
        raise DataError(f"cannot be read as audio: {error.error_string}") from error


def _check_complete(content: bytes) -> None:
    """libsndfile decodes what there is of a truncated file, without a word."""
    if content[:4] == b"OggS":
        _check_ogg(content)
    elif content[:4] == b"RIFF" and content[8:12] == b"WAVE":
        _check_wav(content)


def _check_ogg(content: bytes) -> None:
    """RFC 3533: the last page of a stream has a flag."""
    last = content.rfind(b"OggS")
    header = content[last : last + _OGG_PAGE]
    if len(header) == _OGG_PAGE:
        table = content[last + _OGG_PAGE : last + _OGG_PAGE + header[26]]
        if len(table) == header[26] and last + _OGG_PAGE + len(table) + sum(table) <= len(content):
            if header[5] & _OGG_END:
                return
            raise DataError(
                f"found an Ogg file of {len(content)} bytes without an end, expected its last page: truncated"
            )
    raise DataError(f"found an Ogg file of {len(content)} bytes that ends within a page: truncated")


def _check_wav(content: bytes) -> None:
    position = 12
    while position + 8 <= len(content):
        name, size = content[position : position + 4], struct.unpack("<I", content[position + 4 : position + 8])[0]
        available = len(content) - position - 8
        if name == b"data":
            if size not in _UNKNOWN_SIZES and size > available:
                raise DataError(f"found a WAV file with {available} of {size} bytes of samples: truncated")
            return
        position += 8 + size + size % 2
