"""Checksums of checkpoints. They detect damage, and tell whether two checkpoints are bit-identical; no file or job is named by one.

XXH3 (xxhash) with 128 bits is fast enough to hash a checkpoint each time it is read or written. Earlier versions of Boulder wrote
SHA-256.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Any

import numpy
import xxhash

_NOW, _EARLIER = "xxh3_128", "sha256"
_KINDS: dict[str, Callable[[bytes], Any]] = {_NOW: xxhash.xxh3_128, _EARLIER: hashlib.sha256}


def checksum_of(meta: bytes, arrays: Iterable[tuple[str, numpy.ndarray]], kind: str = _NOW) -> str:
    """
    :param arrays: pairs of name and array
    :return: the kind, ":", and a hex digest of names, shapes, dtypes and values; SHA-256 comes without the kind
    """
    digest = _KINDS[kind](meta)
    for name, array in arrays:
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(numpy.ascontiguousarray(array).reshape(-1).view(numpy.uint8).data)
    return digest.hexdigest() if kind == _EARLIER else f"{kind}:{digest.hexdigest()}"


def fits(checksum: str, meta: bytes, arrays: Iterable[tuple[str, numpy.ndarray]]) -> bool:
    """:return: whether it is the checksum of the contents; False for an unknown kind"""
    kind = checksum.partition(":")[0] if ":" in checksum else _EARLIER
    return kind in _KINDS and checksum_of(meta, arrays, kind) == checksum
