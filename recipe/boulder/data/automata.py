"""Automata of sequences, as a data set: HDF files with the stream `automata`, and OpenFst's text format.

The stream has a row of four numbers for each arc of the automaton of a sequence:

    state, next state, class, cost      an arc is taken in one frame, which has this class
    state, 0, -1, cost                  a path may end in this state

States are numbered from 0, where each path begins. Costs are negative logarithms of weights.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator

import numpy as np

from boulder.data.hdf.hdf_writer import HdfWriter
from boulder.errors import DataError
from boulder.file_content import read_text

AUTOMATA = {"automata": {"dim": 4}}
"""`extern_data` of the files"""

_MOST = 1 << 24
"""float32 holds whole numbers up to this"""


def write_automata(path: str | os.PathLike[str], automata: Iterable[tuple[str, np.ndarray]]) -> int:
    """
    Writes an HDF file.

    :param automata: tag of the sequence, rows of its automaton [arcs, 4]
    :return: number of sequences
    :raises DataError: for rows that are no automaton, with a path from state 0 to an end
    """
    count = 0
    with HdfWriter(path, AUTOMATA) as writer:
        for tag, arcs in automata:
            problem = problem_of_automaton(arcs)
            if problem:
                raise DataError(f"{path}: automaton of sequence {tag!r}: {problem}")
            writer.write(tag, {"automata": np.asarray(arcs, np.float32)})
            count += 1
    return count


def problem_of_automaton(arcs: np.ndarray) -> str | None:
    """
    :param arcs: [arcs, 4]
    :return: what is wrong, or None
    """
    arcs = np.asarray(arcs)
    if arcs.ndim != 2 or arcs.shape[1] != 4:
        return f"found rows of the shape {list(arcs.shape)}, expected [arcs, 4]: state, next state, class, cost"
    for row in arcs:
        whole = (row[:3] == np.floor(row[:3])).all() and (np.abs(row[:3]) < _MOST).all()
        if not whole or min(row[0], row[1]) < 0 or row[2] < -1 or not np.isfinite(row[3]):
            return (
                f"found row {row.tolist()}, expected states and a class from 0 on (class -1: an end) and a finite cost"
            )
    ends, seen, new = {int(row[0]) for row in arcs if row[2] == -1}, {0}, [0]
    following: dict[int, list[int]] = {}
    for source, target in arcs[arcs[:, 2] >= 0, :2].astype(int).tolist():
        following.setdefault(source, []).append(target)
    while new:
        reached = [state for state in following.get(new.pop(), []) if state not in seen]
        seen.update(reached)
        new += reached
    return None if ends & seen else "no path from state 0 to an end, expected one"


def read_openfst(path: str | os.PathLike[str]) -> Iterator[tuple[str, np.ndarray]]:
    """
    Reads acceptors in OpenFst's text format, as `fstprint --acceptor` writes them, one for each sequence: a line with the tag of the
    sequence, a line for each arc and each final state, and an empty line, as in Kaldi's text archives:

        tag
        0 1 3 0.5           state, next state, label, cost (0 if it is missing)
        1 0.7               final state, cost (0 if it is missing)

    Label c + 1 is class c, since label 0 is none. The first state of the first line is where paths begin.

    :param path: perhaps gzipped
    :return: tag, rows of the automaton
    :raises DataError: for a file that is missing or has other lines; the message names the line
    """
    tag, rows, seen = None, [], set()
    lines = read_text(path).split("\n")
    for number, line in enumerate([*lines, ""], start=1):
        fields, where = line.split(), f"{path}, line {number}"
        if fields and tag is None:
            tag = " ".join(fields)
            if tag in seen:
                raise DataError(f"{where}: sequence {tag!r} has two automata")
            seen.add(tag)
        elif fields:
            rows.append(_row(fields, where))
        elif tag is not None:
            if not rows:
                raise DataError(f"{where}: sequence {tag!r} has an empty automaton")
            yield tag, _from_state_0(np.array(rows, np.float32))
            tag, rows = None, []
    if not seen:
        raise DataError(f"{path}: found no automata, expected a tag and arcs 'state, next state, label, cost'")


def _row(fields: list[str], where: str) -> tuple[int, int, int, float]:
    """:return: of an arc or a final state"""
    is_arc = len(fields) > 2
    numbers, cost = (fields[:3], fields[3:]) if is_arc else (fields[:1], fields[1:])
    try:
        values, weight = [int(field) for field in numbers], float(cost[0]) if cost else 0.0
    except ValueError:
        values, weight = [], math.nan
    if len(cost) > 1 or math.isnan(weight) or min(values, default=-1) < 0:
        raise DataError(
            f"{where}: found {' '.join(fields)!r:.60}, expected 'state next-state label [cost]' or 'final-state [cost]', as "
            "'fstprint --acceptor' writes them"
        )
    if is_arc and values[2] == 0:
        raise DataError(f"{where}: found an arc without a label (0), expected none; 'fstrmepsilon' removes them")
    return (values[0], values[1], values[2] - 1, weight) if is_arc else (values[0], 0, -1, weight)


def _from_state_0(rows: np.ndarray) -> np.ndarray:
    """:return: the automaton, whose first state has become number 0"""
    first, ends = rows[0, 0], rows[:, 2] == -1
    states = rows[:, :2].copy()
    rows[:, :2] = np.where(states == first, 0, np.where(states == 0, first, states))
    rows[ends, 1] = 0
    return rows
