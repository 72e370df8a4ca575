"""Data sets that RETURNN's own package reads train through two phases, and resume with the same bits."""

import os
import pickle
import signal
import sys
from pathlib import Path

import numpy as np
import pytest

from boulder.data import HdfWriter, open_dataset, with_digests
from boulder.errors import DataError
from boulder.returnn import load_config
from boulder.schedule.functions import restore
from boulder.training import Checkpoint
from boulder.training.epoch_batches import batches_to_train, streamed_to_train
from boulder.training.progress import Progress
from boulder.training.training_options import TrainingOptions
from jobs.pipeline import lay_out
from sisyphus import gs, tk

pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore:.*is laid out twice")]

NETWORK = """
learning_rate = 0.01
num_epochs = 4
batch_size = @batch_size@
max_seqs = 4
batching = "random"

def construction_algo(idx, net_dict):
    if idx == 2:
        return None
    net_dict["hidden"]["n_out"] = 3 + idx
    return net_dict

pretrain = {"repetitions": 2, "copy_param_mode": "subset", "construction_algo": construction_algo}
network = {
    "hidden": {"class": "linear", "activation": "tanh", "n_out": 8, "from": "data", "dropout": 0.1},
    "output": {"class": "softmax", "loss": "@loss@", "from": "hidden", "target": "classes"},
}
"""

OWN_CLASS = """
import numpy
from returnn.datasets.generating import GeneratingDataset
from Dataset import DatasetSeq

class Parity(GeneratingDataset):
    "Labels say whether the number of positive features so far is odd."

    def __init__(self, scale, num_seqs, **kwargs):
        super(Parity, self).__init__(input_dim=2, output_dim=2, num_seqs=num_seqs, **kwargs)
        self.scale = scale

    def generate_seq(self, seq_idx):
        frames = self.random.normal(self.scale, size=(self.random.randint(2, 9), 2)).astype("float32")
        classes = (frames[:, 0] > 0).cumsum() % 2
        return DatasetSeq(seq_idx, features=frames, targets=classes.astype("int32"))

train = {"class": Parity, "scale": 0.5, "num_seqs": 18}
dev = {"class": Parity, "scale": 0.5, "num_seqs": 5, "fixed_random_seed": 7}
extern_data = {"data": {"dim": 2}, "classes": {"dim": 2, "sparse": True}}
"""

SPEECH = """
speech = {
    "class": "LibriSpeechCorpus", "path": "corpus", "use_ogg": True,
    "audio": {"features": "mfcc", "num_feature_filters": 6, "window_len": 0.032, "random_permute": True},
    "chars": {"vocab_file": "corpus/vocabulary", "unknown_label": None},
}
train = {**speech, "prefix": "train", "epoch_wise_filter": {(1, 1): {"max_mean_len": 4}}}
dev = {**speech, "prefix": "dev"}
extern_data = {"data": {"dim": 6}, "classes": {"dim": 4, "sparse": True}}
"""

RASR = f"""
import sys
rasr = [{sys.executable!r}, {str(Path(__file__).with_name("rasr_in_place.py"))!r}]
train = {{"class": "ExternSprintDataset", "sprintTrainerExecPath": rasr, "sprintConfigStr": "", "partition_epoch": 2}}
dev = {{"class": "ExternSprintDataset", "sprintTrainerExecPath": rasr, "sprintConfigStr": ["--corpus.name=dev"]}}
extern_data = {{"data": {{"dim": 5}}, "classes": {{"dim": 4, "sparse": True}}}}
"""

SETUPS = {
    "own_class": (OWN_CLASS, "ce", 30),
    "speech": (SPEECH, "ctc", 200),
    "rasr": (RASR, "ce", 30),
}


def network(loss: str, batch_size: int) -> str:
    return NETWORK.replace("@loss@", loss).replace("@batch_size@", str(batch_size))


def write_setup(folder: Path, name: str) -> Path:
    data, loss, batch_size = SETUPS[name]
    (folder / "my.config").write_text(f"#!rnn.py\n{data}{network(loss, batch_size)}")
    if name == "speech":
        write_speech(folder / "corpus")
    return folder / "my.config"


