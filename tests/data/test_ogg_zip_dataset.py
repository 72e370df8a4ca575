"""`OggZipDataset`: its streams, lengths, options and bad files, with recordings made here."""

import gzip
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from boulder.data import MetaDataset, open_dataset
from boulder.data.audio.ogg_zip_writer import recordings_in, write_ogg_zip
from boulder.errors import DataError

RATE = 8000
TEXTS = {"one": "ab a", "two": "b", "three": "ba ba", "four": "é"}
CHARACTERS = {"class": "CharacterTargets", "labels": [" ", "a", "b", "é"], "unknown_label": None}
LOG_MEL = {"features": "log_mel_filterbank", "num_feature_filters": 20}


def samples(name: str) -> np.ndarray:
    seed = list(TEXTS).index(name)
    return np.random.default_rng(seed).uniform(-0.5, 0.5, 1500 + 803 * seed)


def wav(audio: np.ndarray, rate: int = RATE, **options) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, audio, rate, **({"format": "WAV"} | options))
    return file.getvalue()


def write_zip(path: Path, entries: list[dict], files: dict[str, bytes], name: str | None = None, **options) -> str:
    name = name or path.name.removesuffix(".zip")
    with zipfile.ZipFile(path, "w", **options) as archive:
        archive.writestr(f"{name}.txt", repr(entries))
        for file, content in files.items():
            archive.writestr(f"{name}/{file}", content)
    return str(path)


def entries(*names: str) -> list[dict]:
    return [{"text": TEXTS[name], "duration": len(samples(name)) / RATE, "file": f"{name}.wav"} for name in names]


def files(*names: str) -> dict[str, bytes]:
    return {f"{name}.wav": wav(samples(name)) for name in names}


@pytest.fixture
def data(tmp_path) -> str:
    return write_zip(tmp_path / "data.zip", entries(*TEXTS), files(*TEXTS))


def described(path, **options) -> dict:
    return {"class": "OggZipDataset", "path": path, "audio": LOG_MEL, "targets": CHARACTERS} | options


def test_streams_are_features_labels_and_bytes_of_the_text(data):
    with open_dataset(described(data)) as dataset:
        dataset.check()
        assert {key: (s.dim, s.sparse, s.dtype) for key, s in dataset.streams.items()} == {
            "data": (20, False, "float32"),
            "classes": (4, True, "int32"),
            "orth": (256, True, "uint8"),
        }
        assert dataset.tags([1, 0]) == ["two.wav", "one.wav"]
        sequence = dataset.read(3)
        assert sequence["classes"].tolist() == [3]
        assert bytes(sequence["orth"]).decode() == "é"
        assert dataset.label_names("classes") == [" ", "a", "b", "é"]


def test_raw_features_are_the_samples(data):
    with open_dataset(described(data, audio={"features": "raw", "peak_normalization": False})) as dataset:
        np.testing.assert_allclose(dataset.read(2)["data"][:, 0], samples("three"), atol=1e-4)


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("file_format", ["WAV", "OGG", "FLAC"])
def test_lengths_from_the_headers_are_those_of_the_features(tmp_path, file_format, compression):
    content = {f"{name}.wav": wav(samples(name), format=file_format) for name in TEXTS}
    path = write_zip(tmp_path / "data.zip", entries(*TEXTS), content, compression=compression)
    for audio in (
        {"features": "raw"},
        LOG_MEL | {"window_len": 0.03, "step_len": 0.0123},
        {"join_frames": 4, "with_delta": True},
        {"features": "mfcc", "feature_options": {"center": False}},
        {"features": "linear_spectrogram", "num_feature_filters": 130},
    ):
        with open_dataset(described(path, audio=audio)) as dataset:
            lengths = dataset.lengths
            sequences = dataset.read_many(range(4))
            assert {key: [len(s[key]) for s in sequences] for key in lengths} == {
                key: found.tolist() for key, found in lengths.items()
            }


