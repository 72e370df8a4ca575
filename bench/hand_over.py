"""The hand-over of a checkpoint of about 1 GB to the next phase, against copying the file twice.

    .venv/bin/python bench/hand_over.py [--rounds 5] [--width 2048]

A hand-over reads and verifies the checkpoint of the phase before, grows parameters and optimizer slots, and writes the result
as a checkpoint and as the job's output. `subset` adds a layer and makes all layers wider; `net2wider` makes them wider;
nothing is trained.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[1] / "recipe")]
from bench.table import heading, ratios, row, shown  # noqa: E402
from boulder.network import describe  # noqa: E402
from boulder.network.initializers import initial_value  # noqa: E402
from boulder.training.checkpoint import Checkpoint  # noqa: E402
from boulder.training.growth import begin_phase, carry_slots  # noqa: E402
from boulder.training.growth.old_network import UNKNOWN, old_network  # noqa: E402
from boulder.training.phase import TrainingPhase  # noqa: E402
from boulder.training.store import CheckpointStore  # noqa: E402

EXTERN_DATA = {"data": {"dim": 80}, "classes": {"dim": 5000, "sparse": True}}
LAYERS = 18


def network(layers: int, width: int) -> dict:
    """:return: a feed-forward network"""
    net, source = {}, "data"
    for layer in range(layers):
        net[f"ff{layer}"] = {"class": "linear", "activation": "relu", "n_out": width, "from": source}
        source = f"ff{layer}"
    return net | {"output": {"class": "softmax", "loss": "ce", "from": source}}


def phase(number: int, net: dict, mode: str) -> TrainingPhase:
    """:return: one epoch, which carries the optimizer's slots"""
    return TrainingPhase.from_json(
        {
            "index": number,
            "start": number + 1,
            "first_epoch": number + 1,
            "last_epoch": number + 1,
            "network": net,
            "train": ["train.hdf"],
            "config": {},
            "learning_rate_control": {"class": "scheduled", "first_epoch": number + 1, "rates": [0.001]},
            "copy_param_mode": mode,
            "carry_optimizer": "grow",
        }
    )


def first_checkpoint(width: int) -> Checkpoint:
    """:return: parameters and the two slots of Adam"""
    net = network(LAYERS, width)
    specs = describe(net, EXTERN_DATA).params
    random = numpy.random.default_rng(1)

    def values() -> dict[str, numpy.ndarray]:
        return {path: random.random(spec.shape, "float32") for path, spec in specs.items()}

    slots = {"momentum": values(), "velocity": values()}
    return Checkpoint(1, 1000, 1, 0, net, dict(specs), values(), slots, iterations=1000, history=[{"epoch": 1}])


def hand_over(path: Path, next_phase: TrainingPhase, folder: Path) -> None:
    """Does what a job does between its start and its first step, and at its end, without TensorFlow's variables."""
    state = Checkpoint.load(path)
    spec = describe(next_phase.network, EXTERN_DATA)
    mode = next_phase.copy_param_mode
    before = old_network(state.network, next_phase.network, EXTERN_DATA) if mode == "net2wider" else UNKNOWN

    def fresh(param):
        return initial_value(param.init, param.shape, 1, param.path, param.dtype)

    begun = begin_phase(next_phase, spec, state.params, state.specs, fresh, state.step, before)
    initial = {slot: {p: numpy.zeros(s.shape, s.dtype) for p, s in spec.params.items()} for slot in state.slots}
    slots = carry_slots("grow", state.slots, initial, begun.old_specs, spec.params, mode, begun.options)
    grown = Checkpoint(2, 1000, 2, 1, state.network, dict(spec.params), begun.params, slots, history=state.history)
    CheckpointStore(folder).save(grown)


def copy_twice(path: Path, folder: Path) -> None:
    """Copies to the disk, as a hand-over writes."""
    for name in ("first", "second"):
        shutil.copyfile(path, folder / name)
        with open(folder / name) as file:
            os.fsync(file.fileno())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--width", type=int, default=2048)
    arguments = parser.parse_args()
    wider = arguments.width * 9 // 8
    phases = {
        "subset": phase(1, network(LAYERS + 1, wider), "subset"),
        "net2wider": phase(1, network(LAYERS, wider), "net2wider"),
    }
    with tempfile.TemporaryDirectory(prefix="boulder-bench.") as temporary:
        folder = Path(temporary)
        path = folder / "before.h5"
        first_checkpoint(arguments.width).save(path)
        times: dict[str, list[float]] = {name: [] for name in ("copies", *phases)}
        for _ in range(arguments.rounds):
            times["copies"].append(_seconds(copy_twice, path, folder))
            for mode, next_phase in phases.items():
                times[mode].append(_seconds(hand_over, path, next_phase, folder / mode))
        print(heading("seconds", "of the copies' time"))
        size = f"{path.stat().st_size / 1e9:.2f} GB"
        print(row(f"copying a checkpoint of {size} twice", shown(times["copies"]), "1"))
        for mode in phases:
            print(row(f"its hand-over by `{mode}`", shown(times[mode]), ratios(times[mode], times["copies"])))


def _seconds(function, *arguments) -> float:
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