def write_speech(folder: Path) -> None:
    """Tones of some pitches, one for each letter, as Ogg files in the layout of LibriSpeech."""
    import soundfile

    random = np.random.default_rng(4)
    for part, count in (("train-clean-100", 14), ("dev-clean", 4)):
        (folder / part / "12" / "3").mkdir(parents=True)
        lines = []
        for number in range(count):
            letters = random.integers(0, 4, random.integers(2, 6))
            time = np.arange(1600) / 8000
            tones = [np.sin(2 * np.pi * (300 + 500 * letter) * time) for letter in letters]
            samples = 0.5 * np.concatenate(tones) + random.normal(scale=0.01, size=1600 * len(letters))
            soundfile.write(folder / part / f"12/3/12-3-{number:04}.flac.ogg", samples, 8000, format="OGG")
            lines.append(f"12-3-{number:04} {''.join('abcd'[letter] for letter in letters)}\n")
        (folder / part / "12/3/12-3.trans.txt").write_text("".join(lines))
    (folder / "vocabulary").write_text(repr({letter: i for i, letter in enumerate("abcd")}))


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """:return: function (name of a setup, numbers of batches after which a signal comes) → the last checkpoint"""
    monkeypatch.setattr("jobs.phase_training.limit_threads", lambda _rqmt: None)  # a process sets it only once
    whole, left = Progress.advance, [10**9]

    def advance(self, sums):
        whole(self, sums)
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(Progress, "advance", advance)

    def train(file: Path, stops: list[int] = ()) -> Checkpoint:
        folder = tmp_path / f"work.{len(stops)}"
        folder.mkdir()
        monkeypatch.chdir(folder)
        monkeypatch.setattr(gs, "BASE_DIR", str(folder))  # the parent of work/
        waiting = list(stops)
        pipeline = lay_out("my", **load_config(file).training(tk.Path).arguments())
        assert "returnn" not in sys.modules
        assert len(pipeline.jobs) == 2
        for job in pickle.loads(pickle.dumps(pipeline.jobs)):
            job._sis_setup_directory()
            while True:
                monkeypatch.chdir(job._sis_path(gs.JOB_WORK_DIR))
                left[0] = waiting.pop(0) if waiting else 10**9
                try:
                    job.run()
                except SystemExit:
                    continue
                finally:
                    monkeypatch.chdir(folder)
                break
        assert not waiting
        return Checkpoint.load(pipeline.checkpoint.get_path())

    return train


@pytest.mark.slow
@pytest.mark.parametrize("name", SETUPS)
def test_a_training_killed_in_the_middle_of_epochs_ends_with_the_same_bits(name, tmp_path, trained):
    file = write_setup(tmp_path, name)
    whole = trained(file)
    assert len(whole.history) == 4
    assert all("dev" in record for record in whole.history)
    costs = [record["train"]["cost:output"] for record in whole.history]
    assert costs[-1] < costs[0]
    assert trained(file, [2, 3]).checksum == whole.checksum


HDF = {"data": {"dim": 3}, "classes": {"dim": 9, "sparse": True}}


def test_an_hdf_data_set_by_the_package_has_the_batches_of_boulders_reader(tmp_path):
    random = np.random.default_rng(2)
    with HdfWriter(tmp_path / "data.hdf", HDF) as writer:
        for number in range(30):
            length = int(random.integers(1, 12))
            frames = random.normal(size=(length, 3)).astype("float32")
            writer.write(f"seq-{number}", {"data": frames, "classes": random.integers(0, 9, length, "int32")})
    own = {
        "class": "HDFDataset",
        "files": [str(tmp_path / "data.hdf")],
        "partition_epoch": 2,
        "seq_ordering": "laplace:.5",
    }
    options = TrainingOptions.from_config({"batch_size": 30, "max_seqs": 4, "chunking": "6:4", "seq_drop": 0.2})
    with open_dataset(own, HDF) as native, open_dataset(own | {"class": "returnn:HDFDataset"}, HDF) as foreign:
        for epoch in (1, 2, 3):
            chunks, batches = batches_to_train(native, epoch, options, HDF)
            expected = [(chunks.tags(batch), chunks.read_many(batch)) for batch in batches]
            for found, (tags, arrays) in zip(streamed_to_train(foreign, epoch, options, HDF), expected, strict=True):
                assert [sequence.tag for sequence in found.sequences] == tags
                for sequence, data in zip(found.sequences, arrays, strict=True):
                    assert {key: array.dtype for key, array in sequence.data.items()} == {
                        "data": "float32",
                        "classes": "int32",
                    }
                    assert all(np.array_equal(sequence.data[key], data[key]) for key in HDF)


TOOLS = """
from returnn.datasets.generating import GeneratingDataset

def twice(x):
    return 2 * x

class Base(GeneratingDataset):
    pass
"""
MODULE = """
import numpy, returnn_tools
from returnn.datasets.basic import DatasetSeq
from returnn_tools import Base

class Ones(Base):
    def __init__(self, **kwargs):
        super().__init__(input_dim=2, output_dim=3, num_seqs=4, **kwargs)

    def generate_seq(self, seq_idx):
        from returnn_tools import twice
        ones = twice(numpy.ones((seq_idx + 1, 2), "float32"))
        return DatasetSeq(seq_idx, features=ones, targets=numpy.zeros(seq_idx + 1, "int32"))
"""


