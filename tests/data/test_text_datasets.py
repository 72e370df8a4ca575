"""Lines of text as labels; tests/parity/test_readers_like_returnn.py compares them with RETURNN's."""

import gzip
import pickle

import numpy as np
import pytest

from boulder.data import open_dataset, read_batch
from boulder.data.description import canonical_description
from boulder.data.text.orthography import Orthography
from boulder.data.text.text_lines import TextLines
from boulder.errors import DataError

pytestmark = pytest.mark.filterwarnings("ignore:.*last line has no line break")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "source.train").write_text("a b\nc\n")
    (tmp_path / "target.train.gz").write_bytes(gzip.compress(b"A\nB x"))
    for side, words in (("source", "abc"), ("target", "ABU")):
        (tmp_path / f"{side}.vocab.pkl").write_bytes(pickle.dumps({word: i for i, word in enumerate(words)}))
    (tmp_path / "words.txt").write_text("a\nb\n[END]\n[START]\n")
    (tmp_path / "lines.txt").write_text("a b a\n\nb\nb c\nrest")
    return tmp_path


def translation(folder, **options) -> dict:
    return {"class": "TranslationDataset", "path": str(folder), "file_postfix": "train", **options}


def lm(folder, **options) -> dict:
    files = {"corpus_file": [str(folder / "lines.txt")], "orth_symbols_file": str(folder / "words.txt")}
    return {"class": "LmDataset", "word_based": True, **files, **options}


def contents(description: dict) -> list:
    with open_dataset(description) as dataset:
        dataset.check()
        order = dataset.epoch_order(1, 1, "default")
        return [{key: array.tolist() for key, array in sequence.items()} for sequence in dataset.read_many(order)]


def test_two_languages_are_two_streams(folder):
    with open_dataset(translation(folder, unknown_label={"classes": "U"})) as dataset:
        dataset.check()
        batch = read_batch(dataset, np.array([1, 0]))
        assert batch.tags == ["line-1", "line-0"]
        assert {key: array.tolist() for key, array in batch.data.items()} == {
            "data": [[2, 0], [0, 1]],
            "classes": [[1, 2], [0, 0]],
        }
        assert dataset.measured_lengths["classes"].tolist() == [1, 2]
        assert dataset.label_names("classes") == ["A", "B", "U"]


def test_the_target_may_be_missing(folder):
    (folder / "target.train.gz").unlink()
    assert contents(translation(folder, search_without_reference=True)) == [{"data": [0, 1]}, {"data": [2]}]
    (folder / "target.vocab.pkl").unlink()
    assert contents(translation(folder, source_only=True, source_postfix=" a")) == [
        {"data": [0, 1, 0]},
        {"data": [2, 0]},
    ]


def test_lines_become_labels_of_words(folder):
    found = contents(lm(folder, error_on_invalid_seq=False, add_delayed_seq_data=True))
    assert found == [{"data": [0, 1, 0, 2], "delayed": [3, 0, 1, 0]}, {"data": [1, 2], "delayed": [3, 1]}]
    assert contents(lm(folder, auto_replace_unknown_symbol=True, unknown_symbol=None))[2] == {"data": [1, 2]}
    assert contents(lm(folder, seq_end_symbol=None, auto_replace_unknown_symbol=True, unknown_symbol="a"))[2] == {
        "data": [1, 0]
    }


def test_a_function_may_change_each_line(folder):
    assert contents(lm(folder, orth_post_process=[str.strip, "lowercase", lambda text: "b"])) == [{"data": [1, 2]}] * 3


def test_functions_may_name_the_files(folder):
    found = lm(
        folder, corpus_file=lambda: [str(folder / "lines.txt")], orth_symbols_file=lambda: str(folder / "words.txt")
    )
    assert canonical_description(found) == canonical_description(lm(folder))
    with pytest.raises(DataError, match="corpus_file: the function failed with ZeroDivisionError: division by zero"):
        canonical_description(lm(folder, corpus_file=lambda: 1 / 0))
    with pytest.raises(DataError, match="corpus_file: found 3, expected paths"):
        canonical_description(lm(folder, corpus_file=lambda: 3))


def test_tags_of_lines_may_be_given(folder):
    (folder / "tags").write_text("x\ny\nz")
    with open_dataset(lm(folder, seq_list_file=str(folder / "tags"))) as dataset:
        assert dataset.tags([2, 0]) == ["z", "x"]


