"""Aligns a hypothesis with its nearest reference, phoneme by phoneme."""

from __future__ import annotations

from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from boulder.report.model import Example
from boulder.search.error_rate import best_reference


@dataclass(frozen=True)
class Pair:
    """One column of an alignment. `kind`: "equal", "substitute", "delete" (found is "") or "insert" (expected is "")."""

    kind: str
    expected: str
    found: str


def align(example: Example) -> list[Pair]:
    """:return: the columns from left to right; the number of columns that are not "equal" is the number of edits"""
    reference, _ = best_reference(example.hypothesis, example.references)
    return align_pair(reference, example.hypothesis)


def align_pair(reference: list[str] | tuple[str, ...], hypothesis: list[str] | tuple[str, ...]) -> list[Pair]:
    """
    :return: the columns; "delete" marks a phoneme of the reference that the hypothesis lacks
    """
    pairs = []
    for step in Levenshtein.opcodes(reference, hypothesis):
        expected = list(reference[step.src_start : step.src_end])
        found = list(hypothesis[step.dest_start : step.dest_end])
        kind = {"replace": "substitute"}.get(step.tag, step.tag)
        for column in range(max(len(expected), len(found))):
            pairs.append(Pair(kind, expected[column] if expected else "", found[column] if found else ""))
    return pairs
