"""For the same options and epoch, the same sequences, with the same content, in the same order as RETURNN's data sets."""

import gzip
import json
import os
import pickle
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from boulder.data import HdfWriter, open_dataset
from boulder.data.dataset import dataset_classes
from boulder.errors import DataError

pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore:.*last line has no line break")]

ORDERS = [
    "default",
    "reverse",
    "sorted",
    "sorted_reverse",
    "random",
    "random:2",
    "laplace:.4",
    "laplace:3",
    "sort_bin_shuffle",
]
CASES_PER_CLASS = 40


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    """A folder with data files."""
    folder = tmp_path_factory.mktemp("readers")
    rng = np.random.default_rng(3)
    layouts = {
        "speech": {"data": {"dim": 3}, "classes": {"dim": 9, "sparse": True}},
        "text": {"data": {"dim": 9, "sparse": True}},
    }
    layouts["more"] = layouts["speech"]
    for name, keys in layouts.items():
        with HdfWriter(folder / f"{name}.hdf", keys) as writer:
            for i in range({"speech": 17, "more": 5, "text": 11}[name]):
                lengths = {key: int(rng.integers(0 if key == "classes" else 1, 12)) for key in keys}
                data = {key: rng.integers(0, 9, (n, 3) if keys[key] == {"dim": 3} else n) for key, n in lengths.items()}
                writer.write(f"{name}/{i}", {key: value.astype("int32") for key, value in data.items()})
    write_texts(folder, random.Random(4))
    return folder


WORDS = ["the", "cat", "sat", "[noise]", "on", "mat", "[brea[th]ing]", "Tree(s)", "über", "x", "unseen"]


def write_texts(folder: Path, rng: random.Random) -> None:
    """Text files, with and without a break at the end, gzipped, and in Bliss XML; and vocabularies, without some words."""
    lines = [rng.choice(["", " "]).join([" ".join(rng.choices(WORDS, k=rng.randint(0, 7))), ""]) for _ in range(15)]
    lines[3], lines[8] = "  two  spaces\tand [open", "a ] b[c]d [e][f]  "
    text = "\n".join(lines)
    (folder / "lines.txt").write_text(text)
    (folder / "ended.txt").write_text(text + "\n")
    for name in ("lines.txt.gz", "source.packed.gz", "target.packed.gz"):
        (folder / name).write_bytes(gzip.compress(text.encode()))
    (folder / "source.train").write_text(text)
    (folder / "target.train").write_text("\n".join(reversed(lines)))
    segments = "".join(f"<segment><orth>\n  {line} </orth></segment>" for line in lines if "<" not in line)
    corpus = f"<corpus name='a'><recording>{segments}</recording></corpus>"
    (folder / "corpus.xml").write_text(corpus)
    (folder / "corpus.xml.gz").write_bytes(gzip.compress(corpus.encode()))
    special = ["[END]", "[UNKNOWN]", "[START]", "[NOISE]", "|", "</S>", "<UNK>"]
    symbols = {"words": [*special, *WORDS[:-2], "two", "b[c]d"], "chars": [*special, " ", *"abcdefghiklmnorstu"]}
    for name, found in symbols.items():
        (folder / f"{name}.txt").write_text("\n".join(found))
        (folder / f"{name}.dict").write_text(repr({symbol: i for i, symbol in enumerate(found)}))
        mapped = [f"{symbol} {i}" for i, symbol in enumerate(found) if symbol.strip()]
        (folder / f"{name}.map").write_text(
            "\n".join(mapped if name == "words" else [f"{s} {i}" for i, s in enumerate(found[:7] + found[8:])])
        )
    for side in ("source", "target"):
        (folder / f"{side}.vocab.pkl").write_bytes(pickle.dumps({word: i for i, word in enumerate(symbols["words"])}))
    (folder / "replace.json").write_text(json.dumps({"cat": "sat on", "x": "", "t": "ma"}))


