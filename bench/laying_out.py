"""Measures how the time and memory of laying out many jobs scale with their number.

    .venv/bin/python bench/laying_out.py

Each pipeline trains ten phases of 1 to 10 layers, one job per phase; pipelines differ in their learning rate, in the last row
also in the width of their layers. A row is of processes that lay out all of its pipelines.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from resource import RUSAGE_SELF, getrusage

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "recipe")]
from bench.table import heading, row, shown  # noqa: E402

STREAMS = {"data": {"dim": 40}, "classes": {"dim": 1000, "sparse": True}}
JOBS, PHASES, REPEATS = (2500, 5000, 10_000), 10, 3
WIDTH = 500


def network(layers: int, width: int) -> dict:
    """:return: bidirectional LSTMs"""
    net, source = {}, ["data"]
    for layer in range(layers):
        for direction in (1, -1):
            name = f"lstm{layer}_{'fw' if direction == 1 else 'bw'}"
            net[name] = {"class": "rec", "unit": "lstmp", "direction": direction, "n_out": width, "from": source}
        source = [f"lstm{layer}_fw", f"lstm{layer}_bw"]
    return net | {"output": {"class": "softmax", "from": source, "loss": "ce", "target": "classes"}}


def write_data(folder: Path) -> None:
    import numpy

    from boulder.data import HdfWriter

    for name in ("train", "dev"):
        with HdfWriter(folder / f"{name}.hdf", STREAMS) as file:
            for number in range(100):
                file.write(f"{number}", {"data": numpy.zeros((9, 40), "float32"), "classes": numpy.zeros(9, "int32")})


def lay_out_pipelines(count: int, folder: Path, own_widths: bool) -> int:
    """
    :param folder: of the data
    :param own_widths: no two pipelines have the same networks
    :return: number of jobs
    """
    from jobs.pipeline import lay_out
    from sisyphus import tk

    jobs = 0
    for number in range(count):
        width = WIDTH + number * own_widths

        def construction_algo(idx: int, net_dict: dict, width: int = width) -> dict | None:
            return network(idx + 1, width) if idx + 1 < PHASES else None

        training = lay_out(
            f"pipeline{number:04d}",
            network=network(PHASES, width),
            pretrain={"construction_algo": construction_algo, "copy_param_mode": "subset"},
            num_epochs=2 * PHASES,
            config={"batch_size": 5000, "learning_rate": 0.001 * (1 + number)},
            extern_data=STREAMS,
            train_data=tk.Path(str(folder / "train.hdf")),
            dev_data=tk.Path(str(folder / "dev.hdf")),
        )
        jobs += len(training.jobs)
    return jobs


def measured(jobs: int, own_widths: bool) -> dict[str, float]:
    """:return: processor seconds and peak of memory over the start, in MB, of a new process"""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder) / "work"
        work.mkdir()
        command = [sys.executable, str(Path(__file__).resolve()), json.dumps([jobs, own_widths])]
        found = subprocess.run(command, cwd=work, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(found.stdout.splitlines()[-1])


def in_this_process(jobs: int, own_widths: bool) -> dict[str, float]:
    folder = Path.cwd().parent
    write_data(folder)
    lay_out_pipelines(1, folder, own_widths)  # imports
    memory, began = getrusage(RUSAGE_SELF).ru_maxrss, time.process_time()
    assert lay_out_pipelines(jobs // PHASES, folder, own_widths) == jobs
    seconds = time.process_time() - began
    return {"seconds": seconds, "memory": (getrusage(RUSAGE_SELF).ru_maxrss - memory) / 1024}


def main() -> None:
    print(heading("processor seconds", "ms per job", "memory over the start, MB"))
    rows = {f"{jobs:,} jobs": (jobs, False) for jobs in JOBS}
    rows[f"{max(JOBS):,} jobs, no two pipelines with the same networks"] = (max(JOBS), True)
    for label, (jobs, own_widths) in rows.items():
        runs = [measured(jobs, own_widths) for _ in range(REPEATS)]
        seconds = [run["seconds"] for run in runs]
        per_job = shown([1000 * one / jobs for one in seconds])
        print(row(label, shown(seconds), per_job, shown([run["memory"] for run in runs])), flush=True)


if __name__ == "__main__":
    print(json.dumps(in_this_process(*json.loads(sys.argv[1])))) if sys.argv[1:] else main()
