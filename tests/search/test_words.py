"""Labels → text → words, and the files of RASR that scoring reads."""

import gzip
import importlib.util
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boulder.errors import ConfigError, DataError
from boulder.search.corpus import read_corpus, read_pronunciations
from boulder.search.labels import Labels, labels_by_names, read_labels, vocabulary_description
from boulder.search.words import check_units, words_of, words_of_phonemes

some_words = st.lists(st.text("abc", min_size=1, max_size=5), max_size=6)


@pytest.mark.parametrize(
    ("units", "text", "words"),
    [
        ("words", " the  cat ", "the cat"),
        ("bpe", "th@@ e c@@ a@@ t", "the cat"),
        ("bpe", "the ca@@", "the ca"),
        ("sentencepiece", "▁the ▁c at", "the cat"),
        ("sentencepiece", "the ▁cat", "the cat"),
        ("characters", "the cat", "the cat"),
        ("characters", "t h e ▁ c a t", "the cat"),
        ("characters", "t h e | c a t", "the cat"),
    ],
)
def test_units_become_words(units, text, words):
    assert words_of(text, units) == words.split()


@given(some_words, st.data())
def test_words_survive_their_division_into_pieces(words, data):
    cuts = [data.draw(st.integers(1, len(word))) for word in words]
    bpe = [f"{word[:cut]}@@ {word[cut:]}" if cut < len(word) else word for word, cut in zip(words, cuts, strict=True)]
    assert words_of(" ".join(bpe), "bpe") == words
    pieces = [f"▁{word[:cut]} {word[cut:]}" for word, cut in zip(words, cuts, strict=True)]
    assert words_of(" ".join(pieces), "sentencepiece") == words


def test_units_are_removed_before_pieces_are_joined():
    assert words_of("<s> th@@ [noise] e </s>", "bpe", remove=["<s>", "</s>", "[noise]"]) == ["the"]


@pytest.mark.parametrize("text", ["DH AH # K AE T #", "DH AH# K AE T#", "DH AH # K AE T"])
def test_phonemes_become_words_by_the_lexicon(text):
    assert words_of_phonemes(text, {("DH", "AH"): "the", ("K", "AE", "T"): "cat"}) == ["the", "cat"]


def test_unknown_pronunciations_and_single_words():
    lexicon = {("K", "AE", "T"): "cat"}
    assert words_of_phonemes("K AE # K AE T", lexicon) == ["<unk>", "cat"]
    assert words_of_phonemes("K AE [sil] T", lexicon, word_end=None, remove=["[sil]"]) == ["cat"]
    assert words_of_phonemes("", lexicon) == []


