"""What is in files that may be gzipped, with errors that name the file."""

from __future__ import annotations

import gzip
import os
import zlib
from pathlib import Path

from boulder.errors import DataError


def read_content(path: str | os.PathLike[str]) -> bytes:
    """
    :param path: the file is unpacked if its name ends in `.gz`
    :raises DataError: if it is missing, or cannot be read or unpacked
    """
    try:
        content = Path(path).read_bytes()
        return gzip.decompress(content) if Path(path).suffix == ".gz" else content
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error


def read_text(path: str | os.PathLike[str]) -> str:
    """
    As `read_content`, decoded.

    :raises DataError: if it is not UTF-8
    """
    try:
        return read_content(path).decode("utf8")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not a text file in UTF-8: {error}") from error
