"""The batches of an epoch, shared among replicas, from a data set whose lengths are known or one that is streamed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from boulder.data import Batches, Dataset, shares_of_epoch
from boulder.data.streamed_batches import START, Place, StreamedBatch
from boulder.data.streamed_feed import shares_of_stream
from boulder.training.epoch_batches import batches_to_score, batches_to_train, streamed_to_score, streamed_to_train
from boulder.training.replicas import OneReplica, Share
from boulder.training.training_options import TrainingOptions


@dataclass(frozen=True)
class Step:
    """
    :param shares: those of a batch, see `shares_of_epoch`
    :param tags: gives the names of its sequences
    :param after: what a checkpoint needs to resume after it, besides the number of batches
    :param file_of: gives the file of a sequence and a stream, see `Dataset.file_of`
    """

    shares: list[Share]
    tags: Callable[[], list[str]]
    after: dict[str, Any]
    file_of: Callable[[str, str], str | None]


class EpochSteps(Protocol):
    """An iterator of the steps that remain of an epoch."""

    @property
    def count(self) -> int | None:
        """Number of batches of the whole epoch; None: not yet known."""

    @property
    def frames(self) -> int:
        """Number of frames of the whole epoch in the stream of the order, once all steps are done."""

    def __iter__(self) -> Iterator[Step]: ...


def steps_to_train(
    dataset: Dataset,
    epoch: int,
    options: TrainingOptions,
    streams: Collection[str],
    replicas: OneReplica,
    num_workers: int,
    position: Mapping[str, Any] | None,
) -> EpochSteps:
    """
    :param streams: keys that the network reads
    :param num_workers: number of threads that read, unless the data set is streamed
    :param position: of a checkpoint within this epoch, see `Step.after`; None: from its start
    :raises DataError: see `batches_to_train`
    """
    done = position["batch"] if position else 0
    if not dataset.streamed:
        return _OfBatches(*batches_to_train(dataset, epoch, options, streams), replicas, num_workers, done)
    after = (position or {}).get("stream", {"place": START.to_json(), "frames": 0})
    if after["place"] is None:  # it was the last batch
        return _OfStream(dataset, iter(()), replicas, after["frames"])
    batches = streamed_to_train(dataset, epoch, options, streams, Place(**after["place"]))
    return _OfStream(dataset, batches, replicas, after["frames"])


def steps_to_score(
    dataset: Dataset, epoch: int, options: TrainingOptions, replicas: OneReplica, num_workers: int, limited: bool
) -> EpochSteps:
    """For the parameters see `batches_to_score` and `steps_to_train`."""
    if dataset.streamed:
        return _OfStream(dataset, streamed_to_score(dataset, epoch, options, limited), replicas, 0)
    return _OfBatches(dataset, batches_to_score(dataset, epoch, options, limited), replicas, num_workers, 0)


class _OfBatches:
    def __init__(self, dataset: Dataset, batches: Batches, replicas: OneReplica, num_workers: int, done: int) -> None:
        self._dataset, self._batches, self._replicas, self._done = dataset, batches, replicas, done
        self._num_workers = num_workers
        self.count = len(batches)

    @property
    def frames(self) -> int:
        return int(self._dataset.order_lengths[self._batches.order].sum())

    def __iter__(self) -> Iterator[Step]:
        count, here = self._replicas.count, self._replicas.here
        shares = shares_of_epoch(self._dataset, self._batches, count, here, self._done, self._num_workers)
        for number, of_batch in enumerate(shares, self._done):
            yield Step(of_batch, partial(self._tags, number), {}, self._dataset.file_of)

    def _tags(self, number: int) -> list[str]:
        return self._dataset.tags(self._batches[number])


class _OfStream:
    count = None

    def __init__(self, dataset: Dataset, batches: Iterator[StreamedBatch], replicas: OneReplica, frames: int) -> None:
        self._dataset, self._batches, self._replicas, self.frames = dataset, batches, replicas, frames

    def __iter__(self) -> Iterator[Step]:
        count, here = self._replicas.count, self._replicas.here
        for batch, shares in shares_of_stream(self._dataset, self._batches, count, here):
            self.frames += sum(self._frames(seq.lengths) for seq in batch.sequences)
            place = batch.after.to_json() if batch.after else None
            tags = [sequence.tag for sequence in batch.sequences]
            after = {"stream": {"place": place, "frames": self.frames}}
            yield Step(shares, partial(list, tags), after, self._dataset.file_of)

    def _frames(self, lengths: Mapping[str, int]) -> int:
        return lengths.get(self._dataset.order_stream, next(iter(lengths.values())))
