"""Data sets of a RETURNN config as descriptions, without opening files."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from boulder.data import PATHS, HdfDataset, canonical_description, dataset_class
from boulder.data.dataset import dataset_classes
from boulder.errors import BoulderError
from boulder.returnn.data_sets import data_description


def test_registered_data_sets_are_accepted_with_their_options(monkeypatch):
    monkeypatch.setattr("boulder.data.dataset._classes", dict(dataset_classes()))

    @dataset_class("OwnDataset")
    @dataclass(kw_only=True, eq=False)
    class OwnDataset(HdfDataset):
        extra: list[str] = field(metadata=PATHS)
        speed: float = 1.0

    value = {"class": "OwnDataset", "files": ["a.hdf", "/b.hdf"], "extra": "c.hdf", "speed": 2.0, "order_by": "data"}
    given = {**value, "seq_ordering": None, "cache_byte_size": 0, "window": 1}
    found = data_description(given, "'train'", Path("/setup"))
    assert found == value | {"files": ["/setup/a.hdf", "/b.hdf"], "extra": ["/setup/c.hdf"]}
    assert canonical_description(found) == found


def test_files_within_the_options_of_an_ogg_zip_data_set_become_absolute():
    targets = {"vocab_file": "bpe.vocab", "bpe_file": "/bpe.codes", "unknown_label": None}
    audio = {"features": "mfcc", "norm_mean": "mean.txt", "norm_std_dev": "per_seq", "pre_process": len}
    value = {"class": "OggZipDataset", "path": "a.zip", "use_cache_manager": True, "audio": audio, "targets": targets}
    found = data_description(value, "'train'", Path("/setup"))
    assert found == {
        "class": "OggZipDataset",
        "path": ["/setup/a.zip"],
        "audio": audio | {"norm_mean": "/setup/mean.txt"},
        "targets": targets | {"vocab_file": "/setup/bpe.vocab"},
    }
    assert canonical_description(found) == found


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            {"class": "ExternSprintDatset"},
            "a data set class 'ExternSprintDatset', .*; did you mean 'ExternSprintDataset'",
        ),
        ({"files": []}, "found no 'class' among files"),
        (
            {"class": "OggZipDataset", "path": "a.zip", "targets": {"class": "CharTargets"}},
            "OggZipDataset: targets: found class 'CharTargets', .*did you mean 'CharacterTargets'",
        ),
        ({"class": "HDFDataset", "window": 2}, "'window' of HDFDataset: found 2; Boulder does not support it yet"),
        ({"class": "HDFDataset", "fils": []}, "HDFDataset has no option 'fils'; did you mean 'files'"),
    ],
)
def test_other_data_sets_and_options_are_refused(value, message):
    with pytest.raises(BoulderError, match=f"'train': .*{message}"):
        data_description(value, "'train'", Path("/setup"))


def test_patterns_of_files_start_from_the_folder_of_the_config(tmp_path):
    for name in ("b.hdf", "a.hdf"):
        (tmp_path / name).touch()
    found = data_description({"class": "HDFDataset", "files": ["*.hdf"]}, "'train'", tmp_path)
    assert found["files"] == [f"{tmp_path}/a.hdf", f"{tmp_path}/b.hdf"]
