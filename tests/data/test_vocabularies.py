"""Text → class indices. tests/parity compares them with RETURNN's vocabularies."""

import contextlib
import gzip
import pickle

import numpy as np
import pytest

from boulder.data import canonical_description, paths_in
from boulder.data.vocabulary import open_vocabulary
from boulder.errors import DataError

LETTERS = {"class": "CharacterTargets", "labels": ["@", " ", "a", "b"]}


def test_words_characters_and_bytes():
    words = open_vocabulary({"labels": ["UNK", "low", "er"], "seq_postfix": [2]})
    assert words.label_ids(" low  high er ") == [1, 0, 2, 2]
    assert open_vocabulary(LETTERS).label_ids("ab c") == [2, 3, 1, 0]
    assert open_vocabulary({"class": "Utf8ByteTargets", "seq_postfix": [0]}).label_ids("aé") == [97, 195, 169, 0]


def test_labels_with_white_space_are_found_between_single_blanks():
    options = {"labels": ["UNK", "a b", "a"], "single_whitespace_split": True}
    assert open_vocabulary(options).label_ids("a b a c") == [1, 2, 0]
    assert open_vocabulary(options | {"single_whitespace_split": False}).label_ids("a b a c") == [2, 0, 2, 0]


@pytest.fixture
def bpe(tmp_path) -> dict:
    """subword-nmt's example: low, lower, newest, widest"""
    (tmp_path / "codes").write_text("#version: 0.2\nl o\nlo w\nlow e\ne s\nes t</w>\nlowe r</w>\n")
    labels = ["UNK", "low@@", "lower", "est", "w@@", "n@@", "e@@", "i@@", "d@@", "lo@@", "w", "r", "l@@", "o@@"]
    (tmp_path / "vocab").write_text(repr({label: i for i, label in enumerate(labels)}))
    return {"vocab_file": str(tmp_path / "vocab"), "bpe_file": str(tmp_path / "codes")}


def labels(description: dict, text: str) -> str:
    vocabulary = open_vocabulary(description)
    vocabulary.check()
    return " ".join(vocabulary.names[i] for i in vocabulary.label_ids(text))


def test_merges_apply_by_rank_and_unknown_units_are_split_again(bpe):
    assert labels(bpe, "lower newest widest") == "lower n@@ e@@ w@@ est w@@ i@@ d@@ est"
    assert labels(bpe, "low lowed") == "lo@@ w low@@ e@@ UNK"  # "low" is no label, nor "lowe@@"
    assert labels(bpe, "ax") == "UNK UNK"


def test_sampled_units_make_up_their_words(tmp_path):
    (tmp_path / "vocab").write_text("\n".join(["a", "b", "a@@", "b@@", "ab", "ab@@", "ba"]))
    options = {"class": "SamplingBytePairEncoding", "vocab_file": str(tmp_path / "vocab"), "unknown_label": None}
    assert labels(options | {"breadth_prob": 0.0}, "abab ba") == "ab@@ ab ba"
    sampled = open_vocabulary(options | {"breadth_prob": 0.5})
    found = {tuple(sampled.label_ids("abab", np.random.RandomState(seed))) for seed in range(50)}
    assert len(found) > 3
    assert {"".join(sampled.names[i].removesuffix("@@") for i in ids) for ids in found} == {"abab"}
    assert sampled.is_random
    assert not open_vocabulary(options | {"breadth_prob": 1}).is_random


def test_files_may_be_gzipped_and_special_symbols_come_from_a_file(tmp_path):
    (tmp_path / "vocab.gz").write_bytes(gzip.compress(b"<unk>\na\r\nb"))
    (tmp_path / "symbols").write_text("{'unknown_label': '<unk>', 'eos_label': 2}")
    options = {"vocab_file": str(tmp_path / "vocab.gz"), "special_symbols_via_file": str(tmp_path / "symbols")}
    assert labels(options, "b c") == "b <unk>"
    (tmp_path / "symbols").write_text("{'unk': '<unk>'}")
    with pytest.raises(DataError, match="symbols: found 'unk', expected unknown_label, "):
        open_vocabulary(options).check()


