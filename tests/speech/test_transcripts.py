"""Transcript files."""

import pytest

from boulder.errors import DataError
from boulder.speech import read_transcripts, write_transcripts


def test_transcripts_are_read_as_they_were_written(tmp_path):
    transcripts = {"b/2": "", "a/1": "one two", "ü v": "«привет»\u2028"}
    write_transcripts(tmp_path / "t.txt", transcripts)
    assert list(read_transcripts(tmp_path / "t.txt").items()) == list(transcripts.items())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a.wav\tone\nb.wav two\n", r"line 2: found 'b.wav two', expected name<TAB>text"),
        ("a.wav\tone\ttwo\n", r"line 1: found 'a.wav\\tone\\ttwo', expected"),
        ("\tone\n", "line 1"),
        ("a\tone\n\na\ttwo\n", "line 3: 'a' is also in line 1"),
        ("\n", "found no recordings"),
    ],
)
def test_a_wrong_line_is_an_error_that_names_it(tmp_path, text, message):
    (tmp_path / "t.txt").write_text(text)
    with pytest.raises(DataError, match=message):
        read_transcripts(tmp_path / "t.txt")


def test_a_missing_file_and_other_bytes_are_errors(tmp_path):
    with pytest.raises(DataError, match=r"t\.txt cannot be read"):
        read_transcripts(tmp_path / "t.txt")
    (tmp_path / "t.txt").write_bytes(b"a.wav\t\xff\n")
    with pytest.raises(DataError, match=r"t\.txt cannot be read"):
        read_transcripts(tmp_path / "t.txt")


def test_what_could_not_be_read_back_is_not_written(tmp_path):
    for text in ("one\ttwo", "one\ntwo"):
        with pytest.raises(DataError, match="line 1"):
            write_transcripts(tmp_path / "t.txt", {"a.wav": text})
    assert not (tmp_path / "t.txt").exists()
