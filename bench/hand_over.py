"""The hand-over of a checkpoint of about 1 GB to the next phase, against copying the file twice.

    .venv/bin/python bench/hand_over.py [--rounds 5] [--width 2048]

A hand-over reads and verifies the checkpoint of the phase before, grows parameters and optimizer slots, and writes the result
as a checkpoint and as the job's output. `subset` adds a layer and makes all layers wider; `net2wider` makes them wider;
nothing is trained. Each is a process of its own, which keeps its memory between rounds.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[1] / "recipe")]
from bench.side_by_side import Program, serve  # noqa: E402
from bench.table import heading, ratios, row, shown  # noqa: E402
from boulder.atomic_file import replaced  # noqa: E402
from boulder.network import describe  # noqa: E402
from boulder.network.initializers import initial_value  # noqa: E402
from boulder.training.checkpoint import Checkpoint  # noqa: E402
from boulder.training.growth import begin_phase, carry_slots  # noqa: E402
from boulder.training.growth.old_network import UNKNOWN, old_network  # noqa: E402
from boulder.training.phase import TrainingPhase  # noqa: E402
from boulder.training.store import CheckpointStore  # noqa: E402

EXTERN_DATA = {"data": {"dim": 80}, "classes": {"dim": 5000, "sparse": True}}
LAYERS = 18
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(1 << 30), "MALLOC_TRIM_THRESHOLD_": str(1 << 40), "MALLOC_ARENA_MAX": "1"}
"""Settings of glibc, so that a process keeps its memory. A virtual machine may take seconds to provide new memory."""


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
        with replaced(folder / name, durable=True) as copy:
            shutil.copyfile(path, copy)


def ready(options: dict[str, Any]) -> Callable[[], None]:
    """:return: one round"""
    path, folder, width = Path(options["path"]), Path(options["folder"]), options["width"] * 9 // 8
    match mode := options["mode"]:
        case "copies":
            return lambda: copy_twice(path, folder)
        case "subset":
            grown = phase(1, network(LAYERS + 1, width), mode)
        case _:
            grown = phase(1, network(LAYERS, width), mode)
    return lambda: hand_over(path, grown, folder / mode)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--width", type=int, default=2048)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="boulder-bench.") as temporary, ExitStack() as stack:
        path = Path(temporary) / "before.h5"
        first_checkpoint(arguments.width).save(path)
        options = {"path": str(path), "folder": temporary, "width": arguments.width}
        programs = {
            mode: stack.enter_context(
                Program(Path(__file__), sys.executable, options | {"mode": mode}, variables=KEEP_MEMORY)
            )
            for mode in ("copies", "subset", "net2wider")
        }
        rounds = [{mode: program.measured() for mode, program in programs.items()} for _ in range(arguments.rounds)]
        wall, processor = (
            {mode: [found[mode][clock] for found in rounds] for mode in programs} for clock in ("wall", "processor")
        )
        print(heading("seconds", "of the copies' time", "wanted", "processor seconds", "peak MB"))
        size = f"{path.stat().st_size / 1e9:.2f} GB"
        copies = wall.pop("copies")
        print(row(f"copying a checkpoint of {size} twice", shown(copies), "1", "", shown(processor["copies"]), ""))
        for mode, seconds in wall.items():
            with Program(Path(__file__), sys.executable, options | {"mode": mode}) as once:
                peak = f"{once.measured()['memory']:.0f}"
            cells = [shown(seconds), ratios(seconds, copies), "≤ 2", shown(processor[mode]), peak]
            print(row(f"its hand-over by `{mode}`", *cells), flush=True)


if __name__ == "__main__":
    serve(ready) if sys.argv[1:] and sys.argv[1].startswith("{") else main()