def test_functions_before_and_after_the_features_apply_and_their_lengths_are_measured(data):
    audio = {
        "features": "raw",
        "pre_process": lambda audio, sample_rate, random_state: audio[: sample_rate // 10],
        "post_process": lambda features, seq_name: np.repeat(features, len(seq_name), axis=0),
    }
    targets_post_process = str.upper
    targets = CHARACTERS | {"labels": [" ", "A", "B", "É"]}
    options = {"audio": audio, "targets": targets, "targets_post_process": targets_post_process}
    with open_dataset(described(data, **options)) as dataset:
        assert dataset.lengths["data"].tolist() == [800 * len(f"{name}.wav") for name in TEXTS]
        assert dataset.read(0)["classes"].tolist() == [1, 2, 0, 1]


def test_several_zip_files_follow_one_another_and_an_index_may_lie_beside_its_zip_file(tmp_path):
    first = write_zip(tmp_path / "first.zip", entries("one"), files("one"))
    second = write_zip(tmp_path / "second.zip", entries("three"), files("two"))
    index = tmp_path / "second.txt.gz"
    index.write_bytes(gzip.compress(repr(entries("two")).encode()))
    with open_dataset(described([first, str(index), second])) as dataset:
        dataset.check()
        assert dataset.tags([0, 1]) == ["one.wav", "two.wav"]
        assert [len(s["classes"]) for s in dataset.read_many([0, 1])] == [4, 1]


def test_a_folder_is_read_like_the_zip_file_of_it(data, tmp_path):
    with zipfile.ZipFile(data) as archive:
        archive.extractall(tmp_path)
    with open_dataset(described(data)) as one, open_dataset(described(str(tmp_path / "data"))) as other:
        other.check()
        for sequence, expected in zip(other.read_many(range(4)), one.read_many(range(4)), strict=True):
            np.testing.assert_equal(sequence, expected)


def test_without_audio_or_targets_there_are_no_such_streams(tmp_path):
    texts = [{"text": text, "duration": 1.0, "seq_name": name} for name, text in TEXTS.items()]
    path = write_zip(tmp_path / "texts.zip", texts, {})
    with open_dataset(described(path, audio=None)) as dataset:
        dataset.check()
        assert list(dataset.streams) == ["classes", "orth"]
        assert dataset.tags([0]) == ["one"]
        assert dataset.all_lengths["raw"].tolist() == [1] * 4


def test_segment_files_and_fixed_random_subsets_select_sequences(data, tmp_path):
    segments = tmp_path / "segments.txt"
    segments.write_text("two.wav\nfour.wav\nother.wav\n")
    with open_dataset(described(data, segment_file=str(segments))) as dataset:
        assert dataset.tags(range(dataset.num_seqs)) == ["two.wav", "four.wav"]
    for subset, count in ((0.5, 2), (3, 3)):
        with open_dataset(described(data, fixed_random_subset=subset)) as dataset:
            order = list(range(4))
            np.random.RandomState(42).shuffle(order)
            assert dataset.tags(range(dataset.num_seqs)) == [f"{list(TEXTS)[i]}.wav" for i in order[:count]]


def test_orders_follow_the_duration_in_the_index(tmp_path):
    given = entries(*TEXTS)
    for entry, duration in zip(given, (0.5, 0.25, 0.254, 0.1), strict=True):
        entry["duration"] = duration
    path = write_zip(tmp_path / "data.zip", given, files(*TEXTS))
    with open_dataset(described(path, seq_ordering="sorted")) as dataset:
        assert dataset.ordering_lengths.tolist() == [50, 25, 25, 10]
        assert dataset.epoch_order(1, 0, "default").tolist() == [3, 1, 2, 0]


def test_a_meta_data_set_joins_it_with_others_by_its_tags(data):
    parts = {"audio": described(data), "text": described(data, audio=None)}
    meta = {
        "class": "MetaDataset",
        "datasets": parts,
        "data_map": {"data": ("audio", "data"), "bytes": ("text", "orth")},
        "seq_order_control_dataset": "audio",
    }
    with open_dataset(meta) as dataset:
        assert isinstance(dataset, MetaDataset)
        dataset.check()
        assert list(dataset.read(1)) == ["data", "bytes"]


def test_a_written_zip_file_is_read_again(tmp_path):
    folder = tmp_path / "wav"
    folder.mkdir()
    for name in TEXTS:
        (folder / f"{name}.wav").write_bytes(wav(samples(name)))
    transcripts = tmp_path / "text"
    transcripts.write_text("".join(f"{name} {text}\n" for name, text in TEXTS.items()))
    for audio_format, tolerance in ((None, 1e-4), ("flac", 1e-4), ("wav", 1e-4), ("ogg", 0.5)):
        path = tmp_path / f"{audio_format}.zip"
        assert write_ogg_zip(path, recordings_in(folder, transcripts), audio_format) == 4
        audio = {"features": "raw", "peak_normalization": False, "sample_rate": RATE}
        with open_dataset(described(str(path), audio=audio)) as dataset:
            dataset.check()
            assert dataset.tags(range(4)) == list(TEXTS)
            assert dataset.read(0)["classes"].tolist() == [1, 2, 0, 1]
            np.testing.assert_allclose(dataset.read(1)["data"][:, 0], samples("two"), atol=tolerance)
    again = tmp_path / "again" / "flac.zip"
    again.parent.mkdir()
    write_ogg_zip(again, recordings_in(folder, TEXTS), "flac")
    assert again.read_bytes() == (tmp_path / "flac.zip").read_bytes()


# Bad input


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
        f"'classes': {vocabulary} has sparse labels [T] of dimension 4, expected sparse labels [T] of dimension 5, "
        "as extern_data says"
    )
    assert "'data': the options give dense features [T, 20], expected dense features [T, 21]" in refused(
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
