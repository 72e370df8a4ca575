"""Batches of sequences that are read one after another, whose lengths are not known before. The rules are `form_batches`'s."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import chain, islice
from typing import Any

import numpy as np

from boulder.data.batches import Batches, form_batches
from boulder.data.dataset import Dataset
from boulder.data.in_memory import InMemory
from boulder.data.random_numbers import CountedNumbers
from boulder.data.read_sequence import ReadSequence
from boulder.errors import DataError

_AT_ONCE = 16  # parts among which batches are formed at least

Cut = Callable[[Dataset, CountedNumbers], tuple[Dataset, np.ndarray]]
"""(data set of one sequence, random numbers of the epoch) → data set of its parts, and the indices of those that are used."""


@dataclass(frozen=True)
class Place:
    """
    Where a batch begins in the stream of an epoch, so that a training resumes there.

    :param seq: number of its first sequence, in the order of the epoch
    :param part: number of used parts of this sequence that belong to earlier batches
    :param drawn: number of random numbers drawn before this sequence
    :param tag: name of the sequence; None: not known, since it has not been read
    """

    seq: int = 0
    part: int = 0
    drawn: int = 0
    tag: str | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


START = Place()
"""The begin of an epoch."""


@dataclass(frozen=True)
class Part:
    """A sequence, or a chunk of one, that becomes a part of a batch."""

    sequence: ReadSequence
    place: Place


@dataclass(frozen=True)
class StreamedBatch:
    """
    :param sequences: sequences or chunks
    :param after: where the next batch begins; None: this is the last one. Where only empty sequences follow, which make no batch
        (`without_empty_end`), it may be the place of the first of them
    """

    sequences: list[ReadSequence]
    after: Place | None


def used_parts(
    dataset: Dataset, sequences: Iterator[ReadSequence], start: Place, seed: int, cut: Cut
) -> Iterator[Part]:
    """
    :param dataset: gives the streams
    :param sequences: from number `start.seq` of an epoch
    :param seed: see `seed_of_drops`
    :param cut: gives the parts of each sequence
    :raises DataError: if the first sequence is not the one of `start`
    """
    numbers = CountedNumbers(seed, start.drawn)
    first = next(sequences, None)
    if start.tag is not None and (first is None or first.tag != start.tag):
        raise DataError(
            f"sequence {start.seq} of the epoch is {first.tag if first else None!r}, expected {start.tag!r} as before the "
            "interruption; restore the data to resume, or rerun the phase from its start with `boulder rerun`"
        )
    for number, sequence in enumerate(chain([] if first is None else [first], sequences), start.seq):
        place = Place(number, 0, numbers.drawn, sequence.tag)
        parts, used = cut(InMemory(held=[sequence], kinds=dataset.streams), numbers)
        for position, part in enumerate(_read(parts, used)):
            if number > start.seq or position >= start.part:
                yield Part(part, replace(place, part=position))


def _read(parts: Dataset, used: np.ndarray) -> Iterator[ReadSequence]:
    lengths = parts.all_lengths
    for index, tag, data in zip(used, parts.tags(used), parts.read_many(used), strict=True):
        yield ReadSequence(tag, data, {key: int(lengths[key][index]) for key in lengths})


def streamed_batches(
    dataset: Dataset, parts: Iterator[Part], form: Callable[[InMemory, bool], Batches]
) -> Iterator[StreamedBatch]:
    """
    :param dataset: gives the streams
    :param form: (sequences, whether they end the epoch) → batches of consecutive ones. All but the last batch stay the same
        if more sequences follow
    :return: the batches that `form` would make of all parts at once
    """
    waiting: list[Part] = []
    while True:
        more = list(islice(parts, max(_AT_ONCE, len(waiting))))
        waiting += more
        if not waiting:
            return
        batches = form(InMemory(held=[part.sequence for part in waiting], kinds=dataset.streams), not more)
        complete = batches[:-1] if more else batches
        for number, indices in enumerate(complete):
            following = waiting[int(batches.borders[number + 1])] if number + 1 < len(batches) else None
            yield StreamedBatch([waiting[i].sequence for i in indices], following.place if following else None)
        if not more:
            return
        waiting = waiting[int(batches.borders[-2]) :]


def whole_sequences(
    dataset: Dataset, batch_size: int | Mapping[str, int], max_seqs: int | None = None
) -> Iterator[StreamedBatch]:
    """
    :param batch_size: see `form_batches`
    :return: batches of all sequences of the first epoch
    """

    def cut(sequence: Dataset, _numbers: CountedNumbers) -> tuple[Dataset, np.ndarray]:
        return sequence, np.arange(1)

    def form(sequences: InMemory, _ends: bool) -> Batches:
        return form_batches(np.arange(sequences.num_seqs), sequences.lengths, batch_size, max_seqs)

    parts = used_parts(dataset, dataset.sequences(1, 0, "default"), START, 0, cut)
    return streamed_batches(dataset, parts, form)
