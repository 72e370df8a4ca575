"""`hdf_dump` layers write files while they are trained, which later phases read, whenever the job is killed."""

import numpy as np
import pytest

from boulder.data import open_dataset
from boulder.errors import DataError
from boulder.training.store import CheckpointStore
from tests.tiny import EXTERN_DATA, network, phase

LABELS = {"class": "reduce", "mode": "argmax", "axis": "F", "from": "output"}
"""The most probable class of each frame: a hard alignment, with the blank as the last class."""


def dumping(net: dict, filename: object, source: str = "labels", **options) -> dict:
    dump = {"class": "hdf_dump", "from": source, "filename": filename, "is_output_layer": True, **options}
    return net | {"labels": LABELS, "dump": dump}


def hdf(*files) -> dict:
    return {"class": "HDFDataset", "files": [str(file) for file in files]}


def content(path) -> dict[str, dict[str, list]]:
    """:return: tag → stream → values"""
    with open_dataset(path) as dataset:
        tags = dataset.tags(range(dataset.num_seqs))
        assert len({*tags}) == len(tags)
        return {tag: {k: v.tolist() for k, v in dataset.read(i).items()} for i, tag in enumerate(tags)}


ALIGNED = {
    "data": {"class": "MetaDataset", "datasets": {"given": None, "aligned": hdf("align.train.hdf")},
             "data_map": {"data": ["given", "data"], "classes": ["given", "classes"], "align": ["aligned", "data"]}},
}  # fmt: skip
FRAMES = {
    "hidden": {"class": "linear", "from": "data", "n_out": 5, "activation": "tanh"},
    "output": {"class": "softmax", "from": "hidden", "loss": "ce", "target": "align"},
}
"""A network that is trained on the alignment."""

WITH_ALIGNMENT = EXTERN_DATA | {"align": {"dim": 6, "sparse": True}}


@pytest.fixture
def phases(data) -> list[dict]:
    """CTC for two epochs, the second of which dumps; then its alignment is the target of each frame."""
    meta = {**ALIGNED["data"], "datasets": {"given": hdf(data / "train.hdf"), "aligned": hdf("align.train.hdf")}}
    dev = {**meta, "datasets": {"given": hdf(data / "dev.hdf"), "aligned": hdf("align.dev.hdf")}}
    dumps = dumping(network(1, 4, dropout=0.1), "align.{dataset_name}.hdf", dump_per_run=True)
    return [
        phase(0, range(1, 2), network(1, 3)),
        phase(1, range(2, 3), dumps),
        phase(2, range(3, 5), FRAMES) | {"train": meta, "dev": dev},
    ]


def test_an_alignment_is_dumped_in_a_phase_and_trained_on_in_the_next(training, phases, data, tmp_path):
    checkpoint = training(phases, extern_data=WITH_ALIGNMENT, dumps=tmp_path / "hdf")
    for name in ("train", "dev"):
        found = content(tmp_path / f"hdf/align.{name}.hdf")
        given = content(data / f"{name}.hdf")
        assert found.keys() == given.keys()
        for tag, streams in found.items():
            assert len(streams["data"]) == len(given[tag]["data"]) == streams["seq_sizes"][0]
            assert all(0 <= label < 6 for label in streams["data"])
    assert [len(record["dev"]) for record in checkpoint.history] == [2, 2, 2, 2]
    assert checkpoint.params["output/W"].shape == (5, 6)


@pytest.mark.slow
def test_killed_anywhere_it_writes_the_same_files_and_trains_to_the_same_bits(training, phases, tmp_path, stop_at):
    whole = training(phases, "whole", extern_data=WITH_ALIGNMENT, dumps=tmp_path / "whole/hdf")
    files = {path.name: path.read_bytes() for path in sorted((tmp_path / "whole/hdf").iterdir())}
    assert [*files] == ["align.dev.hdf", "align.train.hdf"]
    for batches in (8, 10, 13, 14, 16, 20):  # in the pass over train that dumps, over dev, and in the phase that reads
        name = f"killed{batches}"
        stop_at(batches)
        with pytest.raises(SystemExit):
            training(phases, name, extern_data=WITH_ALIGNMENT, dumps=tmp_path / name / "hdf")
        stop_at(10**6)
        found = training(phases, name, extern_data=WITH_ALIGNMENT, dumps=tmp_path / name / "hdf")
        assert found.checksum == whole.checksum, batches
        assert {p.name: p.read_bytes() for p in sorted((tmp_path / name / "hdf").iterdir())} == files, batches


