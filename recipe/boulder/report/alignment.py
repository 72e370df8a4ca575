"""Aligns a hypothesis with its nearest reference, phoneme by phoneme."""

from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from boulder.report.model import Example
from boulder.search.error_rate import best_reference


@dataclass(frozen=True)
class Pair:
    """
    A column of an alignment.

    :param kind: "equal", "substitute", "delete" or "insert"
    :param expected: phoneme of the reference; "" for an insertion
    :param found: phoneme of the hypothesis; "" for a deletion
    """

    kind: str
    expected: str
    found: str


def align(example: Example) -> list[Pair]:
    """:return: columns from left to right; `example.edits` of them are not "equal" """
    reference, _ = best_reference(example.hypothesis, example.references)
    return align_pair(reference, example.hypothesis)


def align_pair(reference: Sequence[str], hypothesis: Sequence[str]) -> list[Pair]:
    """:return: columns from left to right, with as few edits as possible (Levenshtein)"""
    pairs = []
    for step in Levenshtein.opcodes(reference, hypothesis):
        expected = list(reference[step.src_start : step.src_end])
        found = list(hypothesis[step.dest_start : step.dest_end])
        kind = {"replace": "substitute"}.get(step.tag, step.tag)
        for column in range(max(len(expected), len(found))):
            pairs.append(Pair(kind, expected[column] if expected else "", found[column] if found else ""))
    return pairs
