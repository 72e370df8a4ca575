"""Splits of a lexicon into train, dev and test, and subsets of it, both by a hash of the word alone."""

import hashlib

from boulder.errors import ConfigError
from boulder.lexicon.lexicon import Lexicon

SPLITS = ("train", "dev", "test")


def split_of(word: str, dev_percent: float, test_percent: float) -> str:
    """
    Assigns a word, with all its pronunciations, to a split. The result does not depend on other words.

    :param dev_percent: percentage of words in "dev", 0 to below 100; does not affect which words are in "test"
    :param test_percent: percentage of words in "test"; a larger percentage only adds words
    :return: "train", "dev" or "test"
    :raises ConfigError: if a percentage is negative, or nothing is left for training
    """
    if dev_percent < 0 or test_percent < 0 or dev_percent + test_percent >= 100:
        raise ConfigError(
            f"split of the lexicon: {dev_percent} % for dev and {test_percent} % for test, "
            "expected non-negative percentages with a sum below 100"
        )
    place = _uniform("split", word) * 100
    if place < test_percent:
        return "test"
    # dev is taken from the other end, so that neither percentage affects the words of the other split
    return "dev" if place >= 100 - dev_percent else "train"


def part(lexicon: Lexicon, split: str, dev_percent: float, test_percent: float) -> Lexicon:
    """
    :param split: one of SPLITS
    :return: the words of that split with all their pronunciations
    :raises ConfigError: for an unknown split, or wrong percentages
    """
    if split not in SPLITS:
        raise ConfigError(f"split of the lexicon: {split!r}, expected one of {', '.join(SPLITS)}")
    return {word: prons for word, prons in lexicon.items() if split_of(word, dev_percent, test_percent) == split}


def select(lexicon: Lexicon, num_words: int) -> Lexicon:
    """
    Selects words by their hash: a sample over the whole alphabet, independent of :func:`split_of`.

    A larger subset of a lexicon contains the smaller ones.

    :param num_words: number of words, from 1 to the size of the lexicon
    :raises ConfigError: if `num_words` is out of range
    """
    if isinstance(num_words, bool) or not isinstance(num_words, int) or not 1 <= num_words <= len(lexicon):
        raise ConfigError(f"words to select: {num_words!r}, expected 1 to {len(lexicon)} (all of the lexicon)")
    # equal hashes are ordered by the word
    chosen = set(sorted(lexicon, key=lambda word: (_uniform("select", word), word))[:num_words])
    return {word: prons for word, prons in lexicon.items() if word in chosen}


def _uniform(purpose: str, word: str) -> float:
    """:return: a hash in [0, 1) of both arguments, the same on every machine, unlike Python's `hash`"""
    digest = hashlib.sha256(f"{purpose}:{word}".encode()).digest()
    # a float holds 53 bits exactly; more bits could round to 1.0
    return (int.from_bytes(digest[:8]) >> 11) / 2**53
