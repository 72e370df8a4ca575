"""`SamplingBytePairEncoding`: subwords of a random segmentation into labels of the vocabulary."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from boulder.data.option_checks import is_number
from boulder.data.vocabulary.vocabulary import NOT_SET, Vocabulary, vocabulary_class
from boulder.errors import DataError

_DEFAULT = "@@"


@vocabulary_class
@dataclass(kw_only=True, eq=False)
class SamplingBytePairEncoding(Vocabulary):
    """
    A depth-first search in the tree of all labels, character by character. It prefers the longest labels; before each
    character it draws whether to prefer the shortest one instead.

    :param breadth_prob: the probability of the latter
    :param label_postfix_merge_symbol: end of labels that do not end their word; None: there are no such labels; "@@" by default
        if there is no `word_prefix_symbol` either
    :param word_prefix_symbol: begin of labels that begin a word; None: there are no such labels
    """

    breadth_prob: float
    label_postfix_merge_symbol: str | None = NOT_SET
    word_prefix_symbol: str | None = NOT_SET

    def __post_init__(self) -> None:
        super().__post_init__()
        if not is_number(self.breadth_prob):
            raise DataError(f"breadth_prob: found {self.breadth_prob!r:.60}, expected a probability")
        if self._continued is not None and self._prefix is not None:
            raise DataError("found label_postfix_merge_symbol and word_prefix_symbol, expected one of them")

    @property
    def is_random(self) -> bool:
        return 0 < self.breadth_prob < 1

    def label_ids(self, text: str, numbers: np.random.RandomState | None = None) -> list[int]:
        labels: list[str] = []
        for word in text.split():
            found = self._segmented(word, numbers)
            if found is None and self._unknown_id is None:
                raise DataError(f"found no labels in {self.where} that make up the word {word!r:.60}")
            labels += [self.names[self._unknown_id]] if found is None else found  # type: ignore[index]
        return self._ids(labels)

    @property
    def _continued(self) -> str | None:
        if self.label_postfix_merge_symbol is NOT_SET:
            return _DEFAULT if self.word_prefix_symbol is NOT_SET else None
        return self.label_postfix_merge_symbol

    @property
    def _prefix(self) -> str | None:
        return None if self.word_prefix_symbol is NOT_SET else self.word_prefix_symbol

    @cached_property
    def _tree(self) -> _Node:
        root = _Node("")
        for label in self.names:
            root.add(label, self._continued, self._prefix)
        return root

    def _segmented(self, word: str, numbers: np.random.RandomState | None) -> list[str] | None:
        """:return: labels that make up the word; None if there are none"""
        first = self._tree
        if self._prefix is not None:
            if self._prefix not in first.next:
                raise DataError(f"found no label in {self.where} that begins with {self._prefix!r}")
            first = first.next[self._prefix]
        waiting: list[tuple[list[str], _Node, int]] = [([], first, 0)]
        while waiting:
            labels, node, position = waiting.pop()
            character = word[position]
            shorter = self._tree.next.get(character)
            longer = node.next.get(character)
            further: list[tuple[list[str], _Node, int]] = []
            if shorter is not None and node.is_continued:
                further.append(([*labels, f"{node.text}{self._continued}"], shorter, position + 1))
            if shorter is not None and node.is_label and self._prefix is not None:
                further.append(([*labels, node.text], shorter, position + 1))
            if longer is not None:
                further.append((labels, longer, position + 1))
            if self._draws_shortest(numbers):
                further.reverse()
            found = None
            for state in further:
                if state[2] < len(word):
                    waiting.append(state)
                elif state[1].is_label:
                    found = [*state[0], state[1].text]
            if found is not None:
                return found
        return None

    def _draws_shortest(self, numbers: np.random.RandomState | None) -> bool:
        if not self.is_random or numbers is None:
            return self.breadth_prob >= 1
        return numbers.random_sample() <= self.breadth_prob


@dataclass
class _Node:
    """
    :param text: the characters up to this node
    :param next: character → node
    :param is_label: whether the text is a label
    :param is_continued: whether the text with the symbol of a continued word is a label
    """

    text: str
    next: dict[str, _Node] = field(default_factory=dict)
    is_label: bool = False
    is_continued: bool = False

    def add(self, label: str, continued: str | None, prefix: str | None) -> None:
        node, rest = self, label
        if prefix and rest.startswith(prefix):
            node, rest = node._child(prefix), rest[len(prefix) :]
        while rest:
            if rest == continued:
                node.is_continued = True
                node, rest = node._child(rest), ""
            else:
                node, rest = node._child(rest[0]), rest[1:]
        node.is_label = True

    def _child(self, arc: str) -> _Node:
        return self.next.setdefault(arc, _Node(self.text + arc))
