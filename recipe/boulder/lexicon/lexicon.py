"""What a lexicon is: words and their distinct pronunciations."""

from collections.abc import Iterable

Pronunciation = tuple[str, ...]

Lexicon = dict[str, list[Pronunciation]]
"""word → its distinct pronunciations, sorted; the words sorted too, so that equal lexica make equal files"""


def build(entries: Iterable[tuple[str, Iterable[str]]]) -> Lexicon:
    """
    :param entries: (word, phonemes), a word as often as it has pronunciations, in any order, repeats allowed
    :return: the lexicon, the same for every order of `entries`
    """
    found: dict[str, set[Pronunciation]] = {}
    for word, phonemes in entries:
        found.setdefault(word, set()).add(tuple(phonemes))
    return {word: sorted(found[word]) for word in sorted(found)}
