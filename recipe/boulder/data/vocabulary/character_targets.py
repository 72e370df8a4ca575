"""`CharacterTargets`: the characters of a text."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from boulder.data.vocabulary.vocabulary import Vocabulary, vocabulary_class


@vocabulary_class
@dataclass(kw_only=True, eq=False)
class CharacterTargets(Vocabulary):
    """
    The default of `unknown_label` is "@".
    """

    joined_by = ""

    unknown_label: str | int | None = "@"

    def label_ids(self, text: str, numbers: np.random.RandomState | None = None) -> list[int]:
        return self._ids(text)
