"""`BytePairEncoding`: subwords by merges of pairs.

R. Sennrich, B. Haddow, A. Birch: Neural Machine Translation of Rare Words with Subword Units. ACL 2016. The files are those
of subword-nmt.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np

from boulder.data.option_kinds import PATH
from boulder.data.vocabulary.vocabulary import Vocabulary, vocabulary_class
from boulder.errors import DataError
from boulder.file_content import read_text

_CONTINUED = "@@"  # at the end of a subword that does not end its word
_END = "</w>"


@vocabulary_class
@dataclass(kw_only=True, eq=False)
class BytePairEncoding(Vocabulary):
    """
    A subword that is not in the vocabulary is split again, as `apply_bpe.py --vocabulary` of subword-nmt does.

    :param bpe_file: a merge of two symbols in each line, the first one with the highest priority; the line `#version: 0.2`
        says that the end of a word is not a symbol of its own
    """

    bpe_file: str = field(metadata=PATH)

    def label_ids(self, text: str, numbers: np.random.RandomState | None = None) -> list[int]:
        return self._ids([label for word in _words(text) for label in self._of_word(*word)])

    def check(self) -> None:
        super().check()
        _ = self._merges

    def _of_word(self, word: str, is_placeholder: bool) -> Sequence[str]:
        if is_placeholder:
            return [word]
        if word not in self._cache:
            *parts, last = self._subwords(word)
            self._cache[word] = [*(part + _CONTINUED for part in parts), last]
        return self._cache[word]

    @cached_property
    def _cache(self) -> dict[str, Sequence[str]]:
        return {}

    @cached_property
    def _merges(self) -> _Merges:
        return _Merges.read(Path(self.bpe_file))

    def _subwords(self, word: str) -> list[str]:
        symbols = self._merges.merged(word)
        if len(symbols) == 1 and not self._merges.end_is_symbol and len(word) == 1:
            return [word]
        if symbols[-1] == _END:
            symbols = symbols[:-1]
        else:
            symbols[-1] = symbols[-1].replace(_END, "")
        last = len(symbols) - 1
        return [part for i, symbol in enumerate(symbols) for part in self._known_parts(symbol, i == last)]

    def _known_parts(self, symbol: str, final: bool) -> Iterator[str]:
        """:return: the symbol, or the parts that it was merged of, until they are in the vocabulary or cannot be split"""
        if (symbol if final else symbol + _CONTINUED) in self._table.ids:
            yield symbol
            return
        pair = self._merges.pairs.get(symbol + _END if final else symbol)
        if pair is None:
            yield symbol
            return
        left, right = pair
        yield from self._known_parts(left, False)
        yield from self._known_parts(right.removesuffix(_END) if final else right, final)


@dataclass(frozen=True)
class _Merges:
    """
    :param ranks: pair of symbols → its priority, 0 is the highest
    :param pairs: merged symbol → the pair
    :param end_is_symbol: whether the end of a word is a symbol of its own
    """

    ranks: dict[tuple[str, ...], int]
    pairs: dict[str, tuple[str, ...]]
    end_is_symbol: bool

    @classmethod
    def read(cls, path: Path) -> _Merges:
        """:raises DataError: if the file cannot be read or has another format"""
        lines = read_text(path).splitlines()
        version = "0.1"
        if lines and lines[0].startswith("#version:"):
            version = lines[0].split()[-1].removesuffix(".0")
        if version not in ("0.1", "0.2"):
            raise DataError(f"{path}: found version {version!r}, expected 0.1 or 0.2")
        merges = [tuple(line.split()) for line in lines]
        for number, merge in enumerate(merges, 1):
            if len(merge) != 2:
                raise DataError(f"{path}: line {number}: found {lines[number - 1]!r:.60}, expected two symbols")
        ranks = {
            merge: rank for rank, merge in reversed(list(enumerate(merges)))
        }  # of equal lines the first one counts
        return cls(ranks, {left + right: (left, right) for left, right in ranks}, version == "0.1")

    def merged(self, word: str) -> list[str]:
        """:return: the symbols of a word, after all merges"""
        symbols = [*word, _END] if self.end_is_symbol else [*word[:-1], word[-1] + _END]
        while len(symbols) > 1:
            best = min(pairwise(symbols), key=lambda pair: self.ranks.get(pair, math.inf))
            if best not in self.ranks:
                break
            symbols = _joined(symbols, best)
        return symbols


def _joined(symbols: list[str], pair: tuple[str, str]) -> list[str]:
    """:return: the symbols, with each occurrence of the pair, from the left, as one symbol"""
    result: list[str] = []
    position = 0
    while position < len(symbols):
        found = tuple(symbols[position : position + 2]) == pair
        result.append("".join(pair) if found else symbols[position])
        position += 2 if found else 1
    return result


def _words(text: str) -> Iterator[tuple[str, bool]]:
    """:return: (word, whether it is a placeholder, which is not split): `$NAME`, and after it `{…` up to the next word with `}`"""
    named = braced = False
    for word in text.split():
        if word[0] == "$" and len(word) > 1:
            named = True
        elif named and word[0] == "{":
            braced = True
        elif not (braced and word[0] != "}"):
            named = braced = False
            yield word, False
            continue
        yield word, True
