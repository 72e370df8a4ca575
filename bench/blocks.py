"""Measures steps of attention networks beside RETURNN and PyTorch, and beam search: `.venv/bin/python bench/blocks.py`.

    bench/blocks.py --rows search               only this row
    bench/blocks.py --pytorch VENV/bin/python   Python with PyTorch, where it is not in this environment

A step is forward, backward and Adam, without dropout. A ratio is below 1 where Boulder is faster. The search takes a beam of 12
through as many labels as a sentence may have, since the parameters are random.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from side_by_side import in_turn  # beside this file
from table import heading, ratios, row, shown

STEPS = Path(__file__).with_name("steps.py")
_DECODER = {
    "network": "attention", "layers": 1, "units": 500, "unit": "nativelstm2", "sequences": 20, "frames": 50, "labels": 20,
    "features": 40, "classes": 1000, "beam": 12, "steps": 1,
}  # fmt: skip
_LAYERS = {"layers": 2, "sequences": 10, "frames": 100, "features": 80, "classes": 100, "steps": 2}
ROWS = {
    "attention": ("BLSTM encoder, LSTM decoder with attention, 500 units, 20 × 50 frames, 20 × 20 labels", _DECODER),
    "search": (
        "its search with a beam of 12, 20 sentences of at most 20 labels",
        _DECODER | {"search": True},
    ),
    **{
        f"{network}-{width}": (
            f"2 {label}s, width {width}, 10 × 100 frames",
            _LAYERS | {"network": network, "units": width},
        )
        for network, label in (("transformer", "Transformer layer"), ("conformer", "Conformer block"))
        for width in (256, 512)
    },
}


def lines(name: str, threads: int, pytorch: str | None, repeats: int) -> Iterator[str]:
    """Yields lines of the table."""
    label, options = ROWS[name]
    engines = {"Boulder": ("boulder-search" if "search" in options else "boulder", sys.executable)}
    if find_spec("returnn"):
        engines["RETURNN"] = ("returnn", sys.executable)
    if pytorch and options["network"] == "transformer":
        engines["PyTorch"] = ("pytorch", pytorch)
    programs = {
        program: (STEPS, python, options | {"engine": engine, "threads": threads})
        for program, (engine, python) in engines.items()
    }
    found = in_turn(programs, repeats)
    seconds = {program: [run["wall"] / options["steps"] for run in runs] for program, runs in found.items()}
    for program, own in seconds.items():
        if "search" in options:
            measured = f"{shown([options['sequences'] / value for value in own])} sentences per second"
        else:
            measured = f"{shown([1e3 * value for value in own], '.4g')} ms"
        ratio = "" if program == "Boulder" else ratios(seconds["Boulder"], own)
        memory = max(run["memory"] for run in found[program])
        yield row(label, program, measured, ratio, f"{memory:.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures steps of attention networks, and beam search.")
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS), metavar="ROW", help=", ".join(ROWS))
    parser.add_argument("--pytorch", metavar="PYTHON", default=os.environ.get("BOULDER_PYTORCH"))
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="default: 2")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="rounds; default: 5")
    arguments = parser.parse_args()
    pytorch = arguments.pytorch or (sys.executable if find_spec("torch") else None)
    print(heading("program", "measured", "Boulder's time, of this", "MB"))
    for name in arguments.rows:
        for line in lines(name, arguments.threads, pytorch, arguments.repeats):
            print(line, flush=True)


if __name__ == "__main__":
    main()
