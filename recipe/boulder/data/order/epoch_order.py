"""`EpochOrder`: the sequences of an epoch, in order, as RETURNN's `Dataset.get_seq_order_for_epoch` gives them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np

from boulder.counted import counted
from boulder.data.order.order_options import OrderOptions
from boulder.data.order.sequence_order import OF_PARTS, OrderKind
from boulder.data.random_numbers import OwnNumbers, Shuffling, returnn_numbers
from boulder.data.tag_files import none_listed, read_lengths, read_tags, warn_of_missing
from boulder.errors import DataError

_CHUNK = 1 << 16  # tags in memory at once


class Sequences(Protocol):
    """What the order depends on."""

    @property
    def num_seqs(self) -> int: ...

    @property
    def order_lengths(self) -> np.ndarray:
        """[N]: lengths of the stream `order_by`, or the default input"""

    @property
    def ordering_lengths(self) -> np.ndarray:
        """[N]: lengths without `order_by`"""

    def tags(self, indices: Sequence[int]) -> list[str]: ...


class EpochOrder:
    """Keeps arrays of N lengths or flags, never the tags."""

    def __init__(self, sequences: Sequences, options: OrderOptions) -> None:
        self._sequences = sequences
        self._options = options

    def order(self, epoch: int, seed: int, default: str) -> np.ndarray:
        """
        :param epoch: counted from 1
        :param seed: of Boulder's random numbers, without `seq_ordering`
        :param default: the order without `seq_ordering`
        :return: int64 [M]: indices of the sequences of this epoch, in order
        :raises DataError: if there are none, or a file cannot be read
        """
        options = self._options
        kind = OrderKind.parse(options.seq_ordering or default)
        numbers: Shuffling
        if options.seq_ordering is None:
            numbers = OwnNumbers(seed, options.pass_over_data(epoch, kind.epochs))
        else:
            numbers = returnn_numbers(options.random_seed(epoch, kind.epochs))
        order = kind.order(self._sequences.num_seqs, self._lengths, numbers)
        if options.unique_seq_tags:
            _, first = np.unique(self._tag_numbers[order], return_index=True)
            order = order[np.sort(first)]
        order = part_of(order, options.partition_epoch, options.partition(epoch))
        if options.repeat_epoch > 1:
            order = np.tile(order, options.repeat_epoch)
        if options.seq_list_filter_file is not None:
            order = order[self._is_listed[order]]
        for found in options.filters(epoch):
            order = found.filtered(order, self._stream_lengths)
        if not len(order):
            causes = [
                name for name in ("partition_epoch", "seq_list_filter_file") if getattr(options, name) not in (1, None)
            ]
            raise DataError(
                f"epoch {epoch}: {' and '.join(causes) or 'the data set'} leaves no sequence, expected at least one"
            )
        return order

    def check(self) -> None:
        """:raises DataError: if an epoch would have no sequences, or a file that decides the order cannot be read"""
        num_seqs, parts = self._sequences.num_seqs, self._options.partition_epoch
        if num_seqs < parts:
            raise DataError(
                f"partition_epoch: found {counted(parts, 'part')} of {counted(num_seqs, 'sequence')}, expected none to be empty"
            )
        if self._options.seq_list_filter_file is not None and not self._is_listed.any():
            raise none_listed(self._options.seq_list_filter_file, self._sequences.tags(range(min(3, num_seqs))))
        if self._options.seq_order_seq_lens_file is not None:
            _ = self._lengths_in_file
        if self._options.seq_list_filter_file is not None and parts > 1:
            self._check_first_pass()

    def _check_first_pass(self) -> None:
        """An order that is not random is the same in every pass over the data, so its epochs are checked for good."""
        kind = OrderKind.parse(self._options.seq_ordering or "default")
        found = int(self._is_listed.sum())
        if found < self._options.partition_epoch:
            raise DataError(
                f"partition_epoch and seq_list_filter_file: found {self._options.partition_epoch} parts and {found} listed "
                "sequences, so a part would be empty, expected at least one sequence in each"
            )
        if self._options.seq_ordering is not None and kind.name not in OF_PARTS:
            for epoch in range(1, self._options.partition_epoch + 1):
                self.order(epoch, 0, "default")

    def fingerprint(self) -> str:
        """:return: digest of the files that decide the order; empty without such files"""
        files = self._options.order_files
        return hashlib.sha256(b"\0".join(Path(file).read_bytes() for file in files)).hexdigest() if files else ""

    def _lengths(self) -> np.ndarray:
        """:return: [N], the lengths that decide the order"""
        return self._stream_lengths if self._options.seq_order_seq_lens_file is None else self._lengths_in_file

    @cached_property
    def _stream_lengths(self) -> np.ndarray:
        """int32 [N]: the lengths of a stream, which `epoch_wise_filter` always uses"""
        if self._options.order_by is not None or self._options.seq_ordering is None:
            return self._sequences.order_lengths
        return self._sequences.ordering_lengths

    @cached_property
    def _lengths_in_file(self) -> np.ndarray:
        """float64 [N]"""
        by_tag = read_lengths(str(self._options.seq_order_seq_lens_file))
        found = (self._length(by_tag, tag) for tag in self._all_tags())
        return np.fromiter(found, "float64", self._sequences.num_seqs)

    def _length(self, by_tag: Mapping[str, object], tag: str) -> float:
        length = by_tag.get(tag)
        if not isinstance(length, int | float) or isinstance(length, bool):
            found = "no length" if tag not in by_tag else repr(length)
            raise DataError(
                f"{self._options.seq_order_seq_lens_file}: found {found:.60} for the sequence {tag!r}, expected a number"
            )
        return length

    @cached_property
    def _is_listed(self) -> np.ndarray:
        """bool [N]: whether `seq_list_filter_file` has the tag"""
        path = str(self._options.seq_list_filter_file)
        missing = dict.fromkeys(read_tags(path))
        listed = set(missing)
        result = np.zeros(self._sequences.num_seqs, "bool")
        for i, tag in enumerate(self._all_tags()):
            if tag in listed:
                result[i] = True
                missing.pop(tag, None)
        warn_of_missing(path, list(missing), len(listed))
        return result

    @cached_property
    def _tag_numbers(self) -> np.ndarray:
        """int64 [N], equal for equal tags"""
        numbers: dict[str, int] = {}
        found = (numbers.setdefault(tag, len(numbers)) for tag in self._all_tags())
        return np.fromiter(found, "int64", self._sequences.num_seqs)

    def _all_tags(self) -> Iterator[str]:
        for start in range(0, self._sequences.num_seqs, _CHUNK):
            yield from self._sequences.tags(range(start, min(start + _CHUNK, self._sequences.num_seqs)))


def part_of(order: np.ndarray, parts: int, number: int) -> np.ndarray:
    """:return: one of the parts of the order; if it cannot be divided evenly, the first parts have one sequence more"""
    size, longer = divmod(len(order), parts)
    start = number * size + min(number, longer)
    return order[start : start + size + (number < longer)]