def hdf(rng: random.Random, files: Path, name: str) -> dict:
    data = {"class": "HDFDataset", "files": [str(files / f"{name}.hdf")]}
    if rng.random() < 0.6:
        data["seq_ordering"] = rng.choice(ORDERS)
    if rng.random() < 0.3:
        data["partition_epoch"] = rng.randint(2, 3)
    elif rng.random() < 0.2:
        data["repeat_epoch"] = rng.randint(2, 3)
    if rng.random() < 0.2:
        data["fixed_random_seed"] = rng.randint(1, 9)
    return data


def order(rng: random.Random) -> dict:
    options = {"seq_ordering": rng.choice(ORDERS)}
    if rng.random() < 0.3:
        options["partition_epoch"] = rng.randint(2, 3)
    elif rng.random() < 0.2:
        options["repeat_epoch"] = 2
    if rng.random() < 0.3:
        options["random_seed_offset"] = rng.randint(1, 99)
    return options


def concat(rng: random.Random, files: Path) -> dict:
    names = rng.choice([["speech"], ["speech", "more"], ["more", "speech", "more"]])
    return {"class": "ConcatDataset", "datasets": [hdf(rng, files, name) for name in names]}


def combined(rng: random.Random, files: Path) -> dict:
    parts = {name: hdf(rng, files, name) for name in ("speech", "text", "more")}
    data_map = {
        ("speech", "data"): "data",
        ("speech", "classes"): "classes",
        ("text", "data"): rng.choice(["classes", "text"]),
    }
    if rng.random() < 0.5:
        data_map[("more", "data")] = "data"
    data = {"class": "CombinedDataset", "datasets": parts, "data_map": data_map, **order(rng)}
    kind = rng.random()
    if kind < 0.25:
        data["seq_ordering"] = "random_dataset"
    elif kind < 0.55:
        data |= {"seq_ordering": "interleave", "interleave_gumbel_scale": rng.choice([None, 0, 1.0, 0.3, "remaining"])}
        data = {key: value for key, value in data.items() if key not in ("partition_epoch", "repeat_epoch")}
    elif kind < 0.75:
        sizes = {name: rng.randint(1, 9) for name in parts}
        data["sampling_sizes"] = rng.choice(
            [rng.randint(1, 20), sizes if ("more", "data") in data_map else {k: sizes[k] for k in ("speech", "text")}]
        )
        data.pop("partition_epoch", None)
    return data


def multi_epoch(rng: random.Random, files: Path) -> dict:
    inner = rng.choice([hdf(rng, files, "speech"), combined(rng, files)])
    return {"class": "MultiEpochDataset", "dataset": inner, "multi_epoch": rng.randint(1, 3)}


def multi_proc(rng: random.Random, files: Path) -> dict:
    return {
        "class": "MultiProcDataset",
        "dataset": hdf(rng, files, "speech"),
        "num_workers": rng.randint(1, 2),
        "buffer_size": rng.randint(1, 3),
        **order(rng),
    }


def static(rng: random.Random, files: Path) -> dict:
    numbers = np.random.default_rng(rng.randint(0, 99))
    data = []
    for _ in range(rng.randint(4, 9)):
        frames = numbers.normal(size=(numbers.integers(1, 6), 2)).astype("float32")
        data.append({"data": frames, "classes": numbers.integers(0, 5, numbers.integers(1, 4), "int32")})
    options = rng.choice(
        [{}, {"output_dim": {"data": [2, 2], "classes": [5, 1]}}, {"input_dim": 2, "output_dim": {"classes": (5, 1)}}]
    )
    return {"class": "StaticDataset", "data": data, **options, **order(rng)}


def translation(rng: random.Random, files: Path) -> dict:
    data = {
        "class": "TranslationDataset",
        "path": str(files),
        "file_postfix": rng.choice(["train", "packed"]),
        **order(rng),
    }
    for side in ("source", "target"):
        if rng.random() < 0.5:
            data[f"{side}_postfix"] = " </S>"
    data["unknown_label"] = rng.choice(["<UNK>", {"data": "<UNK>", "classes": "<UNK>"}])
    if rng.random() < 0.2:
        data["source_only"] = True
    return data


