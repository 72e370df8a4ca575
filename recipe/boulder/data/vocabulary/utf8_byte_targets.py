"""`Utf8ByteTargets`: the bytes of a text in UTF-8."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from boulder.data.vocabulary.label_table import LabelTable
from boulder.data.vocabulary.vocabulary import Vocabulary, vocabulary_class
from boulder.errors import DataError


@vocabulary_class
@dataclass(kw_only=True, eq=False)
class Utf8ByteTargets(Vocabulary):
    """
    There are 256 labels, so neither `vocab_file` nor `unknown_label`.
    """

    joined_by = None
    names_option = None

    unknown_label: str | int | None = None

    @property
    def where(self) -> str:
        return "bytes"

    def label_ids(self, text: str, numbers: np.random.RandomState | None = None) -> list[int]:
        return [*text.encode("utf8"), *self._postfix]

    def _check_source(self) -> None:
        for name in ("vocab_file", "unknown_label"):
            if getattr(self, name) is not None:
                raise DataError(
                    f"{name}: found {getattr(self, name)!r:.60}, expected none: the labels are the 256 bytes"
                )

    @cached_property
    def _table(self) -> LabelTable:
        return LabelTable.of_names([chr(byte) for byte in range(256)])
