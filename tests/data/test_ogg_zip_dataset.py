"""`OggZipDataset`: its streams, lengths and options, and data that changes from epoch to epoch."""

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pytest

from boulder.data import MetaDataset, open_dataset
from boulder.data.audio.ogg_zip_writer import recordings_in, write_ogg_zip
from boulder.errors import DataError
from tests.audio_zip import CHARACTERS, LOG_MEL, RATE, TEXTS, described, entries, files, samples, wav, write_zip


@pytest.fixture
def data(tmp_path) -> str:
    return write_zip(tmp_path / "data.zip", entries(*TEXTS), files(*TEXTS))


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
    for audio_format, tolerance in ((None, 1e-4), ("flac", 1e-4), ("wav", 1e-4), ("ogg", 0.5)):
        path = tmp_path / f"{audio_format}.zip"
        assert write_ogg_zip(path, recordings_in(folder, TEXTS), audio_format) == 4
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


# Data that changes from epoch to epoch


def shifted(audio, sample_rate, random_state):
    return audio[random_state.randint(1, 40) :]


RANDOM = {"features": "raw", "pre_process": shifted}


def of_epoch(description: dict, epoch: int, start: int = 0) -> list[tuple[str, bytes, list[int]]]:
    with open_dataset(description) as dataset:
        assert dataset.streamed
        found = dataset.sequences(epoch, 3, "random", start)
        return [(seq.tag, seq.data["data"].tobytes(), seq.data["classes"].tolist()) for seq in found]


@pytest.mark.parametrize("order", [{}, {"seq_ordering": "random"}, {"seq_ordering": "laplace:2", "partition_epoch": 2}])
def test_random_sequences_are_those_of_their_epoch_and_resume_at_any_of_them(data, order):
    (Path(data).parent / "sampled.vocab").write_text("\n".join(["a", "b", "a@@", "b@@", "ba", "é"]))
    sampled = {
        "class": "SamplingBytePairEncoding",
        "vocab_file": str(Path(data).parent / "sampled.vocab"),
        "breadth_prob": 0.5,
        "unknown_label": None,
    }
    description = described(data, audio=RANDOM, targets=sampled, **order)
    for epoch in (1, 2, 3):
        whole = of_epoch(description, epoch)
        assert [of_epoch(description, epoch, start) for start in range(len(whole) + 1)] == [
            whole[start:] for start in range(len(whole) + 1)
        ]
        if "partition_epoch" not in order:
            assert sorted(whole) != sorted(of_epoch(description, epoch + 1))
    fixed = description | {"seq_ordering": "default", "fixed_random_seed": 4, "partition_epoch": 1}
    assert of_epoch(fixed, 1) == of_epoch(fixed, 2)


def test_data_sets_of_random_recordings_read_them_in_turn(data):
    random = described(data, audio=RANDOM, seq_ordering="reverse")
    joined = {
        "class": "MetaDataset",
        "datasets": {"audio": random, "text": described(data, audio=None)},
        "data_map": {"data": ("audio", "data"), "classes": ("text", "classes")},
        "seq_order_control_dataset": "audio",
    }
    expected = of_epoch(random, 2)
    assert of_epoch(joined, 2) == expected
    assert of_epoch({"class": "MultiProcDataset", "dataset": random}, 2) == expected
    assert of_epoch({"class": "MultiEpochDataset", "dataset": random, "multi_epoch": 2}, 1) == [
        *of_epoch(random, 1),
        *expected,
    ]
    twice = {"class": "ConcatDataset", "datasets": [random, random], "seq_ordering": "default"}
    assert of_epoch(twice, 2) == expected * 2
    for start in (2, 5, 8):
        assert of_epoch(twice, 2, start) == (expected * 2)[start:]


def test_the_order_of_random_recordings_needs_no_audio(data, monkeypatch):
    with open_dataset(described(data, audio=RANDOM), {"data": {"dim": 1}}) as dataset:
        monkeypatch.setattr("boulder.data.ogg_zip_dataset.decode", None)
        assert dataset.epoch_order(1, 0, "sorted_reverse").tolist() == [3, 2, 1, 0]


def test_recordings_whose_header_tells_their_length_are_read_by_index(data):
    with open_dataset(described(data)) as dataset:
        assert not dataset.streamed


def test_inner_epochs_within_a_data_set_that_joins_streams_are_refused(data):
    random = {"class": "OggZipDataset", "path": [data], "audio": RANDOM, "targets": None}
    inner = {"class": "MultiEpochDataset", "multi_epoch": 2, "dataset": random}
    joined = {"class": "MetaDataset", "datasets": {"x": inner}, "data_map": {"data": ("x", "data")}}
    with open_dataset(joined) as dataset, pytest.raises(DataError, match="expected the MultiEpochDataset around both"):
        list(dataset.sequences(1, 3, "default"))
