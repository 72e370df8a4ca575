"""Lexicon files: round trip, equal bytes for equal lexica, and messages that name the wrong line."""

import gzip
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boulder.errors import DataError
from boulder.lexicon import LETTERS, PHONEMES, build, read_lexicon, select, write_lexicon

entries = st.lists(
    st.tuples(
        st.text(LETTERS, min_size=1, max_size=8),
        st.lists(st.sampled_from(PHONEMES), min_size=1, max_size=8).map(tuple),
    ),
    min_size=1,
)


@pytest.mark.parametrize("suffix", ["tsv", "tsv.gz"])
@settings(max_examples=40, deadline=None)
@given(entries=entries)
def test_round_trip(tmp_path_factory, suffix, entries):
    path = tmp_path_factory.mktemp("lexicon") / f"lexicon.{suffix}"
    write_lexicon(path, build(entries))
    assert read_lexicon(path) == build(reversed(entries))


@pytest.mark.parametrize("suffix", ["tsv", "tsv.gz"])
def test_equal_lexica_give_equal_files(tmp_path, suffix, monkeypatch):
    for name, time in (("one", 1.0), ("two", 2e9)):
        monkeypatch.setattr("time.time", lambda time=time: time)
        write_lexicon(tmp_path / f"{name}.{suffix}", build([("a", ["EY"]), ("a", ["AH"])]))
    assert (tmp_path / f"one.{suffix}").read_bytes() == (tmp_path / f"two.{suffix}").read_bytes()


def test_the_file_is_plain_text(tmp_path):
    write_lexicon(tmp_path / "x.tsv", {"b": [("B", "IY")], "a": [("EY",), ("AH",)]})
    assert (tmp_path / "x.tsv").read_text() == "a\tAH\na\tEY\nb\tB IY\n"


def test_round_trip_of_the_words_of_the_demo(tmp_path, cmudict_lexicon):
    lexicon = select(cmudict_lexicon, 20_000)
    write_lexicon(tmp_path / "cmu.tsv.gz", lexicon)
    assert read_lexicon(tmp_path / "cmu.tsv.gz") == lexicon


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("a\tAH\nb B IY\n", "line 2: found 'b B IY', expected word<TAB>space-separated phonemes"),
        ("a\tAH\tEY\n", "line 1: found 'a\\\\tAH\\\\tEY'"),
        ("a\t\n", "line 1: found"),
        ("\tAH\n", "line 1: found"),
        ("a\tAH\n\nb\tB IY\n", "line 2: found ''"),
        ("a\tAH  B\n", "line 1: pronunciation 'AH  B': unknown phoneme ''"),
        ("a\tAH0\n", "line 1: pronunciation 'AH0': unknown phoneme 'AH0'; did you mean 'AH'"),
        ("A\tAH\n", "line 1: word 'A': 'A' is not a letter"),
        ("a\tAH\r\n", "line 1: .*unknown phoneme"),
        ("b\tB IY\na\tAH\nb\tB IY\n", "line 3: 'b' repeats line 1"),
    ],
)
def test_message_names_a_malformed_line(tmp_path, content, message):
    path = tmp_path / "x.tsv"
    path.write_bytes(content.encode())
    with pytest.raises(DataError, match=f"lexicon .*x.tsv,? {message}"):
        read_lexicon(path)


def test_message_names_a_line_that_is_not_utf8(tmp_path):
    (tmp_path / "x.tsv").write_bytes(b"a\tAH\n\xff\tAH\n")
    with pytest.raises(DataError, match="line 2: not UTF-8"):
        read_lexicon(tmp_path / "x.tsv")


def test_message_names_a_missing_or_corrupt_file(tmp_path):
    with pytest.raises(DataError, match=r"none.tsv cannot be read"):
        read_lexicon(tmp_path / "none.tsv")
    whole = gzip.compress(b"a\tAH\n" * 50)
    for name, content in (("cut", whole[:-9]), ("plain", b"a\tAH\n"), ("flipped", whole[:12] + b"\xff" + whole[13:])):
        (tmp_path / f"{name}.gz").write_bytes(content)
        with pytest.raises(DataError, match=f"{name}.gz cannot be read"):
            read_lexicon(tmp_path / f"{name}.gz")


@pytest.mark.parametrize("lexicon", [{"a": []}, {"a": [()]}, {"": [("AH",)]}, {"a": [("XX",)]}, {"é": [("AH",)]}])
def test_an_entry_that_could_not_be_read_is_not_written(tmp_path, lexicon):
    with pytest.raises(DataError):
        write_lexicon(tmp_path / "x.tsv", lexicon)
    assert os.listdir(tmp_path) == []


def test_a_failed_write_leaves_only_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "x.tsv"
    write_lexicon(path, {"a": [("AH",)]})

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_lexicon(path, {"b": [("B",)]})
    assert os.listdir(tmp_path) == ["x.tsv"]
    assert read_lexicon(path) == {"a": [("AH",)]}
