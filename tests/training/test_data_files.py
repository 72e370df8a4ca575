"""The files of data sets by which a change is noticed, also those that no option names."""

import os

import pytest

from boulder.training.data_files import file_states


@pytest.mark.parametrize(
    ("description", "files"),
    [
        (
            {"class": "TranslationDataset", "path": "", "file_postfix": "train"},
            {"", "source.train", "target.train.gz", "source.vocab.pkl", "target.vocab.pkl"},
        ),
        ({"class": "OggZipDataset", "path": ["speech"], "audio": None}, {"speech", "speech.txt"}),
        ({"class": "returnn:HDFDataset", "files": ["a.hdf"], "name": "no file"}, {"a.hdf"}),
    ],
    ids=lambda given: given["class"] if isinstance(given, dict) else "",
)
@pytest.mark.parametrize("within", [False, True])
def test_every_file_that_a_data_set_reads_has_a_state(tmp_path, monkeypatch, description, files, within):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "speech").mkdir()
    for name in (
        "source.train",
        "target.train.gz",
        "source.vocab.pkl",
        "target.vocab.pkl",
        "speech.txt",
        "a.hdf",
        "log",
    ):
        (tmp_path / name).write_text("content")
    if "path" in description:
        path = description["path"]
        path = [str(tmp_path / name) for name in path] if isinstance(path, list) else str(tmp_path)
        description = description | {"path": path}
    if within and not description["class"].startswith("returnn:"):
        description = {"class": "MultiEpochDataset", "multi_epoch": 2, "dataset": description}
    states = file_states(description)
    assert {os.path.normpath(tmp_path / path) for path in states} == {
        os.path.normpath(tmp_path / name) for name in files
    }
    assert None not in states.values()
    changed = next(tmp_path / name for name in files if (tmp_path / name).is_file())
    changed.write_text("other content")
    assert file_states(description) != states


def test_a_change_within_a_folder_of_recordings_is_noticed(tmp_path):
    folder = tmp_path / "corpus" / "speaker"
    folder.mkdir(parents=True)
    recording = folder / "1.ogg"
    recording.write_bytes(b"1")
    description = {"class": "OggZipDataset", "path": str(tmp_path / "corpus"), "audio": None, "targets": None}
    states = file_states(description)
    assert file_states(description) == states
    recording.write_bytes(b"12")
    assert file_states(description) != states
