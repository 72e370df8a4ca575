"""Training on data sets that change with the phase, that have no stream `data`, and on a class of data sets of one's own."""

import shutil
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pytest

from boulder.data import PATHS, Dataset, HdfWriter, canonical_description, dataset_class, open_dataset
from boulder.data.dataset import dataset_classes
from boulder.errors import DataError, NetworkError, TrainingError
from boulder.network import describe, uses_streams
from boulder.training.scores import read_scores
from boulder.training.store import CheckpointStore
from tests.tiny import EXTERN_DATA, network, phase


@pytest.fixture
def registered(monkeypatch):
    """Removes the classes that a test registers."""
    monkeypatch.setattr("boulder.data.dataset._classes", dict(dataset_classes()))


def hdf(path) -> dict:
    return {"class": "HDFDataset", "files": [str(path)]}


@pytest.mark.long
def test_the_data_of_a_phase_is_the_same_in_one_job_and_in_one_job_per_phase(training, data, tmp_path):
    first = phase(0, range(1, 3), network(1, 4))
    second = phase(1, range(3, 5), network(1, 5)) | {"train": hdf(data / "dev.hdf"), "dev": None}
    third = phase(2, range(5, 6), network(1, 5))
    joint = training([first, second, third], "joint")
    previous = None
    for number, part in enumerate((first, second, third)):
        last = training([part], f"part{number}", previous=previous)
        previous = tmp_path / f"part{number}/checkpoint.h5"
    assert last.checksum == joint.checksum
    records = read_scores(tmp_path / "joint/scores.jsonl")
    assert ["dev" in record for record in records] == [True, True, False, False, True]
    frames = [open_dataset(data / f"{name}.hdf").lengths["data"].sum() for name in ("train", "dev")]
    assert [record["frames"] for record in records] == [frames[0], frames[0], frames[1], frames[1], frames[0]]
    assert training([first, second | {"train": hdf(data / "train.hdf")}, third], "other").checksum != joint.checksum


@pytest.mark.long
def test_further_data_sets_are_scored_each_epoch_whenever_the_job_is_killed(training, data, tmp_path, stop_at):
    further = {"eval_datasets": {"devtrain": hdf(data / "train.hdf"), "eval": hdf(data / "dev.hdf")}}
    phases = [phase(0, range(1, 3), network(1, 4)) | further, phase(1, range(3, 4), network(1, 5))]
    whole = training(phases, "whole")
    records = read_scores(tmp_path / "whole/scores.jsonl")
    assert [list(record.get("eval", {})) for record in records] == [["devtrain", "eval"]] * 2 + [[]]
    assert [record["eval"]["eval"] == record["dev"] for record in records[:2]] == [True] * 2
    assert all(record["eval"]["devtrain"].keys() == record["train"].keys() for record in records[:2])
    assert whole.history[0]["eval"] == records[0]["eval"]
    for batches in (8, 11):  # during the scores of devtrain in epoch 1, and in epoch 2
        stop_at(batches)
        with pytest.raises(SystemExit):
            training(phases, f"killed{batches}")
        stop_at(10**6)
        assert training(phases, f"killed{batches}").checksum == whole.checksum


def test_max_seq_length_limits_data_to_train_and_dev_data_but_no_further_data_as_in_returnn(training, data, tmp_path):
    with open_dataset(data / "dev.hdf") as dataset, HdfWriter(tmp_path / "short.hdf", EXTERN_DATA) as writer:
        for i in np.flatnonzero(dataset.lengths["data"] <= 3):
            writer.write(dataset.tag(i), dataset.read(i))
    further = {"eval_datasets": {"whole": hdf(data / "dev.hdf"), "short": hdf(tmp_path / "short.hdf")}}
    record = training([phase(0, range(1, 2), network(1, 4), max_seq_length=3) | further]).history[0]
    assert record["eval"]["short"] == record["dev"] != record["eval"]["whole"]


def test_a_data_set_of_a_later_phase_that_is_missing_names_its_index(training, tmp_path):
    second = phase(1, range(2, 3), network(1, 4)) | {"train": hdf(tmp_path / "no.hdf")}
    with pytest.raises(DataError, match=r"^index 1: .*no\.hdf: no such file"):
        training([phase(0, range(1, 2), network(1, 4)), second])


@pytest.mark.parametrize("key", ["train", "dev"])
def test_a_data_set_without_sequences_is_refused(training, tmp_path, key):
    with HdfWriter(tmp_path / "empty.hdf", EXTERN_DATA):
        pass
    with pytest.raises(DataError, match=r"^index 0: .*empty\.hdf: found no sequences"):
        training([phase(0, range(1, 2), network(1, 4)) | {key: hdf(tmp_path / "empty.hdf")}])


def test_an_epoch_resumes_only_with_the_data_it_began_with(training, data, tmp_path, stop_at):
    train = tmp_path / "train.hdf"
    shutil.copy(data / "train.hdf", train)
    phases = [phase(0, range(1, 3), network(1, 4))]
    stop_at(2)
    with pytest.raises(SystemExit):
        training(phases, train=[train])
    shutil.copy(data / "dev.hdf", train)
    with pytest.raises(TrainingError, match=r"^epoch 1 \(index 0\): the train data has changed since the job was"):
        training(phases, train=[train])
    shutil.copy(data / "train.hdf", train)
    stored = CheckpointStore(tmp_path / "run/store")
    state = stored.newest(print)
    del state.position["train_data"]  # as in checkpoints of older versions
    stored.save(state)
    assert training(phases, train=[train]).checksum == training(phases, "whole").checksum


