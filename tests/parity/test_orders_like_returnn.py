"""For the same options and epoch, the same sequences in the same order and the same batches as RETURNN's data sets."""

import gzip
import json
import os
import pickle
import random
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pytest

from boulder.data import Dataset, HdfWriter, open_dataset
from boulder.data.chunks import Chunks
from boulder.errors import DataError
from boulder.training.epoch_batches import batches_to_train
from boulder.training.training_options import TrainingOptions

pytestmark = pytest.mark.parity

ORDERS = [
    *("default", "reverse", "sorted", "sorted_reverse", "random", "random:2", "random:3", "default_every_n:3"),
    *("random_sample", "random_sample:2", "laplace", "laplace:1", "laplace:3", "laplace:.5", "laplace:.100"),
    *("laplace:4:2", "laplace:.7:3", "sort_bin_shuffle", "sort_bin_shuffle:3", "sort_bin_shuffle:.4", "laplace:40"),
    *("sort_bin_shuffle_x2", "sort_bin_shuffle_x2:4", "sort_bin_shuffle_x2:.6:2", "sort_bin_shuffle:5:2"),
]


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, str]:
    """Names of data files of two layouts, and of files about their tags."""
    folder = tmp_path_factory.mktemp("orders")
    rng = np.random.default_rng(5)
    layouts = {"inputs": ["data", "classes", "aux"], "targets": ["features", "bpe"], "one": ["data"]}
    for name, keys in layouts.items():
        streams = {key: {"dim": 3} if key in ("data", "features") else {"dim": 9, "sparse": True} for key in keys}
        with HdfWriter(folder / f"{name}.hdf", streams) as writer:
            for i in range(29):
                lengths = {key: int(rng.integers(0 if i % 7 == 0 else 1, 15)) for key in keys}
                shapes = {key: (n, 3) if key in ("data", "features") else (n,) for key, n in lengths.items()}
                tag = f"{name}/{i if i % 9 else 0}"  # several sequences have the tag NAME/0
                writer.write(tag, {key: np.zeros(shape, "int32") for key, shape in shapes.items()})
        tags = [f"{name}/{i}" for i in range(29)]
        listed = [tag for tag in tags if rng.random() < 0.5]
        (folder / f"{name}.list").write_text("\n".join(listed))
        with gzip.open(folder / f"{name}.list.gz", "wt") as file:
            file.write("\n".join(listed))
        (folder / f"{name}.pkl").write_bytes(pickle.dumps(listed))
        lengths = {tag: float(rng.integers(2, 18)) / 2 for tag in tags}
        (folder / f"{name}.lens").write_text(repr(lengths))
    write_for_chunks(folder / "chunks.hdf", rng)
    write_for_joining(folder, rng)
    return {path.name: str(path) for path in folder.iterdir()}


