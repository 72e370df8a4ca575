"""Phoneme and word error rates, where a word may have several correct pronunciations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from boulder.errors import DataError, nearest


@dataclass(frozen=True)
class WordRecord:
    """
    The score of a word.

    :param reference: the one of `references` that was used, see `best_reference`
    :param edits: edit distance between `hypothesis` and `reference`
    """

    tag: str
    hypothesis: tuple[str, ...]
    reference: tuple[str, ...]
    references: tuple[tuple[str, ...], ...]
    edits: int

    @property
    def is_correct(self) -> bool:
        return self.edits == 0

    def as_example(self) -> dict:
        """:return: an entry of `examples` in the input of the report, see `boulder.report.model`"""
        return {
            "word": self.tag,
            "hypothesis": list(self.hypothesis),
            "references": [list(reference) for reference in self.references],
            "edits": self.edits,
        }


@dataclass(frozen=True)
class ErrorRates:
    """The scores of a set of words. Rates are fractions: 0.1 is 10 %. `per` can exceed 1 because insertions count."""

    records: tuple[WordRecord, ...]  # sorted by tag

    @property
    def num_words(self) -> int:
        return len(self.records)

    @property
    def num_word_errors(self) -> int:
        return sum(not record.is_correct for record in self.records)

    @property
    def num_phonemes(self) -> int:
        """:return: total length of the references used"""
        return sum(len(record.reference) for record in self.records)

    @property
    def num_edits(self) -> int:
        """:return: number of insertions, deletions and substitutions in all words"""
        return sum(record.edits for record in self.records)

    @property
    def per(self) -> float:
        """:return: phoneme error rate: total edits / total phonemes, not a mean over words"""
        return self.num_edits / self.num_phonemes

    @property
    def wer(self) -> float:
        """:return: word error rate: fraction of words whose hypothesis equals none of their references"""
        return self.num_word_errors / self.num_words

    def summary(self, name: str) -> dict:
        """:return: an entry of `error_rates` in the input of the report, see `boulder.report.model`"""
        return {
            "name": name,
            "per": self.per,
            "wer": self.wer,
            "words": self.num_words,
            "phonemes": self.num_phonemes,
            "edits": self.num_edits,
        }


def best_reference(hypothesis: Sequence[str], references: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], int]:
    """
    :param hypothesis: phonemes, may be empty
    :param references: at least one
    :return: the reference with the smallest edit distance, and that distance. Ties go to the shortest reference, since its
        length is the denominator of the error rate and a tie must not improve the rate; then to the first in sorted
        order, so that the order of the references does not matter
    """
    candidates = [(Levenshtein.distance(hypothesis, ref), len(ref), tuple(ref)) for ref in references]
    distance, _, reference = min(candidates)
    return reference, distance


def score(hypotheses: Mapping[str, Sequence[str]], references: Mapping[str, Sequence[Sequence[str]]]) -> ErrorRates:
    """
    :param hypotheses: sequence tag → decoded phonemes, may be empty
    :param references: sequence tag → all correct pronunciations
    :return: error rates over all of `references`, with the pronunciation chosen by :func:`best_reference`
    :raises DataError: if there are no references, the tags of the two differ, or a tag has no reference or an empty one
    """
    if not references:
        raise DataError("error rate: there are no references to score against")
    missing = [tag for tag in sorted(references) if tag not in hypotheses]
    if missing:
        raise DataError(f"error rate: no hypothesis for {missing[0]!r}{_and_more(missing)}")
    unknown = [tag for tag in sorted(hypotheses) if tag not in references]
    if unknown:
        raise DataError(
            f"error rate: a hypothesis but no reference for {unknown[0]!r}{_and_more(unknown)}"
            f"{nearest(unknown[0], references, 'nearest is')}"
        )
    records = []
    for tag in sorted(references):
        if not references[tag] or not all(references[tag]):
            raise DataError(f"error rate: {tag!r} has no reference, or an empty one")
        reference, edits = best_reference(hypotheses[tag], references[tag])
        every = tuple(tuple(reference) for reference in references[tag])
        records.append(WordRecord(tag, tuple(hypotheses[tag]), reference, every, edits))
    return ErrorRates(tuple(records))


def _and_more(tags: list[str]) -> str:
    return f" and {len(tags) - 1:,} more" if len(tags) > 1 else ""
