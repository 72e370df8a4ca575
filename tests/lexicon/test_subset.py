"""The split of a word and its rank in subsets depend on the word alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boulder.errors import ConfigError
from boulder.lexicon import SPLITS, part, select, split_of

words = st.text("abcdefghijklmnopqrstuvwxyz'", min_size=1, max_size=10)


def test_the_split_never_changes():
    by_part = {split: [] for split in SPLITS}
    for word in ["boulder", "pebble", "rock", "stone", "gravel", "sand", "cliff", "granite", "slate", "marble"]:
        by_part[split_of(word, 20, 20)].append(word)
    assert by_part == {
        "train": ["rock", "gravel", "sand", "cliff", "granite", "slate"],
        "dev": ["pebble", "stone"],
        "test": ["boulder", "marble"],
    }


@given(words, st.floats(0, 40), st.floats(0, 40), st.floats(0, 10))
def test_a_larger_percentage_only_adds_words_and_does_not_affect_the_other_split(word, dev, test, more):
    before = split_of(word, dev, test)
    assert (split_of(word, dev, test + more) == "dev") == (before == "dev")
    assert (split_of(word, dev + more, test) == "test") == (before == "test")
    if before == "dev":
        assert split_of(word, dev + more, test) == "dev"
    if before == "test":
        assert split_of(word, dev, test + more) == "test"


@given(st.sets(words, min_size=2, max_size=30), st.data())
def test_a_subset_contains_smaller_subsets(chosen, data):
    lexicon = {word: [("K",)] for word in sorted(chosen)}
    large = data.draw(st.integers(2, len(lexicon)))
    small = data.draw(st.integers(1, large))
    assert len(select(lexicon, small)) == small
    assert select(select(lexicon, large), small) == select(lexicon, small)
    assert list(select(lexicon, large)) == sorted(select(lexicon, large))


@pytest.mark.parametrize("percents", [(-1, 5), (5, -1), (50, 50), (0, 100)])
def test_invalid_percentages_are_refused(percents):
    with pytest.raises(ConfigError, match="expected non-negative percentages with a sum below 100"):
        split_of("boulder", *percents)


@pytest.mark.parametrize("number", [0, -1, 3, True, 1.0, None])
def test_an_invalid_number_of_words_is_refused(number):
    with pytest.raises(ConfigError, match=r"words to select: .*, expected 1 to 2"):
        select({"a": [("AH",)], "b": [("B", "IY")]}, number)


def test_an_unknown_split_is_refused():
    with pytest.raises(ConfigError, match="'eval', expected one of train, dev, test"):
        part({}, "eval", 5, 5)
