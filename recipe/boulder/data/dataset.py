"""`Dataset`, the interface that every data set class implements, and the registry of these classes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from functools import cached_property
from types import TracebackType
from typing import Any, ClassVar, Self, TypeVar

import numpy as np

from boulder.data.option_kinds import NO_OPTION
from boulder.data.order.epoch_order import EpochOrder
from boulder.data.order.order_options import OrderOptions
from boulder.data.padding import Padded, padded
from boulder.data.read_errors import errors_of_sequences
from boulder.data.read_sequence import ReadSequence
from boulder.data.streams import Stream
from boulder.errors import DataError

_CHUNK = 1 << 10  # sequences read at once to measure their lengths
_BLOCK = 16  # sequences read at once by `sequences`
_classes: dict[str, type[Dataset]] = {}
DatasetClass = TypeVar("DatasetClass", bound="type[Dataset]")


def dataset_class(name: str) -> Callable[[DatasetClass], DatasetClass]:
    """
    Registers a subclass of `Dataset` under its name in descriptions, `{"class": name, …}`.

    :raises DataError: if another class has that name
    """

    def register(cls: DatasetClass) -> DatasetClass:
        if name in _classes:
            raise DataError(
                f"data set class {name!r} is registered twice: {_classes[name].__module__}, {cls.__module__}"
            )
        _classes[name] = cls
        return cls

    return register


def dataset_classes() -> Mapping[str, type[Dataset]]:
    """:return: name → class, of all registered classes"""
    return _classes


@dataclass(kw_only=True, eq=False)
class Dataset(OrderOptions, ABC):
    """
    Sequences of one or several streams, read by index. A subclass is a dataclass with `kw_only=True, eq=False` whose fields
    are the options of a description, with those of `OrderOptions`. Constructing it only checks the options. Files are opened
    by the first access, or by `check`.

    :param wanted: streams to read, with their expected shapes; None: all streams of the data set
    :param default_input: stream that the network reads by default, if there is one
    """

    keeps_batches: ClassVar[bool] = False
    """Whether RETURNN keeps the batches of this class for the next epoch, if the order stays the same."""

    handed_down: ClassVar[tuple[str, ...]] = ("random_seed_offset",)
    """Options that data sets within this one have, too, unless they set them."""

    wanted: Mapping[str, Stream] | None = field(default=None, metadata=NO_OPTION)
    default_input: str | None = field(default=None, metadata=NO_OPTION)

    @classmethod
    def options(cls) -> dict[str, Field]:
        """:return: name → field, of every option that a description may set"""
        return {f.name: f for f in fields(cls) if f.metadata.get("option", True)}

    @classmethod
    def sets(cls, option: str, value: object) -> bool:
        """:return: whether a description with this value sets the option; most options do not count as set by None"""
        known = cls.options().get(option)
        return value is not None or (known is not None and bool(known.metadata.get("none")))

    @classmethod
    def required_options(cls) -> list[str]:
        """:return: names of the options without a default"""
        return [name for name, f in cls.options().items() if f.default is MISSING and f.default_factory is MISSING]

    @classmethod
    def further_files(cls, options: Mapping[str, Any]) -> list[str]:
        """
        :param options: of a description
        :return: files that it reads, besides those that are options
        """
        return []

    # To be implemented by a subclass

    @property
    @abstractmethod
    def streams(self) -> Mapping[str, Stream]:
        """key → shape and dtype of each stream, in RETURNN's order: "data" first, then sorted"""

    @property
    @abstractmethod
    def num_seqs(self) -> int:
        """Number of sequences, N."""

    @property
    @abstractmethod
    def lengths(self) -> Mapping[str, np.ndarray] | None:
        """key → int32 [N]; None if the lengths are unknown until the sequences are read"""

    @abstractmethod
    def read_many(self, indices: Sequence[int] | np.ndarray) -> list[dict[str, np.ndarray]]:
        """
        :param indices: sequences, in any order
        :return: for each of them: key → [T, D], or [T] for labels
        :raises DataError: if a sequence does not exist or cannot be read
        """

    @abstractmethod
    def tags(self, indices: Sequence[int] | np.ndarray) -> list[str]:
        """
        :return: the names of these sequences
        :raises DataError: if a sequence does not exist or its name cannot be read
        """

    @abstractmethod
    def fingerprint(self) -> str:
        """:return: a digest that changes with the content, cheap to compute: from sizes and lengths, not from all frames"""

    @abstractmethod
    def check(self) -> None:
        """
        Opens the data set and compares its streams with `wanted`.

        :raises DataError: if files are missing or broken, or streams have another shape
        """

    @abstractmethod
    def close(self) -> None:
        """Closes all files. The next access opens them again."""

    # May be overridden

    def label_names(self, key: str) -> list[str] | None:
        """
        :param key: a stream, which need not be among the `wanted` ones
        :return: the names of its labels; None if the data set does not give them
        """
        return None

    @property
    def stream_names(self) -> Collection[str] | None:
        """The streams that the data has, as far as the options tell without opening a file; None: they do not."""
        return None

    @property
    def order_control(self) -> Dataset:
        """The data set whose options decide the sequences of an epoch."""
        return self

    @property
    def reads_in_threads(self) -> bool:
        """Whether several threads may call `read_many` at the same time."""
        return False

    def read_padded(self, indices: Sequence[int] | np.ndarray) -> dict[str, Padded]:
        """
        Reads a batch. Overridden where padded arrays can be read without other ones in between.

        :param indices: sequences, in any order
        :return: key → their padded array
        :raises DataError: as `read_many`
        """
        sequences = self.read_many(indices)
        return {
            key: padded(stream, [sequence[key] for sequence in sequences], lambda i: self.tag(int(indices[i])))
            for key, stream in self.streams.items()
        }

    @property
    def streamed(self) -> bool:
        """
        Whether the lengths of an epoch's sequences are known only when `sequences` reads them. Then no index and no length
        is asked for: `num_seqs`, `lengths`, `read_many` and `tags` need not work.
        """
        return False

    def sequences(self, epoch: int, seed: int, default: str, start: int = 0) -> Iterator[ReadSequence]:
        """
        Reads the sequences of an epoch in their order. The parameters are those of `epoch_order`.

        :param start: number of the first sequence to read, in the order of the epoch
        :return: the same sequences whenever it is called
        :raises DataError: if a sequence cannot be read
        """
        yield from self.in_order(self.epoch_order(epoch, seed, default), epoch, seed, start)

    def in_order(self, order: np.ndarray, epoch: int, seed: int, start: int = 0) -> Iterator[ReadSequence]:
        """
        As `sequences`, in a given order.

        :param order: int64 [M], indices of sequences
        """
        for first in range(start, len(order), _BLOCK):
            block = order[first : first + _BLOCK]
            with errors_of_sequences(self, block, self.read_many):
                read = self.read_many(block)
            for index, tag, data in zip(block, self.tags(block), read, strict=True):
                yield ReadSequence(tag, data, {key: int(column[index]) for key, column in self.all_lengths.items()})

    def check_before_jobs(self) -> None:
        """
        What the job manager checks once all files exist.

        :raises DataError: if the data cannot be read, or has no sequences
        """
        self.check()
        self.check_not_empty()

    # Derived from these

    @property
    def ordering_lengths(self) -> np.ndarray:
        """[N]: lengths that decide the order of `seq_ordering` without `order_by`: those of RETURNN's first stream"""
        return next(iter(self.all_lengths.values()))

    @property
    def all_lengths(self) -> Mapping[str, np.ndarray]:
        """key → [N], of all streams that the data has, even those that are not `wanted`, in RETURNN's order"""
        return self.measured_lengths

    def file_of(self, tag: str, key: str) -> str | None:
        """:return: the file that has this stream of a sequence; None if that is not known. Slow: for messages"""
        return None

    def check_not_empty(self) -> None:
        """:raises DataError: if the data set, or an epoch of it, has no sequences; names its files, if it has any"""
        if self.num_seqs == 0:
            files = [
                path
                for name, f in self.options().items()
                if f.metadata.get("paths")
                for path in getattr(self, name) or ()
            ]
            raise DataError(f"{', '.join(map(str, files)) or type(self).__name__}: found no sequences")
        self._epoch_order.check()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def tag(self, index: int) -> str:
        """:return: the name of a sequence"""
        return self.tags([index])[0]

    def read(self, index: int) -> dict[str, np.ndarray]:
        """:return: key → [T, D], or [T] for labels, of one sequence"""
        with errors_of_sequences(self, [index], self.read_many):
            return self.read_many([index])[0]

    @property
    def order_stream(self) -> str:
        """The stream whose lengths decide the order."""
        candidates = [self.order_by, self.default_input, next(iter(self.streams), None)]
        found = next((key for key in candidates if key in self.streams), None)
        if found is None:
            raise DataError("the data set has no stream, expected at least one")
        return found

    @property
    def order_lengths(self) -> np.ndarray:
        """int32 [N]: lengths of `order_stream`"""
        return self.measured_lengths[self.order_stream]

    @cached_property
    def measured_lengths(self) -> Mapping[str, np.ndarray]:
        """key → int32 [N]: `lengths`, or measured by reading all sequences once if these are unknown"""
        known = self.lengths
        if known is not None:
            return known
        measured = {key: np.zeros(self.num_seqs, "int32") for key in self.streams}
        for start in range(0, self.num_seqs, _CHUNK):
            indices = range(start, min(start + _CHUNK, self.num_seqs))
            with errors_of_sequences(self, indices, self.read_many):
                read = self.read_many(indices)
            for index, sequence in zip(indices, read, strict=True):
                for key, array in sequence.items():
                    measured[key][index] = len(array)
        return measured

    def epoch_order(self, epoch: int, seed: int, default: str) -> np.ndarray:
        """
        :param epoch: counted from 1
        :param seed: of the random numbers, if the description sets no `seq_ordering`
        :param default: the order if the description sets no `seq_ordering`
        :return: int64 [M]: indices of the sequences of this epoch, in order
        :raises DataError: if there are none
        """
        return self._epoch_order.order(epoch, seed, default)

    def full_fingerprint(self) -> str:
        """:return: `fingerprint`, with that of the files that decide the order"""
        return self.fingerprint() + self._epoch_order.fingerprint()

    @cached_property
    def _epoch_order(self) -> EpochOrder:
        return EpochOrder(self, self)
