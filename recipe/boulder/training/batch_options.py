"""The kinds of options that decide the sequences of an epoch and their batches."""

from __future__ import annotations

from typing import Annotated

from boulder.data import Chunking
from boulder.errors import DataError
from boulder.training.option_kind import OptionKind, is_int, is_number


def _is_positive_int(value: object) -> bool:
    return is_int(value) and value > 0


def _are_sizes(value: object) -> bool:
    return value is None or all(map(_is_positive_int, value.values() if isinstance(value, dict) else [value]))


def _are_frames(value: object) -> bool:
    values = value.values() if isinstance(value, dict) else [value]
    return value is None or all(is_number(item) and item >= 0 for item in values)


def _are_whole(value: object) -> bool:
    return _are_frames(value) and all(map(is_int, value.values() if isinstance(value, dict) else [value or 0]))


def _is_chunking(value: object) -> bool:
    try:
        Chunking.parse(value)
    except DataError:
        return False
    return True


_SIZES = "a positive int, a dict of them per data key, or None for no limit"
_FRAMES = "a number of frames, a dict of them per data key, or None"
_CHUNKING = "chunk sizes such as 50, '50:25' or ({'data': 50, 'classes': 10}, {'data': 25, 'classes': 5}), or None"

PositiveInt = Annotated[int, OptionKind("a positive int", _is_positive_int)]
Sizes = Annotated[int | dict[str, int] | None, OptionKind(_SIZES, _are_sizes)]
Limit = Annotated[
    int | None,
    OptionKind("a positive int, or None for no limit", lambda value: value is None or _is_positive_int(value)),
]
Frames = Annotated[float | dict[str, float] | None, OptionKind(_FRAMES, _are_frames)]
WholeFrames = Annotated[int | dict[str, int] | None, OptionKind(f"whole: {_FRAMES}", _are_whole)]
ChunkSizes = Annotated[str | int | list | tuple | dict | None, OptionKind(_CHUNKING, _is_chunking)]
Fraction = Annotated[float, OptionKind("a number from 0 to 1", lambda value: is_number(value) and 0 <= value <= 1)]
