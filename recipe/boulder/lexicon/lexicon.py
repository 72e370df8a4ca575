"""A lexicon: words with their distinct pronunciations."""

from collections.abc import Iterable

Pronunciation = tuple[str, ...]

Lexicon = dict[str, list[Pronunciation]]
"""word → distinct pronunciations. Words and pronunciations are sorted, so that equal lexica give equal files."""


def build(entries: Iterable[tuple[str, Iterable[str]]]) -> Lexicon:
    """
    :param entries: (word, phonemes) for each pronunciation, in any order; duplicates are merged
    :return: the lexicon, independent of the order of `entries`
    """
    found: dict[str, set[Pronunciation]] = {}
    for word, phonemes in entries:
        found.setdefault(word, set()).add(tuple(phonemes))
    return {word: sorted(found[word]) for word in sorted(found)}
