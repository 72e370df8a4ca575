"""Pickles of plain values. A pickle of anything else may run any code."""

from __future__ import annotations

import io
import pickle
from typing import Any

from boulder.errors import DataError


def unpickled(content: bytes) -> Any:
    """
    :return: lists, dicts, texts and numbers
    :raises DataError: for other objects, or a damaged pickle
    """
    try:
        return _PlainUnpickler(io.BytesIO(content)).load()
    except DataError:
        raise
    except Exception as error:  # a damaged pickle raises nearly anything
        raise DataError(f"not a pickle: {' '.join(str(error).split())}") from error


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        raise DataError(f"found an object of {module}.{name}, expected plain lists, dicts, texts and numbers")
