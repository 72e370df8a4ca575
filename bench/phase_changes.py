"""Memory of a process that trains one phase after the other, each with another network.

    .venv/bin/python bench/phase_changes.py [--phases 200]

The networks take turns: 1, 2 and 3 bidirectional LSTM layers, so that each phase grows or shrinks the one before. Printed is the
memory of the process after every 20 phases, and how much a phase adds over the last half. RETURNN's issue 990 is about such growth.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy
import psutil

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[1] / "recipe")]
from bench.table import heading, row  # noqa: E402

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

EXTERN_DATA = {"data": {"dim": 20}, "classes": {"dim": 30, "sparse": True}}


def network(layers: int) -> dict:
    net, source = {}, ["data"]
    for layer in range(layers):
        names = [f"fw{layer}", f"bw{layer}"]
        for name, direction in zip(names, (1, -1), strict=True):
            net[name] = {"class": "rec", "unit": "nativelstm2", "n_out": 32, "direction": direction, "from": source}
        source = names
    return net | {"output": {"class": "softmax", "loss": "ce", "from": source}}


def phases(count: int, data: Path) -> list[dict]:
    return [
        {
            "index": number,
            "start": number + 1,
            "first_epoch": number + 1,
            "last_epoch": number + 1,
            "train": [str(data)],
            "dev": [str(data)],
            "network": network(1 + number % 3),
            "config": {"batch_size": 500, "max_seqs": 10, "optimizer": {"class": "adam"}},
            "learning_rate_control": {"class": "scheduled", "first_epoch": number + 1, "rates": [0.001]},
            "copy_param_mode": "subset",
        }
        for number in range(count)
    ]


def main() -> None:
    from boulder.data import HdfWriter
    from boulder.training.phase import TrainingPhase
    from boulder.training.run import TrainingFiles
    from boulder.training.trainer import train

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--phases", type=int, default=200)
    count = parser.parse_args().phases
    process, memory, start = psutil.Process(), [], time.perf_counter()

    def after_phase(_phase, _report) -> None:  # called at each hand-over
        memory.append(process.memory_info().rss / 1e6)
        if len(memory) % 20 == 0:
            print(f"phase {len(memory)}: {memory[-1]:.0f} MB, {time.perf_counter() - start:.0f} s", flush=True)

    with tempfile.TemporaryDirectory(prefix="boulder-bench.") as temporary:
        folder, random = Path(temporary), numpy.random.default_rng(1)
        with HdfWriter(folder / "data.hdf", EXTERN_DATA) as file:
            for number in range(20):
                data = random.normal(size=(50, 20)).astype("float32")
                file.write(f"seq-{number}", {"data": data, "classes": random.integers(0, 30, 50)})
        names = ("store", "checkpoint", "scores", "tensorboard", "progress")
        files = TrainingFiles(previous=None, growth=after_phase, **{name: folder / name for name in names})
        train(
            [TrainingPhase.from_json(p) for p in phases(count, folder / "data.hdf")],
            EXTERN_DATA,
            files,
            lambda _: None,
        )
    half = numpy.array(memory[count // 2 :])
    slope = numpy.polyfit(numpy.arange(len(half)), half, 1)[0]
    print(heading("at first, MB", "at most, MB", "growth per phase in the last half, MB"))
    print(
        row(
            f"{count} phases of other networks in one process",
            *(f"{x:.0f}" for x in (memory[0], max(memory))),
            f"{slope:+.2f}",
        )
    )


if __name__ == "__main__":
    main()