def write_for_chunks(path: Path, rng: np.random.Generator) -> None:
    """Classes are as long as data, halves half as long, rounded up; half of the sequences have a single "one"."""
    streams = {key: {"dim": 9, "sparse": True} for key in ("data", "classes", "halves", "one")}
    with HdfWriter(path, streams) as writer:
        for i, length in enumerate(rng.integers(0, 31, 20)):
            lengths = {"data": length, "classes": length, "halves": (length + 1) // 2, "one": i % 2}
            writer.write(f"{i}", {key: np.zeros(n, "int32") for key, n in lengths.items()})


def write_for_joining(folder: Path, rng: np.random.Generator) -> None:
    """Two files with the same sequences in another order, with and without the same tags, lists of tags, and lengths."""
    streams = {
        "audio": {"data": {"dim": 3}, "classes": {"dim": 9, "sparse": True}},
        "text": {"data": {"dim": 9, "sparse": True}},
    }
    streams["lines"] = streams["text"]
    tags = {name: [f"{'line' if name == 'lines' else 'seq'}-{i}" for i in rng.permutation(25)] for name in streams}
    for name, keys in streams.items():
        with HdfWriter(folder / f"{name}.hdf", keys) as writer:
            for tag in tags[name]:
                lengths = {key: rng.integers(1, 12) for key in keys}
                shapes = {
                    key: (n, 3) if stream == {"dim": 3} else (n,)
                    for (key, stream), n in zip(keys.items(), lengths.values(), strict=True)
                }
                writer.write(tag, {key: np.zeros(shape, "int32") for key, shape in shapes.items()})
    some = [f"{i}" for i in rng.permutation(25)[:18]]
    lists = {
        "audio": [f"seq-{i}" for i in some],
        "text": [f"seq-{i}" for i in some],
        "lines": [f"line-{i}" for i in some],
    }
    (folder / "joined.pkl").write_bytes(pickle.dumps(lists))
    (folder / "audio.tags").write_text("\n".join(lists["audio"]))
    (folder / "lines.tags").write_text("\n".join(lists["lines"]))
    lengths = {tag: {"data": int(rng.integers(1, 12)), "classes": int(rng.integers(1, 12))} for tag in tags["audio"]}
    (folder / "joined.lens").write_text(json.dumps(lengths))


def random_data(rng: random.Random, files: dict[str, str]) -> dict:
    name = rng.choice(["inputs", "inputs", "targets", "one"])
    others = [[], [], [files["inputs.hdf"]]][rng.randrange(3)] if name == "inputs" else []
    data = {"class": "HDFDataset", "files": [files[f"{name}.hdf"], *others], "seq_ordering": rng.choice(ORDERS)}
    if rng.random() < 0.2:
        data["fixed_random_seed"] = rng.randint(0, 99)
    if rng.random() < 0.3:
        data["random_seed_offset"] = rng.randint(0, 2000)
    if rng.random() < 0.4:
        data["partition_epoch"] = rng.randint(1, 5)
    elif rng.random() < 0.2:
        data["repeat_epoch"] = rng.randint(1, 3)
    if rng.random() < 0.2:
        data["unique_seq_tags"] = True
    if rng.random() < 0.25:
        data["seq_list_filter_file"] = files[name + rng.choice([".list", ".list.gz", ".pkl"])]
    if rng.random() < 0.2:
        data["seq_order_seq_lens_file"] = files[f"{name}.lens"]
    if rng.random() < 0.15:
        borders = sorted(rng.sample(range(1, 7), 3))
        ranges = [(borders[0], borders[1]), (borders[1], rng.choice([borders[2], None]))]
        data["epoch_wise_filter"] = [
            (epochs, {"max_mean_len": rng.choice([2, 3.5, 5, 6, 99])}) for epochs in ranges[: rng.randint(1, 2)]
        ]
    return data


def random_batches(rng: random.Random, keys: list[str]) -> dict:
    def limit(low: int, high: int):
        if rng.random() < 0.5:
            return rng.randint(low, high)
        return {key: rng.randint(low, high) for key in rng.sample(keys, rng.randint(1, len(keys)))}

    options = {"batch_size": limit(1, 60)}
    if rng.random() < 0.5:
        options["max_seqs"] = rng.choice([-1, 1, 2, 5, 9])
    if rng.random() < 0.3:
        options["max_pad_size"] = limit(0, 9)
    if rng.random() < 0.4:
        options["max_seq_length"] = limit(6, 14)
    if rng.random() < 0.3:
        options["min_seq_length"] = limit(1, 3)
    if rng.random() < 0.3:
        options |= {"seq_drop": rng.choice([0.1, 0.5]), "seq_drop_freq": rng.randint(1, 4)}
    return options


def random_case(rng: random.Random, files: dict[str, str]) -> dict:
    data = random_data(rng, files)
    keys = {"inputs": ["data", "classes", "aux"], "targets": ["bpe", "features"], "one": ["data"]}
    return {
        "data": data,
        "batches": random_batches(rng, keys[Path(data["files"][0]).stem]),
        "epochs": 6,
    }


def random_chunks(rng: random.Random, files: dict[str, str]) -> dict:
    keys = rng.choice([["data"], ["data", "classes"], ["data", "classes"], ["data", "halves"], ["classes", "halves"]])
    if rng.random() < 0.1:
        keys = [*keys, "one"]
    size, step = rng.randint(1, 12), rng.randint(1, 8)
    chunking = rng.choice([size, f"{size}:{step}", f"{size}", [size, step], [size, None]])
    minimum = rng.choice([0, 0, 1, 3])
    if "halves" in keys or rng.random() < 0.3:
        step, minimum = step + step % 2, minimum + minimum % 2
        ratio = {"data": 2, "classes": 2, "halves": 1, "one": 0}
        sizes = {key: max(size * n, 1) for key, n in ratio.items() if key in keys or rng.random() < 0.1}
        chunking = [sizes, {key: step * ratio[key] // 2 for key in sizes}]
        minimum = rng.choice([minimum, {key: minimum * n // 2 for key, n in ratio.items()}])
    data = {
        "class": "HDFDataset",
        "files": [files["chunks.hdf"]],
        "seq_ordering": rng.choice(["random", "laplace:.4", "default"]),
    }
    data |= {"chunking": chunking, "min_chunk_size": minimum}
    if rng.random() < 0.3:
        data["chunking_variance"] = rng.choice([0.1, 0.5, 1.0])
    return {"data": data, "batches": random_batches(rng, keys), "epochs": 4, "keys": keys}


def random_joined(rng: random.Random, files: dict[str, str]) -> dict:
    order = rng.choice(ORDERS)
    parts = {name: {"class": "HDFDataset", "files": [files[f"{name}.hdf"]]} for name in ("audio", "text", "lines")}
    other = rng.choice(["text", "text", "lines"])
    data = {
        "class": "MetaDataset",
        "datasets": parts,
        "data_map": {"data": ["audio", "data"], "classes": [other, "data"]},
    }
    if rng.random() < 0.4:
        data["data_map"]["aligned"] = ["audio", "classes"]
    options = {"seq_ordering": order} | ({"partition_epoch": rng.randint(1, 4)} if rng.random() < 0.5 else {})
    if rng.random() < 0.3:
        data["random_seed_offset"] = rng.randint(1, 99)
    if other == "text" and rng.random() < 0.5:
        data["seq_order_control_dataset"] = rng.choice(["audio", "text"])
        parts[data["seq_order_control_dataset"]] |= options
    else:
        data |= options
        if other == "lines" or rng.random() < 0.5:
            both = {"audio": files["audio.tags"], "lines": files["lines.tags"]}
            data["seq_list_file"] = rng.choice([files["joined.pkl"], both if other == "lines" else files["audio.tags"]])
        if rng.random() < 0.3 and "aligned" not in data["data_map"]:
            data["seq_lens_file"] = files["joined.lens"]
    keys = list(data["data_map"])
    return {"data": data, "batches": random_batches(rng, keys), "epochs": 5}


def of_returnn(cases: list[dict]) -> list:
    script = Path(__file__).with_name("returnn_orders.py")
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "", "PYTHONWARNINGS": "ignore"}
    run = subprocess.run(
        [sys.executable, str(script)], input=json.dumps(cases), capture_output=True, text=True, env=environment
    )
    assert run.returncode == 0, run.stderr[-2000:]
    return json.loads(run.stdout.splitlines()[-1])


def of_boulder(case: dict) -> list:
    data = dict(case["data"])
    if "epoch_wise_filter" in data:
        data |= {"epoch_wise_filter": dict(data["epoch_wise_filter"])}
    chunking = {key: data.pop(key) for key in ("chunking", "min_chunk_size", "chunking_variance") if key in data}
    limits = {"max_seqs": None} | {key: None if value == -1 else value for key, value in case["batches"].items()}
    options = TrainingOptions.from_config(limits | chunking | {"returnn_batches": True})
    found = []
    with open_dataset(data) as dataset:
        keys = case.get("keys", dataset.streams)
        for epoch in range(1, case["epochs"] + 1):
            order = dataset.epoch_order(epoch, 0, "default")
            try:
                chunks, batches = batches_to_train(dataset, epoch, options, keys)
                formed = [slices(chunks, seqs, keys) for seqs in batches]
            except DataError as error:  # RETURNN goes on with an epoch without batches
                if "leaves no sequence" not in str(error):
                    raise
                formed = []
            found.append({"order": order.tolist(), "batches": formed})
    return found


def slices(dataset: Dataset, seqs: np.ndarray, keys: Collection[str]) -> list:
    if isinstance(dataset, Chunks):
        borders = [{key: [int(column[i]) for column in dataset.borders[key]] for key in keys} for i in seqs]
    else:
        borders = [{key: [0, int(dataset.all_lengths[key][i])] for key in keys} for i in seqs]
    return [list(pair) for pair in zip(dataset.tags(seqs), borders, strict=True)]


def test_orders_and_batches_over_generated_options(files):
    rng = random.Random(12)
    cases = [random_case(rng, files) for _ in range(400)]
    compared = 0
    for case, expected in zip(cases, of_returnn(cases), strict=True):
        if "error" in expected:
            assert "empty after applying" in expected["error"], case
            continue
        for batch in (batch for epoch in expected for batch in epoch["batches"]):
            for _, borders in batch:
                borders.pop("classes" if case["data"]["files"][0] == files["one.hdf"] else "", None)  # has no data
        assert of_boulder(case) == expected, case
        compared += 1
    assert compared > 350


def test_joined_data_sets_over_generated_options(files):
    rng = random.Random(8)
    cases = [random_joined(rng, files) for _ in range(200)]
    for case, expected in zip(cases, of_returnn(cases), strict=True):
        assert "error" not in expected, (case, expected)
        assert of_boulder(case) == expected, case


def test_chunks_over_generated_options(files):
    rng = random.Random(3)
    cases = [random_chunks(rng, files) for _ in range(400)]
    compared = refused = 0
    for case, expected in zip(cases, of_returnn(cases), strict=True):
        if "error" in expected:
            with pytest.raises(DataError, match="chunking: "):
                of_boulder(case)
            refused += 1
        else:
            assert of_boulder(case) == expected, case
            compared += 1
    assert compared > 250
    assert refused > 20