@pytest.mark.parametrize("as_returnn", [False, True])
def test_a_stream_that_no_layer_reads_may_be_missing(training, data, tmp_path, as_returnn):
    declared = EXTERN_DATA | {"unread": {"dim": 3}}
    phases = [phase(0, range(1, 2), network(1, 4), returnn_batches=as_returnn)]
    found = training(phases, "declared", extern_data=declared)
    assert found.checksum == training(phases, "bare").checksum


def test_a_stream_that_no_layer_reads_counts_in_batches_and_is_read_only_without_returnn_batches(data, monkeypatch):
    from boulder.training import TrainingPhase
    from boulder.training.phase_data import PhaseData

    frames = {"output": {"class": "softmax", "from": "data", "loss": "ce", "target": "data"}}
    for as_returnn, read in ((False, ["data", "classes"]), (True, ["data"])):
        described = phase(0, range(1, 2), frames, returnn_batches=as_returnn) | {"train": hdf(data / "train.hdf")}
        with PhaseData(EXTERN_DATA) as opened:
            train, _ = opened.of(TrainingPhase.from_json(described))
            assert [*train.streams] == read
            assert [*train.all_lengths] == ["data", "classes"]


def test_streams_may_have_any_names(training, tmp_path):
    extern_data = {"features": {"dim": 3}, "phones": {"dim": 5, "sparse": True}}
    random = np.random.default_rng(3)
    with HdfWriter(tmp_path / "named.hdf", extern_data) as writer:
        for i, length in enumerate(random.integers(3, 9, 12)):
            phones = random.integers(0, 5, length)
            writer.write(f"seq-{i}", {"features": np.eye(5, 3)[phones], "phones": phones})
    net = {"output": {"class": "softmax", "from": "data:features", "loss": "ce", "target": "phones"}}
    phases = [phase(0, range(1, 3), net, batch_size=30)]
    checkpoint = training(phases, "named", extern_data=extern_data, train=[tmp_path / "named.hdf"], dev=[])
    assert sorted(value.shape for value in checkpoint.params.values()) == [(3, 5), (5,)]

    from boulder.search.data_pass import DataPass
    from boulder.search.network import ctc_search

    found = ctc_search(DataPass(checkpoint, extern_data, tmp_path / "named.hdf", 100), "output")
    assert len(found) == 12


def test_a_network_reads_its_default_input_as_data():
    extern_data = {"features": {"dim": 3, "available_for_inference": True}, "phones": {"dim": 5, "sparse": True}}
    net = {"output": {"class": "softmax", "from": "data", "loss": "ce", "target": "phones"}}
    assert uses_streams(describe(net, extern_data)) == {"features", "phones"}
    with pytest.raises(NetworkError, match="'from' names 'data', but extern_data has only 'features', 'phones'"):
        describe(net, {"features": {"dim": 3}, "phones": {"dim": 5, "sparse": True}})


def test_a_class_that_joins_two_files_by_tag_needs_only_itself_and_a_registration(training, data, tmp_path, registered):
    """The trial of a new class of data sets: nothing else of Boulder knows it."""

    @dataset_class("JoinedDataset")
    @dataclass(kw_only=True, eq=False)
    class JoinedDataset(Dataset):
        """
        :param files: the first file's tags select the sequences; the second file adds streams, in any order
        """

        files: list[str] = field(metadata=PATHS)

        def __post_init__(self) -> None:
            super().__post_init__()
            if len(self.files) != 2:
                raise DataError(f"files: found {len(self.files)}, expected 2")
            self._parts = [open_dataset(path) for path in self.files]

        @cached_property
        def streams(self):
            found = {**self._parts[0].streams, **self._parts[1].streams}
            return {key: found[key] for key in self.wanted or found}

        @cached_property
        def _rows(self) -> np.ndarray:
            """int64 [N]: the sequence of the second file for each sequence of the first"""
            tags, others = (part.tags(range(part.num_seqs)) for part in self._parts)
            number = {tag: i for i, tag in enumerate(others)}
            missing = [tag for tag in tags if tag not in number]
            if missing:
                raise DataError(f"{self.files[1]}: found no sequence {missing[0]!r}")
            return np.array([number[tag] for tag in tags])

        @property
        def num_seqs(self) -> int:
            return self._parts[0].num_seqs

        @property
        def lengths(self):
            one, other = self._parts
            return {
                key: one.lengths[key] if key in one.streams else other.lengths[key][self._rows] for key in self.streams
            }

        def read_many(self, indices):
            one, other = self._parts
            pairs = zip(one.read_many(indices), other.read_many(self._rows[np.asarray(indices)]), strict=True)
            return [{key: {**second, **first}[key] for key in self.streams} for first, second in pairs]

        def tags(self, indices):
            return self._parts[0].tags(indices)

        def fingerprint(self) -> str:
            return " ".join(part.fingerprint() for part in self._parts)

        def check(self) -> None:
            _ = self._rows

        def close(self) -> None:
            for part in self._parts:
                part.close()

    whole = open_dataset(data / "train.hdf")
    for key, order in (("data", range(whole.num_seqs)), ("classes", reversed(range(whole.num_seqs)))):
        with HdfWriter(tmp_path / f"{key}.hdf", {key: EXTERN_DATA[key]}) as writer:
            for i in order:
                writer.write(whole.tag(i), {key: whole.read(i)[key]})
    description = {"class": "JoinedDataset", "files": [tmp_path / "data.hdf", tmp_path / "classes.hdf"]}
    phases = [phase(0, range(1, 3), network(1, 4))]
    joined = training([p | {"train": description} for p in phases], "joined")
    assert joined.checksum == training(phases, "whole").checksum
    with pytest.raises(DataError, match="JoinedDataset: files: found 1, expected 2"):
        canonical_description(description | {"files": ["a.hdf"]})