def test_unknown_units_are_refused():
    with pytest.raises(ConfigError, match=r"units: found 'pbe', expected .*; did you mean 'bpe'"):
        check_units("pbe")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("v.txt", b"a@@\nb\n</s>\n"),
        ("v.py", b"{'</s>': 2, 'b': 1, 'a@@': 0}"),
        ("v.gz", gzip.compress(b"{'</s>': 2, 'b': 1, 'a@@': 0}")),
        ("v.pkl", pickle.dumps({"</s>": 2, "b": 1, "a@@": 0})),
    ],
    ids=["txt", "py", "gz", "pkl"],  # the bytes of gzip hold the time, so they cannot name a test
)
def test_vocabularies_are_read_in_every_form(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    vocab = {"class": "BytePairEncoding", "vocab_file": str(tmp_path / name), "bpe_file": "codes", "seq_postfix": [0]}
    description = vocabulary_description(vocab, "vocab")
    assert description == {"class": "Vocabulary", "vocab_file": str(tmp_path / name)}
    assert read_labels(description).text([0, 1, 2], "x") == "a@@ b </s>"


def test_classes_of_vocabularies_join_their_labels():
    assert (
        read_labels(vocabulary_description({"class": "CharacterTargets", "labels": "ab "}, "v")).text([0, 2, 1], "x")
        == "a b"
    )
    text = "grün"
    assert read_labels(vocabulary_description({"class": "Utf8ByteTargets"}, "v")).text(list(text.encode()), "x") == text


def test_names_of_a_data_set_are_characters_bytes_or_words():
    assert labels_by_names(["a", "b"]).joined_by == ""
    assert labels_by_names([chr(i) for i in range(256)]).joined_by is None
    assert labels_by_names(["a", "bc"]).joined_by == " "


@pytest.mark.skipif(importlib.util.find_spec("sentencepiece") is not None, reason="sentencepiece is installed")
def test_a_missing_sentencepiece_is_reported():
    with pytest.raises(DataError, match="needs the package sentencepiece: `pip install sentencepiece`"):
        read_labels(vocabulary_description({"class": "SentencePieces", "model_file": "spm.model"}, "v"))


@pytest.mark.parametrize(
    ("vocab", "message"),
    [
        ("bpe.vocab", "found 'bpe.vocab', expected a dict"),
        ({"class": "BytePairEncodings"}, "found class 'BytePairEncodings', .*; did you mean 'BytePairEncoding'"),
        ({"vocab_fil": "x"}, "Vocabulary has no option 'vocab_fil'; did you mean 'vocab_file'"),
        ({"class": "SentencePieces"}, "SentencePieces needs the option 'model_file'"),
        ({"labels": list}, "found a function as 'labels'"),
    ],
)
def test_a_wrong_vocabulary_is_reported(vocab, message):
    with pytest.raises(DataError, match=message):
        vocabulary_description(vocab, "extern_data['bpe']: vocab")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("v.py", b"{'a': 0, 'b': 2}", "no label has the index 1"),
        ("v.py", b"{'a': 0", "cannot be read as a vocabulary"),
        ("v.pkl", pickle.dumps(DataError), "found an object of boulder.errors.DataError, expected plain"),
        ("v.pkl", b"h\x05.", "v.pkl: cannot be read as a vocabulary: not a pickle"),
        ("v.py", b"{'a': 0, 'b': '1'}", "found 'b': '1', expected a label and its index"),
        ("v.py", b"{'a': 0, 1: 1}", "found 1: 1, expected a label and its index"),
        ("v.txt", b"a\nb\nc\n", "found 3 labels, expected 2"),
    ],
)
def test_a_broken_vocabulary_file_is_reported(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_labels(vocabulary_description({"vocab_file": tmp_path / name, "num_labels": 2}, "v"))


def test_another_number_of_labels_than_bytes_have_is_reported():
    with pytest.raises(DataError, match=r"^bytes: found 256 labels, expected 5"):
        read_labels(vocabulary_description({"class": "Utf8ByteTargets", "num_labels": 5}, "v"))


def test_an_index_beyond_the_labels_is_reported():
    with pytest.raises(DataError, match="seq-1: found label 2, expected 0 to 1"):
        Labels(["a", "b"]).text([0, 2], "seq-1")


CORPUS = """<?xml version="1.0" encoding="utf-8"?>
<corpus name="dev"><subcorpus name="clean"><recording name="r1" audio="r1.wav">
<segment name="s1" start="0.5" end="2.0"><speaker name="eve"/><orth> the cat </orth></segment>
<segment start="2.0" end="2.5" track="1"><orth></orth></segment>
</recording></subcorpus></corpus>"""


def test_segments_of_a_corpus(tmp_path):
    (tmp_path / "c.xml.gz").write_bytes(gzip.compress(CORPUS.encode()))
    corpus = read_corpus(tmp_path / "c.xml.gz")
    assert list(corpus) == ["dev/clean/r1/s1", "dev/clean/r1/2"]
    first, second = corpus.values()
    assert (first.recording, first.start, first.end, first.speaker, first.words, first.channel) == (
        *("r1", 0.5, 2.0, "eve", "the cat", "1"),
    )
    assert (second.speaker, second.words, second.channel) == ("unknown", "", "2")


LEXICON = """<lexicon><lemma special="silence"><orth></orth><phon>[SIL]</phon></lemma>
<lemma><orth>two</orth><phon>T UW</phon><phon>T AX</phon></lemma><lemma><orth>too</orth><phon>T UW</phon></lemma></lexicon>"""


@pytest.mark.parametrize(
    ("name", "content"), [("l.xml", LEXICON), ("l.txt", ";;; homophones\ntwo\tT UW\ntwo T AX\n\ntoo T UW\n")]
)
def test_pronunciations_of_a_lexicon(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    assert read_pronunciations(tmp_path / name) == {("T", "UW"): "two", ("T", "AX"): "two"}


@pytest.mark.parametrize(
    ("reader", "name", "content", "message"),
    [
        (read_corpus, "c.xml", "<corpus>", "is no XML"),
        (read_corpus, "c.xml", "<lexicon/>", "found a <lexicon>, expected a <corpus>"),
        (read_corpus, "c.xml", "<corpus name='x'/>", "found no segments"),
        (
            read_corpus,
            "c.xml",
            CORPUS.replace('end="2.5"', 'end="1"'),
            "segment 'dev/clean/r1/2': found start 2.0 and end 1.0",
        ),
        (read_corpus, "c.xml", CORPUS.replace('end="2.5"', 'end="x"'), "cannot be read as a corpus"),
        (read_pronunciations, "l.txt", "two T UW\ntoo\n", "line 2: found 'too', expected a word and its phonemes"),
        (read_pronunciations, "l.txt", "", "found no pronunciations"),
    ],
)
def test_a_wrong_file_is_reported(tmp_path, reader, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=message):
        reader(tmp_path / name)
    with pytest.raises(DataError, match="no such file"):
        reader(tmp_path / "missing.xml")
