"""`LabelTable`: the labels of a vocabulary, in memory and in files."""

from __future__ import annotations

import ast
import gzip
import io
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from boulder.errors import DataError


@dataclass(frozen=True)
class LabelTable:
    """
    :param names: label of each index
    :param ids: index of each label; of several labels with one index, `names` has the last one in the alphabet
    """

    names: Sequence[str]
    ids: Mapping[str, int]

    @classmethod
    def of_names(cls, names: Sequence[str]) -> LabelTable:
        """Of equal names, the last one counts."""
        return cls(names, {name: index for index, name in enumerate(names)})

    @classmethod
    def read(cls, path: Path) -> LabelTable:
        """
        :param path: a line for each label, or a dict from labels to indices, written as in Python, or pickled (.pkl);
            gzipped if it ends in .gz
        :raises DataError: if the file cannot be read, or an index has no label
        """
        try:
            content = path.read_bytes()
            if path.suffix == ".pkl":
                ids = _PlainUnpickler(io.BytesIO(content)).load()
            else:
                text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf8")
                text = text.replace("\r\n", "\n").replace("\r", "\n")  # as files opened as text
                if not text.startswith("{"):
                    return cls.of_names(text.splitlines())
                ids = ast.literal_eval(text)
        except FileNotFoundError:
            raise DataError(f"{path}: no such file, expected a vocabulary") from None
        except (OSError, EOFError, ValueError, SyntaxError, pickle.UnpicklingError) as error:
            raise DataError(f"{path}: cannot be read as a vocabulary: {' '.join(str(error).split())}") from error
        if not isinstance(ids, dict):
            raise DataError(f"{path}: found a {type(ids).__name__}, expected a dict from labels to indices")
        by_index = {index: label for label, index in sorted(ids.items())}
        if sorted(by_index) != list(range(len(by_index))):
            missing = next((i for i in range(len(by_index)) if i not in by_index), len(by_index))
            raise DataError(
                f"{path}: no label has the index {missing}, expected a label for each of {len(by_index)} indices"
            )
        return cls([by_index[index] for index in range(len(by_index))], ids)


class _PlainUnpickler(pickle.Unpickler):
    """Reads dicts, texts and numbers only, since a pickle of anything else may run code."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"found {module}.{name}, expected a dict from labels to indices")
