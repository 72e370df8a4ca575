"""Wrong options, files and recordings of `OggZipDataset` are errors of one line."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from boulder.data import open_dataset
from boulder.errors import DataError
from tests.audio_zip import CHARACTERS, LOG_MEL, TEXTS, described, entries, files, samples, wav, write_zip


@pytest.fixture
def data(tmp_path) -> str:
    return write_zip(tmp_path / "data.zip", entries(*TEXTS), files(*TEXTS))


def use(description: dict, extern_data: dict | None, read: bool) -> None:
    with open_dataset(description, extern_data) as dataset:
        dataset.check()
        if read:
            dataset.read_many(range(dataset.num_seqs))


def refused(description: dict, extern_data: dict | None = None, read: bool = False) -> str:
    with pytest.raises(DataError) as caught:
        use(description, extern_data, read)
    return str(caught.value)


def test_a_zip_without_its_index_is_named_with_the_name_that_fits(tmp_path):
    path = write_zip(tmp_path / "data.zip", entries("one"), files("one"), name="train")
    message = refused(described(path))
    assert message == (
        f"{path}: found no index 'data.txt' in it, expected one with a dict for each sequence; found train.txt, "
        "so set content_name to 'train'"
    )
    with open_dataset(described(path, content_name="train")) as dataset:
        dataset.check()


def test_files_that_are_no_zip_file_or_missing_are_named(tmp_path):
    (tmp_path / "data.zip").write_bytes(b"no zip")
    assert "data.zip: cannot be read as a zip file" in refused(described(str(tmp_path / "data.zip")))
    assert "other.zip: no such file" in refused(described(str(tmp_path / "other.zip")))
    assert "expected NAME.zip, or NAME.txt.gz" in refused(described(str(tmp_path / "other.tar")))


def test_index_entries_without_their_file_are_counted_and_named(tmp_path):
    path = write_zip(tmp_path / "data.zip", entries(*TEXTS), files("one"))
    assert "found no 'data/two.wav', 'data/three.wav', 'data/four.wav'; 3 of 4 sequences lack their file" in refused(
        described(path)
    )
    flat = write_zip(tmp_path / "flat.zip", entries("one"), {})
    with zipfile.ZipFile(flat, "a") as archive:
        archive.writestr("one.wav", wav(samples("one")))
    assert refused(described(flat)).endswith("set zip_audio_files_have_name_as_prefix to False")
    with open_dataset(described(flat, zip_audio_files_have_name_as_prefix=False)) as dataset:
        dataset.check()
        dataset.read(0)


@pytest.mark.parametrize("file_format", ["WAV", "OGG"])
def test_a_truncated_recording_is_named_by_its_tag(tmp_path, file_format):
    whole = wav(samples("four"), format=file_format)
    good = wav(samples("one"), format=file_format)
    for size in (len(whole) // 2, len(whole) - 3):
        path = write_zip(tmp_path / "data.zip", entries("one", "four"), {"one.wav": good, "four.wav": whole[:size]})
        message = refused(described(path), read=True)
        assert message.startswith(f"{path}: sequence 'four.wav': found a")
        assert message.endswith("truncated")


def test_recordings_that_do_not_fit_the_options_are_named_by_their_tag(tmp_path):
    path = write_zip(tmp_path / "data.zip", entries("one"), {"one.wav": wav(samples("one"), rate=16000)})
    found = refused(described(path, audio=LOG_MEL | {"sample_rate": 8000}), read=True)
    assert found == f"{path}: sequence 'one.wav': found a sample rate of 16000 Hz, expected 8000"
    stereo = wav(np.stack([samples("one")] * 2, axis=1))
    for content, message in (
        (stereo, "found 2 channels, expected 1"),
        (wav(np.zeros(0)), "found no samples"),
        (b"text", "cannot be read as audio: Format not recognised"),
    ):
        path = write_zip(tmp_path / "data.zip", entries("one"), {"one.wav": content})
        assert f"sequence 'one.wav': {message}" in refused(described(path), read=True)


def test_damaged_zip_members_are_named(data):
    content = bytearray(Path(data).read_bytes())
    content[content.index(b"data/one.wav") + 100] ^= 1
    Path(data).write_bytes(content)
    assert "'data/one.wav' is damaged: found another checksum" in refused(described(data), read=True)


def test_a_list_of_segments_without_any_is_named(data, tmp_path):
    (tmp_path / "segments.txt").write_text("")
    message = refused(described(data, segment_file=str(tmp_path / "segments.txt")), read=True)
    assert message.endswith("segments.txt: found no sequence tags, expected one per line")


def test_text_beyond_the_vocabulary_is_named_by_its_tag(data):
    labels = CHARACTERS | {"labels": [" ", "a", "b"]}
    assert "sequence 'four.wav': found no label 'é' in vocabulary" in refused(
        described(data, targets=labels), read=True
    )


def test_a_vocabulary_of_another_size_than_extern_data_is_an_error_that_names_both(data, tmp_path):
    vocabulary = tmp_path / "characters.txt"
    vocabulary.write_text("\n".join([" ", "a", "b", "é"]))
    targets = {"class": "CharacterTargets", "vocab_file": str(vocabulary), "unknown_label": None}
    streams = {"data": {"dim": 20}, "classes": {"dim": 5, "sparse": True}}
    message = refused(described(data, targets=targets), streams)
    assert message == (
        f"targets: {vocabulary}: 'classes' holds sparse labels [T] of dimension 4, expected sparse labels [T] of dimension 5"
    )
    assert "audio: 'data' holds dense features [T, 20], expected dense features [T, 21]" in refused(
        described(data), {"data": {"dim": 21}}
    )
    assert "found no stream 'classes' without 'targets'" in refused(described(data, targets=None), streams)
    assert "'orth' has its bytes" in refused(described(data), {"raw": {"dim": 1}})


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ("[", "data.txt: cannot be read as a list of dicts"),
        ("[]", "data.txt: found [], expected a list of dicts"),
        ("['a']", "data.txt: entry 1: found 'a', expected a dict"),
        ("[{'duration': 1.0, 'file': 'a'}]", "data.txt: entry 1: text: found no 'text', expected a text"),
        ("[{'text': 'a', 'duration': '1', 'file': 'a'}]", "duration: found '1', expected a number of seconds"),
        ("[{'text': 'a', 'duration': 1.0}]", "data.txt: entry 1: file: found no 'file'"),
    ],
)
def test_a_wrong_index_is_named_with_its_entry(tmp_path, index, message):
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as archive:
        archive.writestr("data.txt", index)
    assert message in refused(described(str(tmp_path / "data.zip")))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"audio": {"feature": "mfcc"}}, "audio: found 'feature', expected .*; did you mean 'features'"),
        ({"audio": {"features": "mfc"}}, "audio: features: found 'mfc', expected raw, .*; did you mean 'mfcc'"),
        ({"audio": {"features": "raw_ogg"}}, "audio: features: found 'raw_ogg'; RETURNN's decoder"),
        ({"audio": {"window_len": 0}}, "audio: window_len: found 0, expected a positive number of seconds"),
        ({"audio": {"feature_options": {"fmim": 20}}}, "mfcc has no option 'fmim', only .*; did you mean 'fmin'"),
        ({"audio": {"num_channels": 2}}, "num_channels: found 2, expected None"),
        ({"audio": {"features": "raw", "num_feature_filters": 2}}, "found 2 for raw features, expected 1"),
        ({"targets": {"class": "Characters"}}, "targets: found class 'Characters', expected Vocabulary"),
        ({"targets": {"vocab_fil": "a"}}, "Vocabulary has no option 'vocab_fil', only .*; did you mean 'vocab_file'"),
        ({"targets": {"class": "BytePairEncoding"}}, "BytePairEncoding needs the option 'bpe_file'"),
        ({"content_name": ["a", "b"]}, "content_name: found 2 names, expected one for each of 1 paths"),
        ({"targets_post_process": 3}, "targets_post_process: found 3, expected a function"),
        ({"fixed_random_subset": 1.5}, "fixed_random_subset: found 1.5"),
    ],
)
def test_wrong_options_are_named_before_a_file_is_opened(options, message):
    with pytest.raises(DataError, match=message):
        open_dataset(described("data.zip", **options))


def test_normalisation_of_another_dimension_is_named(data, tmp_path):
    means = tmp_path / "means.txt"
    np.savetxt(means, np.zeros(19))
    message = refused(described(data, audio=LOG_MEL | {"norm_mean": str(means)}))
    assert message == f"audio: norm_mean: {means}: found an array of shape [19], expected [20]"


def test_the_fingerprint_changes_with_a_recording_of_the_same_size(data):
    with open_dataset(described(data)) as dataset:
        before = dataset.fingerprint()
    changed = files(*TEXTS) | {"one.wav": wav(-samples("one"))}
    write_zip(Path(data), entries(*TEXTS), changed)
    with open_dataset(described(data)) as dataset:
        assert dataset.fingerprint() != before


def test_random_permute_needs_its_extra(data, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    message = refused(described(data, audio=LOG_MEL | {"random_permute": True}))
    assert message.startswith("audio: random_permute: needs the package librosa, of the extra 'audio'")