@pytest.mark.long
def test_killed_without_a_warning_a_pass_goes_on_with_the_rows_that_its_checkpoint_knows(
    training, phases, tmp_path, stop_at
):
    two = phases[:2]
    whole = training(two, "whole", dumps=tmp_path / "whole/hdf")
    stop_at(9)
    with pytest.raises(SystemExit):
        training(two, "killed", dumps=tmp_path / "hdf")
    spool = tmp_path / "killed/dumps/spools/000002.train.dump.rows"
    assert CheckpointStore(tmp_path / "killed/store").newest(print).position["dumped"] == {"dump": spool.stat().st_size}
    with spool.open("ab") as file:
        file.write(b"rows of a batch that no checkpoint knows")
    stop_at(10**6)
    assert training(two, "killed", dumps=tmp_path / "hdf").checksum == whole.checksum
    assert (tmp_path / "hdf/align.train.hdf").read_bytes() == (tmp_path / "whole/hdf/align.train.hdf").read_bytes()


@pytest.mark.long
def test_one_job_per_phase_gives_the_same_as_one_job(training, phases, tmp_path):
    joint = training(phases, "joint", extern_data=WITH_ALIGNMENT)
    previous, dumps = None, tmp_path / "hdf"
    for number, part in enumerate(phases):
        part = eval(repr(part).replace("'align.", f"'{dumps}/align.")) if number == 2 else part
        last = training([part], f"part{number}", previous=previous, extern_data=WITH_ALIGNMENT, dumps=dumps)
        previous = tmp_path / f"part{number}/checkpoint.h5"
    assert last.checksum == joint.checksum


def test_without_dump_per_run_a_file_has_all_passes_of_its_phase_and_extending_adds_those_of_the_next(
    training, tmp_path
):
    one = phase(0, range(1, 2), dumping(network(1, 3), "a/all.hdf"))
    more = phase(1, range(2, 3), dumping(network(1, 4), "a/all.hdf", extend_existing_file=True)) | {"dev": None}
    training([one | {"dev": None}], "one", dumps=tmp_path / "one")
    assert len(content(tmp_path / "one/a/all.hdf")) == 30
    training([one | {"dev": None}, more], "both", dumps=tmp_path / "both")
    alone = more | {"extended": {"a/all.hdf": str(tmp_path / "one/a/all.hdf")}}
    training([alone], "more", previous=tmp_path / "one/checkpoint.h5", dumps=tmp_path / "more")
    for name in ("both", "more"):
        with open_dataset(tmp_path / name / "a/all.hdf") as dataset:
            assert dataset.num_seqs == 60
            assert {*dataset.tags(range(30))} == {*dataset.tags(range(30, 60))}
    assert (tmp_path / "both/a/all.hdf").read_bytes() == (tmp_path / "more/a/all.hdf").read_bytes()


def test_further_streams_names_of_classes_and_features(training, tmp_path):
    net = network(1, 4) | {"last": {"class": "get_last_hidden_state", "from": "fw0", "n_out": 8}}
    options = {"source": "output", "extra": {"states": "fw0", "last": "last", "best": "labels"}, "labels": [*"abcdef"]}
    one = phase(0, range(1, 2), dumping(net, "out.hdf", **options)) | {"dev": None}
    training([one], dumps=tmp_path / "hdf")
    with open_dataset(tmp_path / "hdf/out.hdf") as dataset:
        assert dataset.label_names("data") in (None, [*"abcdef"])
        sequence = dataset.read(0)
    length = len(sequence["data"])
    assert sequence["data"].shape == (length, 6)
    assert np.allclose(sequence["data"].sum(axis=1), 1)
    assert (sequence["data"].argmax(axis=1) == sequence["best"]).all()
    assert sequence["states"].shape == (length, 4)
    assert sequence["last"].shape == (8,)
    assert [sequence[f"{key}_seq_lens"].tolist() for key in ("states", "last", "best")] == [[length, 4], [8], [length]]


def test_files_that_a_stopped_training_did_not_write_exist_without_sequences(training, phases, tmp_path):
    stopping = phase(0, range(1, 3), network(1, 3), patience=1)
    stopping["learning_rate_control"] = {"class": "scheduled", "first_epoch": 1, "rates": [0.0, 0.0]}
    dumps = phases[1] | {"start": 3, "first_epoch": 3, "last_epoch": 3}
    dumps["learning_rate_control"] = {"class": "scheduled", "first_epoch": 3, "rates": [0.1]}
    dumps["config"] = stopping["config"]
    training([stopping, dumps], dumps=tmp_path / "hdf")
    for name in ("train", "dev"):
        with open_dataset(tmp_path / f"hdf/align.{name}.hdf") as dataset:
            assert dataset.num_seqs == 0


def test_a_full_disk_is_an_error_of_one_line(training, phases, small_disk):
    (small_disk / "fill").write_bytes(b"0" * 380_000)
    with pytest.raises(DataError, match=r"align.train.hdf: cannot be written: .*No space left") as raised:
        training(phases[:2], dumps=small_disk / "hdf")
    assert "\n" not in str(raised.value)
