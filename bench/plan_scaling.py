"""Measures how the time and peak memory of `boulder.schedule.plan` scale with the number of indices.

    .venv/bin/python bench/plan_scaling.py

Each index changes one of 200 layers. Phases share unchanged layers, so that both should grow linearly, and memory slowly.
"""

import time
import tracemalloc

from rich.console import Console
from rich.table import Table

from boulder.schedule import plan

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
    """:return: sorted processor times of REPEATS runs; unlike wall time, they do not depend on other programs"""
    times = []
    for _ in range(REPEATS):
        began = time.process_time()
        plan_indices(count)
        times.append(time.process_time() - began)
    return sorted(times)


def peak_megabytes(count: int) -> float:
    tracemalloc.start()
    plan_indices(count)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def main() -> None:
    table = Table(title=f"boulder.schedule.plan, {LAYERS} layers")
    for column in ("indices", "seconds", "spread", "per index, relative", "peak MB"):
        table.add_column(column, justify="right")
    base = None
    for count in (125, 250, 500, 1000, 2000):
        times = seconds(count)
        per_index = times[REPEATS // 2] / count
        base = base or per_index
        spread = f"{times[0]:.2f}–{times[-1]:.2f}"
        middle, memory = f"{times[REPEATS // 2]:.2f}", f"{peak_megabytes(count):.1f}"
        table.add_row(str(count), middle, spread, f"{per_index / base:.2f}", memory)
    Console().print(table)


if __name__ == "__main__":
    main()
