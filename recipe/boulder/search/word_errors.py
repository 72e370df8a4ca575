"""
Word errors, counted as NIST's sclite counts them.

sclite aligns the words of a hypothesis with those of its reference at the lowest cost, where a substitution costs 4, an
insertion and a deletion 3. So the number of errors may exceed the edit distance. Of alignments with equal costs it takes the
one that, from the left, comes by a match or substitution, else by an insertion, else by a deletion.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from rapidfuzz.distance import Levenshtein

from boulder.errors import DataError, nearest

_SUBSTITUTION, _GAP = 4, 3


@dataclass(frozen=True)
class WordErrors:
    """
    Counts of errors in one or several sequences.

    :param words: of the references
    :param sequences: number of sequences
    :param wrong_sequences: number of sequences with an error
    """

    words: int
    substitutions: int
    deletions: int
    insertions: int
    sequences: int
    wrong_sequences: int

    @property
    def errors(self) -> int:
        return self.substitutions + self.deletions + self.insertions

    @property
    def wer(self) -> float:
        """:return: word error rate, a fraction; it can exceed 1 because insertions count"""
        return self.errors / self.words

    @property
    def ser(self) -> float:
        """:return: sequence error rate, a fraction"""
        return self.wrong_sequences / self.sequences

    def to_json(self) -> dict[str, int | float]:
        """:return: a row of the report, see `boulder.report.model.WordErrorRow`, without the name of the data set"""
        return {"wer": self.wer, "ser": self.ser} | asdict(self)

    def __str__(self) -> str:
        return (
            f"WER {self.wer:.2%} ({self.substitutions} substitutions, {self.deletions} deletions, {self.insertions} "
            f"insertions on {self.words} words), SER {self.ser:.2%} on {self.sequences} sequences"
        )


def count_errors(reference: Sequence[str], hypothesis: Sequence[str]) -> tuple[int, int, int]:
    """:return: numbers of substitutions, deletions and insertions of sclite's alignment"""
    scale = 1 + max(
        len(reference), len(hypothesis)
    )  # more than the number of substitutions, which the cost encodes below
    fewest, most = (_substitutions(reference, hypothesis, scale, sign) for sign in (1, -1))
    if fewest[0] != most[0]:  # several alignments of the lowest cost differ in their numbers of errors
        return _aligned(reference, hypothesis)
    substitutions, gaps = fewest
    surplus = len(hypothesis) - len(reference)
    return substitutions, (gaps - surplus) // 2, (gaps + surplus) // 2


def word_errors(
    references: Mapping[str, Sequence[str]], hypotheses: Mapping[str, Sequence[str]]
) -> dict[str, WordErrors]:
    """
    :param references: tag of a sequence → words
    :param hypotheses: tag of a sequence → words
    :return: tag → errors, in the order of the references
    :raises DataError: if the tags of the two differ, or there are none
    """
    if not references:
        raise DataError("word errors: found no references, expected at least one")
    for tag in references:
        if tag not in hypotheses:
            raise DataError(f"word errors: found no hypothesis of {tag!r}{nearest(tag, hypotheses, 'nearest is')}")
    for tag in hypotheses:
        if tag not in references:
            raise DataError(
                f"word errors: found a hypothesis, but no reference of {tag!r}{nearest(tag, references, 'nearest is')}"
            )
    result = {}
    for tag, reference in references.items():
        counts = count_errors(reference, hypotheses[tag])
        result[tag] = WordErrors(len(reference), *counts, sequences=1, wrong_sequences=int(any(counts)))
    return result


def total(errors: Mapping[str, WordErrors]) -> WordErrors:
    """
    :return: the sums over all sequences
    :raises DataError: if the references have no words at all
    """
    parts = list(errors.values())
    result = WordErrors(
        words=sum(part.words for part in parts),
        substitutions=sum(part.substitutions for part in parts),
        deletions=sum(part.deletions for part in parts),
        insertions=sum(part.insertions for part in parts),
        sequences=sum(part.sequences for part in parts),
        wrong_sequences=sum(part.wrong_sequences for part in parts),
    )
    if not result.words:
        raise DataError("word errors: found no words in any reference, expected at least one")
    return result


def _substitutions(reference: Sequence[str], hypothesis: Sequence[str], scale: int, sign: int) -> tuple[int, int]:
    """:return: substitutions, and insertions plus deletions, of an alignment of the lowest cost with the fewest (`sign` 1) or most (-1) substitutions"""
    weights = (_GAP * scale, _GAP * scale, _SUBSTITUTION * scale + sign)
    cost = Levenshtein.distance(reference, hypothesis, weights=weights)
    substitutions = sign * cost % scale
    return substitutions, ((cost - sign * substitutions) // scale - _SUBSTITUTION * substitutions) // _GAP


def _aligned(reference: Sequence[str], hypothesis: Sequence[str]) -> tuple[int, int, int]:
    """:return: see `count_errors`; slower, by dynamic programming over [reference, hypothesis]"""
    row = [(_GAP * j, 0, 0, j) for j in range(len(hypothesis) + 1)]  # (cost, substitutions, deletions, insertions)
    for i, word in enumerate(reference, start=1):
        before, row = row, [(_GAP * i, 0, i, 0)]
        for j, other in enumerate(hypothesis, start=1):
            wrong = word != other
            diagonal, left, above = before[j - 1], row[-1], before[j]
            candidates = (
                (diagonal[0] + _SUBSTITUTION * wrong, diagonal[1] + wrong, diagonal[2], diagonal[3]),
                (left[0] + _GAP, left[1], left[2], left[3] + 1),
                (above[0] + _GAP, above[1], above[2] + 1, above[3]),
            )
            row.append(min(candidates, key=lambda candidate: candidate[0]))  # the first of equal ones
    return row[-1][1:]