def lm(rng: random.Random, files: Path) -> dict:
    names = [
        ["lines.txt"],
        ["lines.txt.gz"],
        ["corpus.xml"],
        ["lines.txt", "corpus.xml.gz", "lines.txt.gz"],
        ["ended.txt"],
    ]
    data = {"class": "LmDataset", "corpus_file": [str(files / name) for name in rng.choice(names)], **order(rng)}
    word_based = rng.random() < 0.5
    if rng.random() < 0.3:
        data["orth_vocab"] = {"vocab_file": str(files / "words.txt"), "unknown_label": "[UNKNOWN]"}
    else:
        name = "words" if word_based else "chars"
        kind = rng.choice(["txt", "map", "dict"])
        data["orth_symbols_file" if kind == "txt" else "orth_symbols_map_file"] = str(files / f"{name}.{kind}")
        data |= {"word_based": word_based, "auto_replace_unknown_symbol": rng.random() < 0.8}
        if not data["auto_replace_unknown_symbol"]:
            data["error_on_invalid_seq"] = False
        elif rng.random() < 0.2:
            data["unknown_symbol"] = None
        if rng.random() < 0.3:
            data["orth_replace_map_file"] = str(files / "replace.json")
        if rng.random() < 0.3:
            data["seq_end_symbol"] = None
        if not word_based and rng.random() < 0.4:
            data["word_end_symbol"] = "|"
        if (
            rng.random() < 0.3 and kind != "map"
        ):  # which has no space: RETURNN's result then depends on what it read before
            data["parse_orth_opts"] = rng.choice(PARSING)
        if rng.random() < 0.3:
            data["add_delayed_seq_data"] = True
    if rng.random() < 0.3:
        data["skip_empty_lines"] = False
    if rng.random() < 0.3:
        data["tag_prefix"] = "seq:"
    return data


def task(name: str, *options: dict) -> Callable[[random.Random, Path], dict]:
    """:return: function that makes a description of this class with one of these options"""

    def make(rng: random.Random, files: Path) -> dict:
        data = {"class": name, "num_seqs": rng.randint(3, 12), **rng.choice(options or [{}])}
        data["seq_ordering"] = rng.choice(["default", "reverse", "random", "random:2", "sorted"])
        if rng.random() < 0.4:
            data["partition_epoch"] = rng.randint(2, 3)
        if rng.random() < 0.4:
            data |= rng.choice([{"fixed_random_seed": 3}, {"random_seed_offset": 5}])
        return data

    return make


LENGTHS = {"data": 3, "classes": 5}
GENERATED = {
    "Task12AXDataset": task("Task12AXDataset"),
    "TaskEpisodicCopyDataset": task("TaskEpisodicCopyDataset"),
    "TaskXmlModelingDataset": task("TaskXmlModelingDataset", {}, {"limit_stack_depth": 2}),
    "CopyTaskDataset": task(
        "CopyTaskDataset",
        {"nsymbols": 20, "minlen": 1, "maxlen": 5},
        {"nsymbols": 2, "minlen_epoch_factor": 1, "maxlen_epoch_factor": 1.5},
    ),
    "TaskNumberBaseConvertDataset": task(
        "TaskNumberBaseConvertDataset", {}, {"input_base": 10, "output_base": 36, "max_input_seq_len": 20}
    ),
    "DummyDataset": task(
        "DummyDataset",
        {"input_dim": 3, "output_dim": 4},
        {
            "input_dim": 2,
            "output_dim": {"classes": 7},
            "seq_len": 6,
            "input_max_value": 7.0,
            "input_shift": 0.5,
            "input_scale": 2.0,
        },
    ),
    "DummyDatasetMultipleSequenceLength": task(
        "DummyDatasetMultipleSequenceLength",
        {"input_dim": 3, "output_dim": 4, "seq_len": LENGTHS},
        {"input_dim": 3, "output_dim": 4},
    ),
    "DummyDatasetMultipleDataKeys": task(
        "DummyDatasetMultipleDataKeys",
        {"output_dim": {"data": [3, 2], "classes": [4, 1]}, "seq_len": LENGTHS},
        {
            "output_dim": {"classes": [3, 2], "data": [4, 1]},
            "data_keys": ["classes", "data"],
            "seq_len": 4,
        },
    ),
}


