"""Measures the reading of data: an epoch over many short sequences, and HDF files to batches beside RETURNN.

    .venv/bin/python bench/data.py [FOLDER]      FOLDER for 2 GB of generated files, which are removed; default: a temporary one

Each pass runs in a process of its own. Boulder and RETURNN (`make EXTRA=parity venv`) alternate, so that other load affects both
alike; a ratio is that of two neighbours. Rates are per second of wall time, and, in brackets, of processor time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import h5py
import numpy as np
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
REPEATS = 3
MANY, SHORT = 10_000_000, (2, 8)  # sequences, and their lengths
SPEECH, LONG, FEATURES = 2000, (200, 1200), 40
LABELS = 40
DENSE = {"data": {"dim": FEATURES}, "classes": {"dim": LABELS, "sparse": True}}
SPARSE = {"data": {"dim": LABELS, "sparse": True}, "classes": {"dim": LABELS, "sparse": True}}
BATCHES = {"batch_size": 20_000, "max_seqs": 200}
BLOCK = 1 << 20


# Files


def write_many(path: Path) -> None:
    """A file of many short sequences, written without a loop over them."""
    rng = np.random.default_rng(1)
    lengths = rng.integers(*SHORT, MANY).astype("int32")
    total = int(lengths.sum())
    with h5py.File(path, "w") as file:
        file.attrs.update(inputPattSize=LABELS, numLabels=LABELS, numDims=1, numSeqs=MANY, numTimesteps=total)
        file["seqLengths"] = np.stack([lengths, lengths], axis=1)
        file["targets/labels/classes"] = np.array([b"dummy"])
        file.require_group("targets/size").attrs["classes"] = [LABELS, 1]
        tags = file.create_dataset("seqTags", (MANY,), "S16")
        for start in range(0, MANY, BLOCK):
            numbers = np.arange(start, min(start + BLOCK, MANY))
            tags[start : start + BLOCK] = np.char.add(b"corpus/", numbers.astype("S9"))
        for name in ("inputs", "targets/data/classes"):
            labels = file.create_dataset(name, (total,), "int32")
            for start in range(0, total, BLOCK):
                labels[start : start + BLOCK] = rng.integers(0, LABELS, min(BLOCK, total - start), "int32")


def _speech() -> list[tuple[str, np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(2)
    lengths = rng.integers(*LONG, SPEECH)
    return [
        (f"corpus/{i}", rng.normal(size=(n, FEATURES)).astype("float32"), rng.integers(0, LABELS, n, "int32"))
        for i, n in enumerate(lengths)
    ]


def write_speech(path: Path) -> None:
    """A file of long sequences of features, of Boulder."""
    from boulder.data import HdfWriter

    with HdfWriter(path, DENSE) as file:
        for tag, features, labels in _speech():
            file.write(tag, {"data": features, "classes": labels})


def write_speech_with_returnn(path: Path) -> None:
    """The same, of RETURNN: cut into tiles of few columns."""
    from returnn.datasets.hdf import SimpleHDFWriter

    file = SimpleHDFWriter(str(path), dim=FEATURES, ndim=2, extra_type={"classes": (LABELS, 1, "int32")})
    for tag, features, labels in _speech():
        file.insert_batch(features[None], [len(features)], [tag], extra={"classes": labels[None]})
    file.close()


# Passes, each in a process of its own; they print JSON


def epoch(path: str, order: str) -> dict:
    """Boulder: opens the file, forms the order and the batches of an epoch, and reads some batches."""
    from boulder.data import open_dataset, read_batch
    from boulder.training.epoch_batches import batches_to_train
    from boulder.training.training_options import TrainingOptions

    memory, began = _memory("VmRSS"), time.perf_counter()
    dataset = open_dataset({"class": "HDFDataset", "files": [path]}, SPARSE)
    dataset.check()
    dataset.check_not_empty()
    dataset.full_fingerprint()
    opened, worked = time.perf_counter(), time.process_time()
    options = TrainingOptions(batch_size=2000, max_seqs=None, batching=order)
    _, batches = batches_to_train(dataset, 1, options, list(SPARSE))
    formed, worked_to_form = time.perf_counter(), time.process_time() - worked
    read_batch(dataset, batches[0])
    first = time.perf_counter()
    before = _memory("VmRSS")
    for number in np.linspace(1, len(batches) - 1, 2000).astype(int):
        read_batch(dataset, batches[number])
    return {
        "open": opened - began,
        "form": formed - opened,
        "processor": worked_to_form,
        "first": first - formed,
        "peak": _memory("VmHWM") - memory,
        "growth": _memory("VmRSS") - before,
    }


def boulder(path: str, order: str, threads: int) -> dict:
    """Boulder: a pass from a file to padded arrays; 0 threads: in this one, without TensorFlow."""
    from boulder.data import batches_of_epoch, form_batches, open_dataset, read_batch

    dataset = open_dataset({"class": "HDFDataset", "files": [path], "seq_ordering": order}, DENSE)

    def run() -> int:
        batches = form_batches(dataset.epoch_order(1, 1, "default"), dataset.lengths, **BATCHES)
        if threads:
            read = batches_of_epoch(dataset, batches, num_workers=threads)
        else:
            read = (read_batch(dataset, seqs) for seqs in batches)
        return sum(int(np.asarray(batch.lengths["data"]).sum()) for batch in read)

    return _rates(run)


def returnn(path: str, order: str) -> dict:
    """RETURNN: the same pass, as its engine reads batches."""
    from returnn.datasets import init_dataset
    from returnn.engine.batch import batch_to_raw_dict
    from returnn.log import log
    from returnn.tensor import TensorDict

    log.initialize(verbosity=[0])
    streams = TensorDict()
    shapes = {"data": {"dim": FEATURES, "shape": (None, FEATURES)}, "classes": DENSE["classes"] | {"shape": (None,)}}
    streams.update(shapes, auto_convert=True)
    dataset = init_dataset({"class": "HDFDataset", "files": [path], "seq_ordering": order})

    def run() -> int:
        frames = 0
        dataset.init_seq_order(1)
        batches = dataset.generate_batches(recurrent_net=True, **BATCHES)
        while batches.has_more():
            (batch,) = batches.peek_next_n(1)
            read = batch_to_raw_dict(batch, dataset=dataset, extern_data=streams, data_keys=list(shapes))
            assert read["data"].shape[0] == len(batch.seqs)
            frames += sum(int(seq.frame_length["data"]) for seq in batch.seqs)
            batches.advance(1)
        return frames

    return _rates(run)


PASSES: dict[str, Callable[..., dict]] = {"epoch": epoch, "boulder": boulder, "returnn": returnn}


def _rates(run: Callable[[], int]) -> dict:
    """:param run: a pass over the file, which returns the number of frames; the first one, which warms up, does not count"""
    run()
    began, worked = time.perf_counter(), time.process_time()
    frames = run()
    return {
        "frames": frames,
        "rate": frames / (time.perf_counter() - began),
        "of_processor": frames / (time.process_time() - worked),
    }


def _memory(name: str) -> float:
    """:return: megabytes, from /proc"""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) / 1000


def measured(*arguments: object) -> dict:
    command = [sys.executable, __file__, "--pass", *map(str, arguments)]
    env = os.environ | {"PYTHONPATH": str(ROOT / "recipe"), "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


# Tables


def shown(values: list[float], form: str = "{:.2f}") -> str:
    return f"{form.format(median(values))} ({form.format(min(values))}–{form.format(max(values))})"


def table_of_epochs(path: Path) -> Table:
    table = Table(title=f"an epoch over {MANY:,} sequences, median of {REPEATS} (smallest–largest)")
    columns = (
        "order",
        "open, s",
        "order and batches, s",
        "of these, processor s",
        "first batch, s",
        "memory over start, MB",
        "growth, MB",
    )
    for column in columns:
        table.add_column(column, justify="right")
    for order in ("random", "laplace:.1000", "sorted"):
        runs = [measured("epoch", path, order) for _ in range(REPEATS)]
        keys = ("open", "form", "processor", "first", "peak", "growth")
        table.add_row(order, *(shown([run[key] for run in runs]) for key in keys))
    return table


def table_of_rates(files: dict[str, Path]) -> Table:
    table = Table(title=f"HDF to batches, million frames per second, median of {REPEATS} (smallest–largest)")
    for column in ("file", "order", "RETURNN", "Boulder", "ratio", "1 thread, to tensors", "2 threads"):
        table.add_column(column, justify="right" if column not in ("file", "order") else "left")
    for name, path in files.items():
        for order in ("default", "laplace:.1000"):
            rounds = [
                [measured("returnn", path, order), *(measured("boulder", path, order, n) for n in (0, 1, 2))]
                for _ in range(REPEATS)
            ]
            assert len({run["frames"] for runs in rounds for run in runs}) == 1
            columns = list(zip(*rounds, strict=True))
            cells = [
                f"{shown([r['rate'] / 1e6 for r in c])} [{shown([r['of_processor'] / 1e6 for r in c])}]"
                for c in columns
            ]
            ratios = " ".join(
                form.format(shown([b[key] / a[key] for a, b, *_ in rounds], "{:.1f}"))
                for key, form in (("rate", "{}"), ("of_processor", "\\[{}]"))
            )
            table.add_row(
                name,
                order,
                *(c.replace("[", "\\[") for c in cells[:2]),
                ratios,
                *(c.replace("[", "\\[") for c in cells[2:]),
            )
    return table


def main(folder: Path) -> None:
    console = Console(width=200)
    files = {"of Boulder": folder / "boulder.hdf", "of RETURNN": folder / "returnn.hdf"}
    many = folder / "many.hdf"
    try:
        write_many(many)
        console.print(table_of_epochs(many))
        write_speech(files["of Boulder"])
        write_speech_with_returnn(files["of RETURNN"])
        console.print(table_of_rates(files))
    finally:
        for path in (many, *files.values()):
            path.unlink(missing_ok=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--pass"]:
        name, *arguments = sys.argv[2:]
        print(json.dumps(PASSES[name](*(int(a) if a.isdecimal() else a for a in arguments))))
    elif sys.argv[1:]:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as made:
            main(Path(made))
