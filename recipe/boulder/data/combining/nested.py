"""Data sets within a data set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from boulder.data.dataset import Dataset
from boulder.data.description import open_dataset
from boulder.data.streams import Stream
from boulder.errors import DataError

_CHUNK = 1 << 16  # tags in memory at once


def open_nested(description: Mapping[str, Any], outer: Dataset, wanted: Mapping[str, Stream] | None) -> Dataset:
    """
    :param description: of the inner data set; without `random_seed_offset`, it has that of the outer one, as in RETURNN
    :param wanted: streams to read; None: all
    :return: the inner data set, not yet opened
    """
    options = dict(description)
    if outer.random_seed_offset:
        options.setdefault("random_seed_offset", outer.random_seed_offset)
    return open_dataset(options, wanted)


def tags_of(dataset: Dataset) -> Iterator[str]:
    """Yields the tags of all sequences, a part of them in memory at a time."""
    for start in range(0, dataset.num_seqs, _CHUNK):
        yield from dataset.tags(range(start, min(start + _CHUNK, dataset.num_seqs)))


def data_first(keys: Iterable[str]) -> list[str]:
    """:return: keys of streams in RETURNN's order"""
    return sorted(keys, key=lambda key: (key != "data", key))


def refuse_order_of(outer: Dataset, inner: Mapping[str, Any], where: str) -> None:
    """
    For data sets whose sequences of an epoch are those of an inner one. Their `seq_ordering`, which a training may set for
    every data set, has no effect, as in RETURNN.

    :param inner: description of the data set that decides
    :param where: its option, for the message
    :raises DataError: if the outer data set has another order or selection of sequences, which RETURNN would ignore
    """
    default = outer.options()
    for name in ("partition_epoch", "repeat_epoch", "unique_seq_tags", "seq_list_filter_file", "epoch_wise_filter"):
        value = getattr(outer, name)
        if value not in (default[name].default, inner.get(name)):
            raise DataError(
                f"{name}: found {value!r:.60}, which RETURNN ignores here, expected it as an option of {where}"
            )
