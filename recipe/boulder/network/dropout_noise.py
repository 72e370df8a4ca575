"""`dropout_noise_shape`: the axes along which a dropout mask is shared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from boulder.network.axes import BATCH, FEATURE, LOOP, TIME

_KINDS = {"*": {BATCH, TIME, LOOP, FEATURE}, "B": {BATCH}, "T": {TIME}, "F": {FEATURE}}


def shared_over(noise_shape: Mapping[str, int | None] | None) -> set[str]:
    """:return: kinds of axes along which the mask is shared: batch and time, unless the option says otherwise"""
    given = noise_shape or {}
    shared = {BATCH, TIME, LOOP}
    for key in sorted(given, key=lambda key: key != "*"):  # the others are exceptions to "*"
        shared = shared - _KINDS[key] if given[key] in (None, -1) else shared | _KINDS[key]
    return shared


def problem(noise_shape: Mapping[Any, Any] | None) -> str | None:
    """:return: an error message for a wrong value, else None"""
    for key, value in (noise_shape or {}).items():
        if key not in _KINDS or value not in (None, -1, 1):
            expected = "'*', 'B', 'T' or 'F' the value 1 or None"
            return f"'dropout_noise_shape' gives {expected}, found {{{key!r}: {value!r}}}"
    return None
