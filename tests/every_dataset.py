"""A description of each class of data sets, and the files that it needs."""

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from boulder.data import HdfWriter
from boulder.data.audio.ogg_zip_writer import Recording, write_ogg_zip

TASKS = ("Task12AXDataset", "TaskEpisodicCopyDataset", "TaskXmlModelingDataset", "TaskNumberBaseConvertDataset")


def write_files(folder: Path) -> None:
    """Two HDF files, text in two languages, and recordings."""
    random = np.random.default_rng(6)
    streams = {"data": {"dim": 3}, "classes": {"dim": 9, "sparse": True}}
    for name in ("one", "two"):
        with HdfWriter(folder / f"{name}.hdf", streams) as writer:
            for i in random.permutation(13 if name == "one" else 20).tolist():
                frames, labels = random.integers(1, 12, 2)
                data = {"data": random.normal(size=(frames, 3)), "classes": random.integers(0, 9, labels)}
                writer.write(f"seq-{i}", data)
    lines = [" ".join(random.choice(["a", "b", "c"], random.integers(1, 9))) for _ in range(15)]
    for side in ("source", "target"):
        (folder / f"{side}.train").write_text("".join(f"{line}\n" for line in lines))
        (folder / f"{side}.vocab.pkl").write_bytes(pickle.dumps({"a": 0, "b": 1, "c": 2}))
    (folder / "symbols").write_text("a\nb\nc\n[END]")
    (folder / "wav").mkdir()
    for i in range(8):
        soundfile.write(folder / f"wav/{i}.wav", random.uniform(-0.5, 0.5, random.integers(900, 2500)), 8000)


def hdf(folder: Path, name: str = "one", **options) -> dict:
    return {"class": "HDFDataset", "files": [str(folder / f"{name}.hdf")], **options}


def parts(folder: Path, **options) -> dict:
    return {"one": hdf(folder, **options), "two": hdf(folder, "two", **options)}


def ogg_zip(folder: Path) -> dict:
    path = folder / "speech.zip"
    if not path.exists():
        write_ogg_zip(path, [Recording(f"{i}", folder / f"wav/{i}.wav", "ab"[i % 2] * (i + 1)) for i in range(8)])
    audio = {"features": "raw"}
    return {"class": "OggZipDataset", "path": str(path), "audio": audio, "targets": {"class": "Utf8ByteTargets"}}


EXAMPLES: dict[str, Callable[[Path], dict]] = {
    "HDFDataset": lambda f: hdf(f, seq_ordering="laplace:.4"),
    "MetaDataset": lambda f: {
        "class": "MetaDataset",
        "datasets": parts(f),
        "data_map": {"data": ("one", "data"), "classes": ("two", "classes")},
        "seq_ordering": "random",
    },
    "CombinedDataset": lambda f: {
        "class": "CombinedDataset",
        "datasets": parts(f, seq_ordering="random", partition_epoch=2),
        "data_map": {("one", "data"): "data", ("two", "data"): "data", ("two", "classes"): "classes"},
        "seq_ordering": "random_dataset",
    },
    "ConcatDataset": lambda f: {"class": "ConcatDataset", "datasets": [*parts(f).values()], "seq_ordering": "random"},
    "MultiEpochDataset": lambda f: {
        "class": "MultiEpochDataset",
        "dataset": hdf(f, partition_epoch=3, seq_ordering="random"),
        "multi_epoch": 2,
    },
    "MultiProcDataset": lambda f: {"class": "MultiProcDataset", "dataset": hdf(f), "seq_ordering": "random"},
    "StaticDataset": lambda f: {
        "class": "StaticDataset",
        "data": [{"data": [[i, 1.5]] * (i + 1), "classes": [i]} for i in range(7)],
        "seq_ordering": "sorted_reverse",
    },
    "LmDataset": lambda f: {
        "class": "LmDataset",
        "corpus_file": str(f / "source.train"),
        "orth_symbols_file": str(f / "symbols"),
        "word_based": True,
        "seq_ordering": "random",
    },
    "TranslationDataset": lambda f: {
        "class": "TranslationDataset",
        "path": str(f),
        "file_postfix": "train",
        "seq_ordering": "random",
    },
    "OggZipDataset": lambda f: ogg_zip(f) | {"seq_ordering": "random"},
    **{name: lambda f, name=name: {"class": name, "num_seqs": 9, "seq_ordering": "random"} for name in TASKS},
    "CopyTaskDataset": lambda f: {"class": "CopyTaskDataset", "num_seqs": 9, "nsymbols": 5, "minlen": 1, "maxlen": 9},
    "DummyDataset": lambda f: {"class": "DummyDataset", "num_seqs": 9, "input_dim": 3, "output_dim": 5},
    "DummyDatasetMultipleSequenceLength": lambda f: {
        "class": "DummyDatasetMultipleSequenceLength",
        "num_seqs": 9,
        "input_dim": 3,
        "output_dim": 5,
    },
    "DummyDatasetMultipleDataKeys": lambda f: {
        "class": "DummyDatasetMultipleDataKeys",
        "num_seqs": 9,
        "output_dim": {"data": 3, "classes": 5},
    },
}
"""class → description, from the folder of `write_files`"""

ELSEWHERE = {"ReturnnDataset": "tests/parity/test_other_data_sets.py"}
"""class → the test of it, which needs RETURNN's package"""