PARSING = [
    {"prefix": ["[START]"]},
    {"remove_chars": "aeiou"},
    {"collapse_spaces": False},
    {"collapse_spaces": False, "final_strip": False},
    {"square_brackets_for_specials": False},
    {"upper_case_special": False, "postfix": []},
]


GENERATORS: dict[str, tuple[Callable[[random.Random, Path], dict], int]] = {
    "ConcatDataset": (concat, CASES_PER_CLASS),
    "CombinedDataset": (combined, 3 * CASES_PER_CLASS),
    "MultiEpochDataset": (multi_epoch, CASES_PER_CLASS),
    "MultiProcDataset": (multi_proc, 3),
    "StaticDataset": (static, CASES_PER_CLASS),
    "TranslationDataset": (translation, CASES_PER_CLASS),
    "LmDataset": (lm, 3 * CASES_PER_CLASS),
}
GENERATORS |= {name: (make, 12) for name, make in GENERATED.items()}
"""class → (description from random numbers and files, number of cases)"""

ELSEWHERE = {"HDFDataset", "MetaDataset", "OggZipDataset", "ReturnnDataset"}
"""Classes that test_orders_like_returnn.py and test_audio_like_returnn.py compare."""


def of_returnn(cases: list[tuple[dict, int]], folder: Path) -> list:
    (folder / "cases").write_bytes(pickle.dumps(cases))
    script = Path(__file__).with_name("returnn_readers.py")
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "", "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, script, folder / "cases", folder / "results"]
    run = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, cwd=folder)
    assert run.returncode == 0, run.stderr[-2000:]
    return pickle.loads((folder / "results").read_bytes())


def of_boulder(description: dict, epochs: int) -> list:
    with open_dataset(description) as dataset:
        dataset.check()
        found = []
        for epoch in range(1, epochs + 1):
            if dataset.streamed:
                found.append([(sequence.tag, sequence.data) for sequence in dataset.sequences(epoch, 0, "default")])
                continue
            try:
                indices = dataset.epoch_order(epoch, 0, "default")
            except DataError as error:  # RETURNN goes on with an epoch without sequences
                if "leaves no sequence" not in str(error):
                    raise
                found.append([])
                continue
            found.append(list(zip(dataset.tags(indices), dataset.read_many(indices), strict=True)))
            for key, lengths in dataset.measured_lengths.items():
                assert [len(data[key]) for _, data in found[-1]] == lengths[indices].tolist()
        return found


def plain(epochs: list) -> list:
    """:return: lists in place of the arrays, with floats in single precision, which a network receives"""

    def values(array) -> list:
        array = np.asarray(array)
        return (array.astype("float32") if array.dtype.kind == "f" else array).tolist()

    return [[(tag, {key: values(array) for key, array in data.items()}) for tag, data in epoch] for epoch in epochs]


@pytest.fixture(scope="module")
def results(files) -> dict[str, list]:
    """class → (description, RETURNN's sequences or its error)"""
    rng = random.Random(7)
    cases = {name: [(make(rng, files), 4) for _ in range(count)] for name, (make, count) in GENERATORS.items()}
    every = iter(of_returnn([case for found in cases.values() for case in found], files))
    return {name: [(case, next(every)) for case in found] for name, found in cases.items()}


@pytest.mark.parametrize("name", GENERATORS)
def test_epochs_have_returnns_sequences(results, name):
    compared = 0
    for (description, epochs), expected in results[name]:
        if isinstance(expected, str):
            continue
        assert plain(of_boulder(description, epochs)) == plain(expected), description
        compared += 1
    errors = {expected for _, expected in results[name] if isinstance(expected, str)}
    assert compared > 0.7 * len(results[name]), errors


def test_every_class_of_returnn_is_compared():
    assert {*GENERATORS} | ELSEWHERE >= {*dataset_classes()}
