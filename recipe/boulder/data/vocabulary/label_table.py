"""`LabelTable`: the labels of a vocabulary, in memory and in files."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from boulder.data.plain_pickle import unpickled
from boulder.errors import DataError, named
from boulder.file_content import read_content, read_text


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
        if path.suffix == ".pkl":
            content = read_content(path)
            with named(f"{path}: cannot be read as a vocabulary"):
                ids = unpickled(content)
        else:
            text = read_text(path).replace("\r\n", "\n").replace("\r", "\n")  # as files opened as text
            if not text.startswith("{"):
                return cls.of_names(text.splitlines())
            try:
                ids = ast.literal_eval(text)
            except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
                raise DataError(f"{path}: cannot be read as a vocabulary: {' '.join(str(error).split())}") from error
        if not isinstance(ids, dict):
            raise DataError(f"{path}: found a {type(ids).__name__}, expected a dict from labels to indices")
        return cls.of_ids(ids, path)

    @classmethod
    def of_ids(cls, ids: Mapping[str, int], where: object) -> LabelTable:
        """
        :param where: the file, for messages
        :raises DataError: if an index has no label, or is no number
        """
        for label, index in ids.items():
            if not isinstance(label, str) or not isinstance(index, int):
                raise DataError(f"{where}: found {label!r:.60}: {index!r:.60}, expected a label and its index")
        by_index = {index: label for label, index in sorted(ids.items())}
        if sorted(by_index) != list(range(len(by_index))):
            missing = next((i for i in range(len(by_index)) if i not in by_index), len(by_index))
            raise DataError(
                f"{where}: no label has the index {missing}, expected a label for each of {len(by_index)} indices"
            )
        return cls([by_index[index] for index in range(len(by_index))], ids)
