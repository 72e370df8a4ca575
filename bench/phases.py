"""A growing network from start to end: one job per phase, all phases in one job, and RETURNN's one process.

    .venv/bin/python bench/phases.py [--rounds 3] [--rows jobs job returnn]

Six phases of 1 to 6 × BLSTM-32, each of one epoch of 8 steps and a pass over the dev data. All start-up counts: imports,
opening of the data, building and compiling of the networks. The engines take turns within a round.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "recipe")]
from bench.table import heading, ratios, row, shown  # noqa: E402

BIN = Path(sys.executable).parent
LAYERS, WIDTH, STEPS = 6, 32, 8
CONFIG = """#!rnn.py
task = "train"
use_tensorflow = True
device = "cpu"
extern_data = {{"data": {{"dim": 20}}, "classes": {{"dim": 30, "sparse": True}}}}
train = {{"class": "HDFDataset", "files": ["{folder}/train.hdf"]}}
dev = {{"class": "HDFDataset", "files": ["{folder}/dev.hdf"]}}
num_epochs = {layers}
batch_size = 500
max_seqs = 10
batching = "random"
learning_rate = 0.001
optimizer = {{"class": "adam"}}
model = "{folder}/returnn/net"
learning_rate_file = "{folder}/returnn/rates"
log_verbosity = 3
tf_log_memory_usage = False

def blstm(layers):
    net = {{}}
    sources = ["data"]
    for layer in range(layers):
        for name, direction in (("fw", 1), ("bw", -1)):
            net[name + str(layer)] = {{
                "class": "rec", "unit": "nativelstm2", "n_out": {width}, "direction": direction, "from": sources}}
        sources = ["fw" + str(layer), "bw" + str(layer)]
    net["output"] = {{"class": "softmax", "loss": "ce", "target": "classes", "from": sources}}
    return net

network = blstm({layers})

def construction_algo(idx, net_dict):
    return blstm(idx + 1) if idx < {layers} - 1 else None

pretrain = {{"repetitions": 1, "construction_algo": construction_algo}}
"""


def write_data(folder: Path) -> None:
    """Write sequences of 50 frames: `STEPS` batches of 10 to train on, two to score."""
    from boulder.data import HdfWriter

    random = numpy.random.default_rng(1)
    for name, count in (("train", 10 * STEPS), ("dev", 20)):
        with HdfWriter(folder / f"{name}.hdf", {"data": {"dim": 20}, "classes": {"dim": 30, "sparse": True}}) as file:
            for number in range(count):
                features = random.normal(size=(50, 20)).astype("float32")
                file.write(f"{name}-{number}", {"data": features, "classes": random.integers(0, 30, 50)})


def boulder(folder: Path, indices_per_job: int | None) -> list[str]:
    """:return: the command; it runs in a new folder `project` of its own"""
    project = folder / "project"
    for old in (project, folder / "returnn"):  # Boulder refuses a config whose learning_rate_file exists
        shutil.rmtree(old, ignore_errors=True)
    (project / "config").mkdir(parents=True)
    (project / "settings.py").symlink_to(ROOT / "settings.py")
    (project / "config/bench.py").write_text(
        "from jobs.train_returnn import train_returnn\nfrom sisyphus import tk\n\n\ndef py():\n"
        f"    trained = train_returnn({str(folder / 'bench.config')!r}, device='cpu', indices_per_job={indices_per_job})\n"
        "    tk.register_output('checkpoint', trained.pipeline.checkpoint)\n"
    )
    return [str(BIN / "boulder"), "run", "config/bench.py"]


def returnn(folder: Path) -> list[str]:
    """:return: the command; it runs in a new folder"""
    shutil.rmtree(folder / "returnn", ignore_errors=True)
    (folder / "project").mkdir(exist_ok=True)
    program = (
        "import sys; from returnn.tf import native_op; native_op.OpMaker.with_cuda = False; "
        "from returnn.__main__ import main; main(sys.argv)"
    )
    return [sys.executable, "-c", program, str(folder / "bench.config")]


ROWS: dict[str, tuple[str, str, Callable[[Path], list[str]]]] = {
    "jobs": ("one job per phase", "0.8", lambda folder: boulder(folder, 1)),
    "job": ("one job", "0.4", lambda folder: boulder(folder, None)),
    "returnn": ("RETURNN's one process", "1", returnn),
}
"""Name → label, what is wanted of RETURNN's time, and command"""


def seconds(name: str, folder: Path) -> float:
    command = ROWS[name][2](folder)
    start = time.perf_counter()
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2"}
    done = subprocess.run(command, cwd=folder / "project", env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{name}: exit code {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", nargs="+", choices=list(ROWS), default=list(ROWS))
    parser.add_argument("--folder", type=Path, help="kept afterwards")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(exist_ok=True)
        write_data(folder)
        (folder / "bench.config").write_text(CONFIG.format(folder=folder, layers=LAYERS, width=WIDTH))
        times: dict[str, list[float]] = {name: [] for name in arguments.rows}
        for _ in range(arguments.rounds):
            for name in arguments.rows:
                times[name].append(seconds(name, folder))
    print(heading("seconds", "of RETURNN's", "wanted"))
    for name, measured in times.items():
        label, wanted, _ = ROWS[name]
        ratio = ratios(measured, times["returnn"]) if "returnn" in times else "–"
        print(
            row(
                f"{LAYERS} phases, 1 to {LAYERS} × BLSTM-{WIDTH}, {STEPS} steps each: {label}",
                shown(measured),
                ratio,
                wanted,
            )
        )


if __name__ == "__main__":
    main()