def test_a_rest_without_a_line_break_is_left_out_with_a_warning(folder):
    with pytest.warns(UserWarning, match=r"lines\.txt: the last line has no line break and is left out, as in RETURNN"):
        assert len(TextLines(folder / "lines.txt", needs_break=True)) == 4
    assert TextLines(folder / "lines.txt")[4] == "rest"


def test_empty_files_have_no_lines(folder):
    (folder / "empty").write_text("")
    (folder / "empty.gz").write_bytes(gzip.compress(b""))
    assert [len(TextLines(folder / name)) for name in ("empty", "empty.gz")] == [0, 0]


@pytest.mark.parametrize("name", ["words.txt", "source.vocab.pkl", "replaced.json"])
def test_the_fingerprint_changes_with_the_labels(folder, name):
    (folder / "replaced.json").write_text('{"a": "b"}')
    texts = [lm(folder, orth_replace_map_file=str(folder / "replaced.json")), translation(folder)]
    before = [open_dataset(description).full_fingerprint() for description in texts]
    words = {"b": 0, "a": 1, "c": 2}
    (folder / name).write_bytes(pickle.dumps(words) if name.endswith("pkl") else b'{"b": "a"}')
    assert [open_dataset(description).full_fingerprint() for description in texts] != before


@pytest.mark.parametrize(
    ("word_based", "symbols"),
    [(False, ["a", " ", "[X[Y]Z]", "b", " ", "[Q]"]), (True, ["a", "[X[Y]Z]b", "[Q]"])],
)
def test_brackets_hold_one_symbol(word_based, symbols):
    assert Orthography(word_based=word_based, postfix=()).symbols("  a (\t[x[y]z]b [q]") == symbols


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, r"source\.train: sequence 'line-1': 'classes': found no word 'x' in the vocabulary, and there is no 'unknown_l"),
        ({"file_postfix": "dev"}, r"source\.dev: no such file, and none with \.gz"),
        ({"unknown_label": "U"}, r"unknown_label: found 'U', expected a word of .*source\.vocab\.pkl"),
        ({"unknown_label": {"text": "U"}}, "unknown_label: found 'text': 'U', expected a word for 'data' and for 'classes'"),
        ({"source_only": 1}, "source_only: found 1, expected True or False"),
        ({"path": "/no"}, r"/no/source\.vocab\.pkl: no such file"),
    ],
)  # fmt: skip
def test_wrong_translations_are_reported(folder, options, message):
    with pytest.raises(DataError, match=message):
        contents(translation(folder, **options))


def test_languages_of_different_length_are_reported(folder):
    (folder / "target.train.gz").write_bytes(gzip.compress(b"A"))
    with pytest.raises(DataError, match="found 2 lines of the source and 1 of the target"):
        contents(translation(folder))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, r"lines\.txt: sequence 'line-2': found no label for the symbol 'c'"),
        ({"corpus_file": []}, "corpus_file: found none"),
        ({"corpus_file": ["/no"]}, "/no: no such file, expected a text file"),
        ({"orth_symbols_file": None}, "found no vocabulary, expected one of orth_vocab, orth_symbols_file, orth_symbols_map"),
        ({"orth_vocab": {"labels": ["a"]}}, "found orth_vocab and orth_symbols_file, expected one of"),
        ({"orth_symbols_file": None, "orth_vocab": {"vocab": 1}}, "orth_vocab: Vocabulary has no option 'vocab'"),
        ({"parse_orth_opts": {"prefx": []}}, "parse_orth_opts: found 'prefx', .*; did you mean 'prefix'"),
        ({"auto_replace_unknown_symbol": True}, r"words\.txt: found no unknown_symbol '\[UNKNOWN\]', which replaces"),
        ({"add_delayed_seq_data": True, "delayed_seq_data_start_symbol": "x"}, "start_symbol: found 'x', which has no label"),
        ({"orth_post_process": "english_cleaners"}, "orth_post_process: found 'english_cleaners', which needs the package inflect"),
        ({"seq_list_file": "words.txt"}, "words.txt: no such file"),
    ],
)  # fmt: skip
def test_wrong_texts_are_reported(folder, options, message):
    with pytest.raises(DataError, match=message):
        contents(lm(folder) | options)