@pytest.mark.parametrize(
    "ids",
    [{"a": 0, 1: 1}, {"a": 0, None: 1}, {"a": 0, "b": [1]}, {"a": 0, "b": 0.5}],
    ids=["number", "None", "list", "0.5"],
)
def test_files_that_hold_anything_but_labels_and_indices_are_named(tmp_path, ids):
    for name, content in (("ids.pkl", pickle.dumps(ids)), ("ids.txt", repr(ids).encode())):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=rf"{name}: found .*, expected a label and its index"):
            open_vocabulary({"vocab_file": str(tmp_path / name)}).check()


@pytest.mark.parametrize("name", ["ids.pkl", "ids.gz"])
def test_damaged_files_are_named(tmp_path, name):
    whole = pickle.dumps({"a": 0, "b": 1}) if name == "ids.pkl" else gzip.compress(b"a\nb\n" * 99)
    for place in range(len(whole)):
        (tmp_path / name).write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        with contextlib.suppress(DataError):  # or the damage is within a label
            open_vocabulary({"vocab_file": str(tmp_path / name), "unknown_label": None}).check()


def test_files_in_descriptions_become_path_objects_in_nested_data_sets_too(bpe):
    class Path:
        def __init__(self, path):
            self.path = path

        def get_path(self):
            return self.path

    audio = {"norm_mean": "mean.txt", "norm_std_dev": "per_seq"}
    data = {"class": "OggZipDataset", "path": "data.zip", "audio": audio, "targets": bpe}
    meta = {"class": "MetaDataset", "datasets": {"a": data}, "data_map": {"data": ("a", "data")}}
    found = sorted(path.path for path in paths_in(canonical_description(meta, as_path=Path)))
    assert found == sorted(["data.zip", "mean.txt", bpe["vocab_file"], bpe["bpe_file"]])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"labels": ["a"]},
            "unknown_label: found 'UNK', expected one of the 1 label of vocabulary; without such a label",
        ),
        (LETTERS | {"num_labels": 5}, "vocabulary: found 4 labels, expected 5"),
        (LETTERS | {"seq_postfix": [4]}, "seq_postfix: found label 4, expected 0 to 3"),
        (LETTERS | {"eos_label": "</s>"}, "eos_label: found '</s>', expected one of the 4 labels"),
        (LETTERS | {"control_symbols": {"x": None}}, r"control_symbols\['x'\]: found None, expected a label"),
        (LETTERS | {"seq_postfix": ["a"]}, "seq_postfix: found 'a', expected indices"),
        (LETTERS | {"label": []}, "has no option 'label', only .*; did you mean 'labels'"),
        ({"class": "CharacterTargets"}, "found neither 'vocab_file' nor 'labels'"),
        ({"vocab_file": "missing.txt"}, "missing.txt: no such file"),
        ({"class": "Utf8ByteTargets", "vocab_file": "a"}, "vocab_file: found 'a', expected none"),
        ({"class": "SentencePieces", "model_file": "a", "enable_sampling": True}, "enable_sampling: found True"),
        ({"class": "SentencePieces", "model_file": "a", "seq_postfix": [1]}, "has no option 'seq_postfix'"),
        ({"class": "HuggingFaceTokenizer"}, "found class 'HuggingFaceTokenizer', expected Vocabulary, "),
        ({"class": "SamplingBytePairEncoding", "labels": ["a"]}, "needs the option 'breadth_prob'"),
    ],
)
def test_wrong_vocabularies_are_named(options, message):
    with pytest.raises(DataError, match=message):
        open_vocabulary(options).check()


def test_merges_of_another_format_are_named_with_their_line(bpe, tmp_path):
    (tmp_path / "codes").write_text("#version: 0.2\nl o\nlow\n")
    with pytest.raises(DataError, match="codes: line 3: found 'low', expected two symbols"):
        open_vocabulary(bpe).check()
    (tmp_path / "codes").write_text("#version: 0.3\nl o\n")
    with pytest.raises(DataError, match=r"codes: found version '0\.3', expected 0\.1 or 0\.2"):
        open_vocabulary(bpe).check()
