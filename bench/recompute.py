"""Measures memory and time of a step of training with and without `recompute`: `.venv/bin/python bench/recompute.py`.

    bench/recompute.py --rows decoder         only this row

With the option, the values within a block, or within an iteration of a loop, are computed again for the gradient instead of being
kept.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

import blocks  # beside this file
from side_by_side import in_turn
from steps import __file__ as steps_file
from table import heading, ratios, row, shown

_SIZES = {"features": 80, "classes": 100, "steps": 1}
ROWS = {
    "blocks": (
        "8 Transformer layers, width 256, 10 × 400 frames",
        _SIZES | {"network": "transformer", "layers": 8, "units": 256, "sequences": 10, "frames": 400},
    ),
    "decoder": (
        "LSTM decoder with attention, 500 units, 20 × 40 labels on 20 × 100 frames",
        blocks.ROWS["attention"][1] | {"frames": 100, "labels": 40},
    ),
}
"""row → label, options of steps.py"""


def lines(name: str, repeats: int, clock: str, threads: int) -> Iterator[str]:
    """Yields lines of the table."""
    label, options = ROWS[name]
    programs = {
        variant: (steps_file, sys.executable, options | {"engine": "boulder", "threads": threads, "recompute": again})
        for variant, again in (("everything kept", False), ("`recompute`", True))
    }
    found = in_turn(programs, repeats)
    times = {variant: [run[clock] / options["steps"] for run in runs] for variant, runs in found.items()}
    for variant, own in times.items():
        memory = max(run["memory"] for run in found[variant])
        milliseconds = shown([1e3 * value for value in own], ".4g")
        yield row(label, variant, f"{memory:.0f}", milliseconds, ratios(own, times["everything kept"]))


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures steps with and without recomputation.")
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS), metavar="ROW", help=", ".join(ROWS))
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="default: 2")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="rounds; default: 5")
    parser.add_argument(
        "--clock", choices=("wall", "processor"), default="wall", help="which time counts; default: wall"
    )
    arguments = parser.parse_args()
    clock = "ms" if arguments.clock == "wall" else "processor ms"
    print(heading("gradient", "MB", clock, "of the time with everything kept"))
    for name in arguments.rows:
        for line in lines(name, arguments.repeats, arguments.clock, arguments.threads):
            print(line, flush=True)


if __name__ == "__main__":
    main()
