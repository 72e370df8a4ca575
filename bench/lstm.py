"""Measures a step of training of bidirectional LSTMs beside RETURNN and PyTorch: `.venv/bin/python bench/lstm.py`.

    bench/lstm.py --rows small                only this row
    bench/lstm.py --pytorch VENV/bin/python   Python with PyTorch, where it is not in this environment
    bench/lstm.py --threads 1 --clock processor   on a machine with other load

A step is forward, backward and Adam. Each program is a process of its own, and they work in turn. A ratio is below 1 where Boulder is
faster. The peak is the rate of a product of large matrices in TensorFlow, in the same run. Rows with RETURNN need it (`make
EXTRA=parity venv`) and g++, which compiles NativeLstm2.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from side_by_side import in_turn  # beside this file
from steps import PRODUCT
from table import heading, ratios, row, shown

sys.path[:0] = [str(Path(__file__).resolve().parent.parent / "recipe")]
from boulder.counted import counted  # noqa: E402

STEPS = Path(__file__).with_name("steps.py")
ROWS = {
    "large": {
        "layers": 5, "units": 500, "sequences": 40, "frames": 50, "features": 40, "classes": 100, "steps": 1,
    },
    "small": {
        "layers": 3, "units": 32, "sequences": 10, "frames": 50, "features": 40, "classes": 100, "steps": 20,
    },
}  # fmt: skip
TARGETS = {
    "large": {"PyTorch": 0.8, "RETURNN, NativeLstm2": 0.3},
    "small": {"PyTorch": 0.7},
}
"""row → other program → largest ratio that is wanted"""


def programs(sizes: dict[str, int], threads: int, pytorch: str | None) -> dict[str, tuple[Path, str, dict]]:
    options = sizes | {"network": "blstm", "threads": threads}
    found = {"Boulder": (sys.executable, options | {"engine": "boulder", "unit": "nativelstm2"})}
    if find_spec("returnn"):
        for unit in ("NativeLstm2", "BasicLSTM"):
            found[f"RETURNN, {unit}"] = (sys.executable, options | {"engine": "returnn", "unit": unit.lower()})
    if pytorch:
        found["PyTorch"] = (pytorch, options | {"engine": "pytorch"})
    found["product"] = (sys.executable, options | {"engine": "product"})
    return {name: (STEPS, python, options) for name, (python, options) in found.items()}


def operations(sizes: dict[str, int]) -> float:
    """:return: floating-point operations of the products of a step, forward and backward"""
    n = sizes["units"]
    inputs = [sizes["features"], *[2 * n] * (sizes["layers"] - 1)]
    weights = sum(2 * (n_in + n) * 4 * n for n_in in inputs) + 2 * n * sizes["classes"]
    return 6.0 * weights * sizes["sequences"] * sizes["frames"]


def lines(name: str, threads: int, pytorch: str | None, repeats: int, clock: str) -> Iterator[str]:
    """Yields lines of the table."""
    sizes = ROWS[name]
    found = in_turn(programs(sizes, threads, pytorch), repeats)
    peak = [2 * PRODUCT**3 / run[clock] / 1e9 for run in found.pop("product")]
    seconds = {program: [run[clock] / sizes["steps"] for run in runs] for program, runs in found.items()}
    step = (
        f"{sizes['layers']} × BLSTM-{sizes['units']}, {sizes['sequences']} × {sizes['frames']} frames, "
        f"{counted(threads, 'thread')}"
    )
    for program, runs in found.items():
        own = seconds[program]
        rate = [operations(sizes) / value / 1e9 for value in own]
        ratio = "" if program == "Boulder" else ratios(seconds["Boulder"], own)
        target = TARGETS[name].get(program, "")
        memory = max(run["memory"] for run in runs)
        cells = (
            step, program, shown([1e3 * value for value in own], ".4g"), ratio, f"≤ {target}" if target else "",
            f"{median(rate):.0f} of {median(peak):.0f}", f"{memory:.0f}",
        )  # fmt: skip
        yield row(*cells)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures a step of training of bidirectional LSTMs.")
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS), metavar="ROW", help=", ".join(ROWS))
    parser.add_argument(
        "--pytorch", metavar="PYTHON", default=os.environ.get("BOULDER_PYTORCH"),
        help="Python with PyTorch; default: $BOULDER_PYTORCH, or this one, if it has PyTorch",
    )  # fmt: skip
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="default: 2")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="rounds; default: 5")
    parser.add_argument(
        "--clock", choices=("wall", "processor"), default="wall", help="which time counts; default: wall"
    )
    arguments = parser.parse_args()
    pytorch = arguments.pytorch or (sys.executable if find_spec("torch") else None)
    if pytorch and subprocess.run([pytorch, "-c", "import torch, numpy"], check=False).returncode:
        parser.error(f"--pytorch {pytorch}: found no PyTorch with NumPy there")
    clock = "ms" if arguments.clock == "wall" else "processor ms"
    columns = ("program", clock, "Boulder's time, of this", "wanted", "GFLOP/s, of the peak", "MB")
    print(heading(*columns))
    for name in arguments.rows:
        for line in lines(name, arguments.threads, pytorch, arguments.repeats, arguments.clock):
            print(line, flush=True)


if __name__ == "__main__":
    main()
