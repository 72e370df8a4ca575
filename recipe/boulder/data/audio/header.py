"""`Header` of an audio file: its number of samples without decoding it, which counts where a data set has many files."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import BinaryIO

_FIRST = 1 << 12  # bytes in which the parameters of an audio file are expected
_LAST_PAGE = 1 << 16  # bytes, more than an Ogg page may have
_PAGE = struct.Struct("<4sBBqII")  # signature, version, flags, position, serial number, number of the page
_VORBIS = b"\x01vorbis"
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE


@dataclass(frozen=True)
class Header:
    """
    :param num_samples: per channel
    :param sample_rate: in Hz
    :param num_channels: e.g. 2 for stereo
    """

    num_samples: int
    sample_rate: int
    num_channels: int


def parse_header(file: BinaryIO) -> Header | None:
    """
    :param file: an audio file, of which the begin and the end are read
    :return: its header; None if it is not WAV, FLAC or Ogg Vorbis, or does not say its number of samples
    """
    begin = file.read(_FIRST)
    size = file.seek(0, os.SEEK_END)
    if begin[:4] == b"RIFF" and begin[8:12] == b"WAVE":
        return _of_wav(begin, size)
    if begin[:4] == b"fLaC":
        return _of_flac(begin)
    if len(begin) >= 44 and begin[:4] == b"OggS" and begin[28:35] == _VORBIS:
        file.seek(max(0, size - _LAST_PAGE))
        return _of_vorbis(begin, file.read(_LAST_PAGE))
    return None


def _of_wav(begin: bytes, file_size: int) -> Header | None:
    """RIFF chunks, see Microsoft's and IBM's Multimedia Programming Interface and Data Specifications 1.0 (1991)."""
    position, found = 12, None
    while position + 8 <= len(begin):
        name, size = begin[position : position + 4], int.from_bytes(begin[position + 4 : position + 8], "little")
        position += 8
        if name == b"fmt " and position + 16 <= len(begin):
            found = struct.unpack_from("<HHIIH", begin, position)
        elif name == b"data":
            if found is None or found[0] not in (_PCM, _FLOAT, _EXTENSIBLE) or size > file_size - position:
                return None
            _, channels, rate, _, bytes_of_sample = found
            return Header(size // bytes_of_sample, rate, channels) if bytes_of_sample else None
        position += size + size % 2
    return None


def _of_flac(begin: bytes) -> Header | None:
    """RFC 9639: the block STREAMINFO comes first."""
    if len(begin) < 26 or begin[4] & 0x7F:
        return None
    bits = int.from_bytes(begin[18:26], "big")
    rate, channels, samples = bits >> 44, (bits >> 41 & 7) + 1, bits & (1 << 36) - 1
    return Header(samples, rate, channels) if samples else None


def _of_vorbis(begin: bytes, end: bytes) -> Header | None:
    """The Vorbis I specification, appendix A.2: the position of the last page is the number of samples."""
    channels, rate = struct.unpack_from("<BI", begin, 39)
    last = end.rfind(b"OggS")
    if last < 0 or last + _PAGE.size > len(end):
        return None
    *_, position, serial, _ = _PAGE.unpack_from(end, last)
    same_stream = serial == _PAGE.unpack_from(begin)[4]
    return Header(position, rate, channels) if same_stream and position > 0 else None
