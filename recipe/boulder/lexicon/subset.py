"""Which words are for training, development and test, and which make a smaller lexicon: by a hash of the word alone."""

import hashlib

from boulder.errors import ConfigError
from boulder.lexicon.lexicon import Lexicon

SPLITS = ("train", "dev", "test")


def split_of(word: str, dev_percent: float, test_percent: float) -> str:
    """
    :param word: decides alone, so all its pronunciations are in the same part, whatever other words there are
    :param dev_percent: share of the words in "dev", 0 to below 100
    :param test_percent: share of the words in "test". The test words do not depend on `dev_percent`, and more percent
        only adds words to the part.
    :return: "train", "dev" or "test"
    :raises ConfigError: percentages that are negative, or leave nothing for training
    """
    if dev_percent < 0 or test_percent < 0 or dev_percent + test_percent >= 100:
        raise ConfigError(
            f"split of the lexicon: {dev_percent} % for dev and {test_percent} % for test, "
            f"expected neither negative and together below 100"
        )
    place = _uniform("split", word) * 100
    if place < test_percent:
        return "test"
    # Counted from the other end, so that a change of one percentage leaves the other's words as they are.
    return "dev" if place >= 100 - dev_percent else "train"


def part(lexicon: Lexicon, split: str, dev_percent: float, test_percent: float) -> Lexicon:
    """
    :param split: one of SPLITS
    :return: the words of that part with all their pronunciations
    :raises ConfigError: an unknown split, or as :func:`split_of`
    """
    if split not in SPLITS:
        raise ConfigError(f"split of the lexicon: {split!r}, expected one of {', '.join(SPLITS)}")
    return {word: prons for word, prons in lexicon.items() if split_of(word, dev_percent, test_percent) == split}


def select(lexicon: Lexicon, num_words: int) -> Lexicon:
    """
    :param num_words: how many words to keep, 1 to all
    :return: a subset spread over the whole alphabet, in the lexicon's order. A larger one of the same lexicon contains
        the smaller ones, and the choice is independent of :func:`split_of`.
    :raises ConfigError: a number that is no such count
    """
    if isinstance(num_words, bool) or not isinstance(num_words, int) or not 1 <= num_words <= len(lexicon):
        raise ConfigError(f"words to select: {num_words!r}, expected 1 to {len(lexicon)} (all of the lexicon)")
    # The word itself breaks the tie that two equal hashes would be.
    chosen = set(sorted(lexicon, key=lambda word: (_uniform("select", word), word))[:num_words])
    return {word: prons for word, prons in lexicon.items() if word in chosen}


def _uniform(purpose: str, word: str) -> float:
    """:return: a number in [0, 1) that depends on both and is the same on every machine, unlike Python's hash()"""
    digest = hashlib.sha256(f"{purpose}:{word}".encode()).digest()
    # 53 bits are what a float holds exactly: more would round, at worst up to 1.0.
    return (int.from_bytes(digest[:8]) >> 11) / 2**53
