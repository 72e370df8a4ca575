"""Measures how the time and peak memory of `boulder.schedule.plan` scale with the number of indices.

    .venv/bin/python bench/plan_scaling.py

Each index changes one of 200 layers. Phases share unchanged layers, so that both should grow linearly, and memory slowly.
"""

import sys
import time
import tracemalloc
from pathlib import Path
from statistics import median

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[1] / "recipe")]
from bench.table import heading, row, shown  # noqa: E402
from boulder.schedule import plan  # noqa: E402

LAYERS, REPEATS = 200, 3


def make_network() -> dict:
    network = {
        f"l{i}": {"class": "linear", "n_out": 512, "from": [f"l{i - 1}"] if i else ["data"], "dropout": 0.1}
        for i in range(LAYERS)
    }
    return network | {"output": {"class": "softmax", "from": [f"l{LAYERS - 1}"], "loss": "ce"}}


def plan_indices(count: int) -> int:
    """:return: number of phases"""

    def algo(idx: int, net_dict: dict) -> dict | None:
        if idx == count:
            return None
        net_dict["l3"]["n_out"] = 1 + idx
        return net_dict

    return len(plan(make_network(), {"construction_algo": algo, "repetitions": 2}, max_index=10_000).phases)


def seconds(count: int) -> list[float]:
    """:return: processor times of REPEATS runs; unlike wall time, they do not depend on other programs"""
    times = []
    for _ in range(REPEATS):
        began = time.process_time()
        plan_indices(count)
        times.append(time.process_time() - began)
    return times


def peak_megabytes(count: int) -> float:
    tracemalloc.start()
    plan_indices(count)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def main() -> None:
    print(heading("processor seconds", "per index, relative", "peak MB"))
    base = None
    for count in (125, 250, 500, 1000, 2000):
        times = seconds(count)
        per_index = median(times) / count
        base = base or per_index
        cells = shown(times), f"{per_index / base:.2f}", f"{peak_megabytes(count):.1f}"
        print(row(f"planning {count:,} indices of a network of {LAYERS} layers", *cells), flush=True)


if __name__ == "__main__":
    main()
