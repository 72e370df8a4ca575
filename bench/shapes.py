"""Measures what a new length of a batch costs a step, with and without XLA: `.venv/bin/python bench/shapes.py`.

    bench/shapes.py --rows transformer-256    only these rows

TensorFlow and its libraries prepare some operations for each shape that they meet, XLA compiles the whole step for it. In "new lengths",
each batch has a length that none had before, around that of the others; lengths that are padded to multiples would be seen again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

import blocks  # beside this file
import lstm
from side_by_side import in_turn
from steps import __file__ as steps_file
from table import heading, ratios, row, shown

_BLSTM = "3 × BLSTM-32, 10 × 50 frames", lstm.ROWS["small"] | {"network": "blstm", "unit": "nativelstm2", "steps": 4}
ROWS = {"blstm": _BLSTM} | {name: blocks.ROWS[name] for name in ("transformer-256", "transformer-512")}
"""row → label, options of steps.py"""


def lines(name: str, repeats: int, clock: str, threads: int) -> Iterator[str]:
    """Yields lines of the table."""
    label, options = ROWS[name]
    variants = {"one length": {}, "new lengths": {"new_lengths": True}}
    if name != "blstm":  # BlockLSTM has no kernel for XLA
        variants |= {f"XLA, {variant}": added | {"xla": True} for variant, added in variants.items()}
    programs = {
        variant: (steps_file, sys.executable, options | {"engine": "boulder", "threads": threads} | added)
        for variant, added in variants.items()
    }
    found = in_turn(programs, repeats)
    times = {variant: [run[clock] / options["steps"] for run in runs] for variant, runs in found.items()}
    for variant, own in times.items():
        memory = max(run["memory"] for run in found[variant])
        milliseconds = shown([1e3 * value for value in own], ".4g")
        yield row(label, variant, milliseconds, ratios(own, times["one length"]), f"{memory:.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures steps of batches of new lengths, with and without XLA.")
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS), metavar="ROW", help=", ".join(ROWS))
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="default: 2")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="rounds; default: 5")
    parser.add_argument(
        "--clock", choices=("wall", "processor"), default="wall", help="which time counts; default: wall"
    )
    arguments = parser.parse_args()
    clock = "ms" if arguments.clock == "wall" else "processor ms"
    print(heading("batches", clock, "of one length without XLA", "MB"))
    for name in arguments.rows:
        for line in lines(name, arguments.repeats, arguments.clock, arguments.threads):
            print(line, flush=True)


if __name__ == "__main__":
    main()