def test_a_class_in_a_module_beside_the_config_travels_by_value(tmp_path):
    (tmp_path / "returnn_tools.py").write_text(TOOLS)
    (tmp_path / "my_data.py").write_text(MODULE)
    streams = "extern_data = {'data': {'dim': 2}, 'classes': {'dim': 3, 'sparse': True}}"
    text = f"#!rnn.py\nfrom my_data import Ones\ntrain = {{'class': Ones}}\n{streams}\n{network('ce', 30)}"
    (tmp_path / "my.config").write_text(text)
    functions: dict = {}
    description = with_digests(load_config(tmp_path / "my.config").training().train_data, functions)
    for name in ("returnn_tools.py", "my_data.py"):
        (tmp_path / name).unlink()
    with open_dataset(restore(description, functions)) as dataset:
        found = [sequence.data["data"].sum() for sequence in dataset.sequences(1, 0, "default")]
    assert sorted(found) == [4, 8, 12, 16]


@pytest.mark.parametrize(
    ("streams", "message"),
    [
        ({"data": {"dim": 8}}, r"'data': found an array of shape \[\d+, 9\], expected dense features \[T, 8\]"),
        ({"classes": {"dim": 1, "sparse": True}}, "'classes': found label 1, expected sparse labels .* of dimension 1"),
        ({"date": {"dim": 9}}, "found no stream 'date', expected one of data, classes"),
        ({"classes": {"dim": 2}}, "'classes': found an array of shape .*, expected dense features"),
    ],
)
def test_streams_that_are_not_those_of_the_data_are_reported_with_the_sequence(streams, message):
    with (
        open_dataset({"class": "returnn:Task12AXDataset", "num_seqs": 4}, streams) as dataset,
        pytest.raises(DataError, match=f"^Task12AXDataset: .*{message}"),
    ):
        list(dataset.sequences(1, 0, "default"))


def test_streams_labels_and_number_of_sequences_come_from_the_class(tmp_path):
    description = {"class": "returnn:Task12AXDataset", "num_seqs": 4}
    with open_dataset(description) as dataset:
        assert {key: str(stream) for key, stream in dataset.streams.items()} == {
            "data": "dense features [T, 9]",
            "classes": "sparse labels [T] of dimension 2",
        }
        dataset.check_not_empty()
        assert len(list(dataset.sequences(3, 0, "default", start=1))) == 3
        first, second = dataset.sequences(1, 0, "default"), dataset.sequences(2, 0, "default")
        next(first)
        next(second)
        with pytest.raises(DataError, match=r"epoch and sequence \(1, 4\) were asked for, but \(2, 4\) comes next"):
            list(first)
    with open_dataset(description | {"num_seqs": 0}) as dataset, pytest.raises(DataError, match="found no sequences"):
        dataset.check_not_empty()


def test_the_fingerprint_is_the_same_before_the_first_epoch_and_after_it(tmp_path):
    (tmp_path / "lines.txt").write_text("a b\nb\n")
    (tmp_path / "words.txt").write_text("a\nb\n[END]\n")
    files = {"corpus_file": str(tmp_path / "lines.txt"), "orth_symbols_file": str(tmp_path / "words.txt")}
    with open_dataset({"class": "returnn:LmDataset", **files, "word_based": True}) as dataset:
        before = dataset.full_fingerprint()
        assert [sequence.tag for sequence in dataset.sequences(1, 0, "default")] == ["line-0", "line-1"]
        assert dataset.full_fingerprint() == before


def test_a_program_that_dies_within_an_epoch_is_reported_with_its_last_words(tmp_path, capfd):
    text = RASR.replace('"sprintConfigStr": "", "partition_epoch": 2', '"sprintConfigStr": ["--dies-at=corpus/4"]')
    (tmp_path / "my.config").write_text(f"#!rnn.py\n{text}{network('ce', 30)}")
    training = load_config(tmp_path / "my.config").training()
    with open_dataset(training.train_data, training.extern_data) as dataset:
        assert len(list(dataset.sequences(1, 0, "default"))) == 20
        with pytest.raises(
            DataError, match=r"^ExternSprintDataset: .*(ended with exit code 1|before the end of the epoch)"
        ):
            list(dataset.sequences(2, 0, "default"))
    assert "RASR: cannot read corpus/4" in capfd.readouterr().err


def test_a_bug_in_a_class_is_reported_with_the_sequence_and_the_line(tmp_path):
    text = OWN_CLASS.replace("frames = ", "assert seq_idx != 3\n        frames = ")
    (tmp_path / "my.config").write_text(f"#!rnn.py\n{text}{network('ce', 2)}")
    line = text.splitlines().index("        assert seq_idx != 3") + 2
    training = load_config(tmp_path / "my.config").training()
    told = rf"^Parity: epoch 1, sequence \d+: AssertionError: assert seq_idx != 3 \(.*my\.config:{line}\)$"
    with open_dataset(training.train_data, training.extern_data) as dataset:
        with pytest.raises(DataError, match=told):
            list(dataset.sequences(1, 0, "default"))
        with pytest.raises(DataError, match=r"^Parity: ValueError: epoch and sequence"):
            dataset._opened.ask("read", 5, 0, 1, ["data"])
