"""A program that measures variants of a step of Boulder's, which `bench/steps.py` runs in turn, each in a process of its own."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from side_by_side import in_turn  # beside this file
from steps import __file__ as steps_file
from table import heading, ratios, row, shown


def main(
    description: str,
    rows: Mapping[str, tuple[str, dict[str, Any], Mapping[str, dict[str, Any]]]],
    column: str,
    reference: str,
) -> None:
    """
    Print the table.

    :param rows: name → label, options of `steps.py`, and variant → further options
    :param column: heading of the variants
    :param reference: what the first variant of each row is; the times of the others are compared with it
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rows", nargs="+", choices=rows, default=list(rows), metavar="ROW", help=", ".join(rows))
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="default: 2")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="rounds; default: 5")
    parser.add_argument(
        "--clock", choices=("wall", "processor"), default="wall", help="which time counts; default: wall"
    )
    arguments = parser.parse_args()
    print(heading(column, "ms" if arguments.clock == "wall" else "processor ms", reference, "MB"))
    for name in arguments.rows:
        for line in _lines(*rows[name], arguments):
            print(line, flush=True)


def _lines(
    label: str, options: dict[str, Any], variants: Mapping[str, dict[str, Any]], arguments: argparse.Namespace
) -> Iterator[str]:
    programs = {
        variant: (steps_file, sys.executable, options | {"engine": "boulder", "threads": arguments.threads} | added)
        for variant, added in variants.items()
    }
    found = in_turn(programs, arguments.repeats)
    times = {variant: [run[arguments.clock] / options["steps"] for run in runs] for variant, runs in found.items()}
    first = next(iter(times.values()))
    for variant, own in times.items():
        memory = max(run["memory"] for run in found[variant])
        yield row(label, variant, shown([1e3 * value for value in own], ".4g"), ratios(own, first), f"{memory:.0f}")
