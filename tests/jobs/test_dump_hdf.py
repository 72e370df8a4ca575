"""`config/returnn.dump` writes a data set of a RETURNN config as HDF files."""

import pytest

import jobs  # noqa: F401 (finds Sisyphus)
from boulder.data import open_dataset
from boulder.errors import ConfigError
from tests.jobs.conftest import ROOT
from tests.tiny import EXTERN_DATA

CONFIG = f"""#!rnn.py
extern_data = {EXTERN_DATA!r}
train = {{"class": "HDFDataset", "files": ["@data@/train.hdf"], "partition_epoch": 3, "seq_ordering": "random"}}
other = {{"class": "DummyDataset", "input_dim": 3, "output_dim": 4, "num_seqs": 7, "seq_len": 5}}
eval_datasets = {{"other": other}}
network = {{"output": {{"class": "softmax", "loss": "ctc", "from": "data"}}}}
"""


@pytest.fixture
def dumped(project, data):
    """:return: function (arguments) → the files of `config/returnn.dump`"""

    def run(arguments: str) -> list:
        (project.folder / "config/returnn.py").symlink_to(ROOT / "config/returnn.py")
        (project.folder / "my.config").write_text(CONFIG.replace("@data@", str(data)))
        code, output = project.run("boulder", "run", f"config/returnn.dump('my.config', {arguments}, cpu=1)")
        assert code == 0, output
        return sorted((project.folder / "output/my").glob("dump.*.hdf"))

    return run


def test_all_sequences_of_all_epochs_are_written_in_the_order_of_the_data(dumped, data):
    files = dumped("data='train', shards=2")
    assert [file.name for file in files] == ["dump.train.000.hdf", "dump.train.001.hdf"]
    with open_dataset(files) as copied, open_dataset(data / "train.hdf") as given:
        assert copied.tags(range(copied.num_seqs)) == given.tags(range(given.num_seqs))
        for one, other in zip(copied.read_many(range(30)), given.read_many(range(30)), strict=True):
            assert {key: array.tolist() for key, array in one.items()} == {
                key: array.tolist() for key, array in other.items()
            }


def test_all_sequences_are_those_of_data_sets_within_too(data):
    from jobs.network_pass import whole_data

    parts = {"class": "HDFDataset", "files": [str(data / "train.hdf")], "partition_epoch": 3, "seq_ordering": "random"}
    descriptions = [
        {"class": "MetaDataset", "datasets": {"a": parts}, "data_map": {"data": ["a", "data"]}}
        | {"seq_order_control_dataset": "a"},
        {"class": "MultiProcDataset", "dataset": parts},
        {"class": "MultiEpochDataset", "dataset": parts, "multi_epoch": 2},
        {"class": "ConcatDataset", "datasets": [parts]},
        {
            "class": "CombinedDataset",
            "datasets": {"a": parts},
            "data_map": [[["a", "data"], "data"]],
            "sampling_sizes": 2,
        },
    ]
    for description in descriptions:
        with open_dataset(whole_data(description)) as dataset:
            assert sorted(dataset.epoch_order(1, 0, "default")) == list(range(30)), description["class"]


@pytest.mark.parity
def test_a_data_set_that_only_returnn_can_read_is_written(dumped):
    [file] = dumped("data='other'")
    with open_dataset(file) as copied:
        assert (copied.num_seqs, copied.lengths["data"].tolist()) == (7, [5] * 7)
        assert [copied.streams[key].dim for key in ("data", "classes")] == [3, 4]


def test_the_hash_is_that_of_the_data_and_of_the_number_of_files(data):
    from jobs.dump_hdf import DumpHdfJob

    described = {"class": "HDFDataset", "files": [str(data / "train.hdf")]}
    one = DumpHdfJob(data=described)
    assert DumpHdfJob(data={**described, "partition_epoch": 3}, shards=1, rqmt={"mem": 9}).job_id() == one.job_id()
    assert DumpHdfJob(data=described, shards=2).job_id() != one.job_id()


@pytest.mark.parametrize("shards", [0, -1, 1.5, True])
def test_a_wrong_number_of_files_is_refused(tmp_path, data, shards):
    from boulder.returnn import load_config
    from jobs.returnn_tasks import lay_out_dump

    (tmp_path / "my.config").write_text(CONFIG.replace("@data@", str(data)))
    with pytest.raises(ConfigError, match=r"shards: found .*, expected the number of HDF files, at least 1"):
        lay_out_dump("my", load_config(tmp_path / "my.config"), "train", shards)
