"""`TranslationDataset`: lines of text in two languages. File names and rules are RETURNN's."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from boulder.data.dataset import dataset_class
from boulder.data.option_checks import check_flags
from boulder.data.option_kinds import PATH
from boulder.data.streams import Stream
from boulder.data.text.text_dataset import TextDataset
from boulder.data.text.text_lines import TextLines
from boulder.data.vocabulary.label_table import LabelTable
from boulder.errors import DataError

_SIDES = {"data": "source", "classes": "target"}


@dataset_class("TranslationDataset")
@dataclass(kw_only=True, eq=False)
class TranslationDataset(TextDataset):
    """
    "data" are the words of the source, "classes" those of the target. The sequences are named line-0, line-1, …. The folder
    has the files `source.POSTFIX` and `target.POSTFIX`, or these with `.gz`, with the same number of lines, and the
    vocabularies `source.vocab.pkl` and `target.vocab.pkl`, pickled dicts from words to labels.

    :param path: the folder
    :param file_postfix: end of the file names, such as "train"
    :param source_postfix: text at the end of each line of the source, such as " </S>"
    :param target_postfix: the same for the target
    :param source_only: whether there is no target
    :param search_without_reference: whether the target is not read, only its vocabulary
    :param unknown_label: the word that stands for words that are not in the vocabulary, or stream → word; None: such words are
        an error
    """

    path: str | os.PathLike[str] = field(metadata=PATH)
    file_postfix: str
    source_postfix: str = ""
    target_postfix: str = ""
    source_only: bool = False
    search_without_reference: bool = False
    unknown_label: str | Mapping[str, str | None] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("file_postfix", "source_postfix", "target_postfix"):
            if not isinstance(getattr(self, name), str):
                raise DataError(f"{name}: found {getattr(self, name)!r:.60}, expected a text")
        check_flags(self, ["source_only", "search_without_reference"])
        unknown = self.unknown_label
        unknown = unknown if isinstance(unknown, Mapping) else dict.fromkeys(_SIDES, unknown)
        for key, word in unknown.items():
            if key not in _SIDES or not isinstance(word, str | None):
                raise DataError(
                    f"unknown_label: found {key!r}: {word!r:.60}, expected a word for 'data' and for 'classes'"
                )
        self._unknown = unknown

    @classmethod
    def further_files(cls, options: Mapping[str, Any]) -> list[str]:
        path = options["path"]
        folder = Path(path.get_path() if hasattr(path, "get_path") else path)
        names = [f"{side}.{end}" for side in _SIDES.values() for end in (options["file_postfix"], "vocab.pkl")]
        found = [folder / name for name in (*names, *(f"{name}.gz" for name in names))]
        return [str(file) for file in found if file.exists()]

    @cached_property
    def texts(self) -> dict[str, TextLines]:
        names = [side for key, side in _SIDES.items() if key in self.found_streams]
        lines = {name: TextLines(self._file(name)) for name in names}
        counts = {name: len(found) for name, found in lines.items()}
        if len({*counts.values()}) > 1:
            raise DataError(
                f"{self.path}: found {counts['source']} lines of the source and {counts['target']} of the target"
            )
        return lines

    @property
    def label_files(self) -> list[str]:
        return [str(self._vocabulary_file(key)) for key in self.stream_names]

    @property
    def stream_names(self) -> list[str]:
        return ["data"] if self.source_only or self.search_without_reference else ["data", "classes"]

    @cached_property
    def found_streams(self) -> dict[str, Stream]:
        return {key: Stream(key, len(self._table(key).names), sparse=True) for key in self.stream_names}

    @property
    def num_seqs(self) -> int:
        return len(self.texts["source"])

    def labels_of(self, index: int, keys: Sequence[str]) -> dict[str, list[int]]:
        return {key: self._ids(key, self.texts[_SIDES[key]][index]) for key in keys}

    def tags(self, indices: Sequence[int] | np.ndarray) -> list[str]:
        for index in indices:
            self.check_index(int(index))
        return [f"line-{index}" for index in indices]

    def label_names(self, key: str) -> list[str] | None:
        return list(self._table(key).names) if key in _SIDES and not (self.source_only and key == "classes") else None

    def _ids(self, key: str, line: str) -> list[int]:
        ids, unknown = self._table(key).ids, self._unknown.get(key)
        words = (line + (self.source_postfix if key == "data" else self.target_postfix)).split()
        if unknown is not None:
            return [ids.get(word, ids[unknown]) for word in words]
        for word in words:
            if word not in ids:
                raise DataError(
                    f"{key!r}: found no word {word!r:.60} in the vocabulary, and there is no 'unknown_label'"
                )
        return [ids[word] for word in words]

    def _table(self, key: str) -> LabelTable:
        if key not in self._tables:
            path = self._vocabulary_file(key)
            self._tables[key] = table = LabelTable.read(path)
            unknown = self._unknown.get(key)
            if unknown is not None and unknown not in table.ids:
                raise DataError(f"unknown_label: found {unknown!r:.60}, expected a word of {path}")
        return self._tables[key]

    @cached_property
    def _tables(self) -> dict[str, LabelTable]:
        return {}

    def _vocabulary_file(self, key: str) -> Path:
        return Path(self.path) / f"{_SIDES[key]}.vocab.pkl"

    def _file(self, side: str) -> Path:
        path = Path(self.path) / f"{side}.{self.file_postfix}"
        packed = path.with_name(path.name + ".gz")
        if not path.exists() and not packed.exists():
            raise DataError(f"{path}: no such file, and none with .gz, expected lines of text")
        return path if path.exists() else packed
