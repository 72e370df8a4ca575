"""Rows of the tables in bench/README.md, as the programs print them."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from statistics import median


def heading(*columns: str) -> str:
    """:return: the machine, and the head of a table whose first column names the measurement"""
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    machine = (
        f"{cores} cores, {platform.machine()}, Python {platform.python_version()}, load average {load:.1f} at the start"
    )
    return f"Median (smallest–largest); {machine}:\n\n|  | {' | '.join(columns)} |\n|{'---|' * (len(columns) + 1)}"


def row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def shown(values: Sequence[float], form: str = ".3g") -> str:
    """:return: median (smallest–largest)"""
    return f"{median(values):{form}} ({min(values):{form}}–{max(values):{form}})"


def ratios(values: Sequence[float], others: Sequence[float], form: str = ".2f") -> str:
    """:return: of neighbours in time, so that other load on the machine affects both"""
    return shown([value / other for value, other in zip(values, others, strict=True)], form)
