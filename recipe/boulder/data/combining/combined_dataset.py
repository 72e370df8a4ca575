"""`CombinedDataset`: sequences of several data sets, each with its own streams. Options and rules are RETURNN's."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import ClassVar

import numpy as np

from boulder.data.combining.interleaving import interleaved, interleaved_at_random
from boulder.data.combining.nested import data_first
from boulder.data.combining.union_dataset import UnionDataset
from boulder.data.dataset import dataset_class
from boulder.data.option_checks import is_integer, is_number
from boulder.data.option_kinds import DESCRIPTIONS, WITHOUT_EFFECT
from boulder.data.order.epoch_order import part_of
from boulder.data.order.sequence_order import OF_PARTS
from boulder.errors import DataError, nearest


@dataset_class("CombinedDataset")
@dataclass(kw_only=True, eq=False)
class CombinedDataset(UnionDataset):
    """
    `seq_ordering` orders the sequences of all data sets together; "random_dataset" and "interleave" choose a data set for
    each next sequence and keep the order within it. The options of the data sets decide which sequences an epoch has.

    :param datasets: name → description of a data set
    :param data_map: (name of a data set, its stream) → stream; as a dict or a list of pairs
    :param sampling_sizes: sequences of each data set in an epoch, in turn; a number for all, or name → number; None: all
    :param interleave_gumbel_scale: for "interleave": 0 or None chooses the data set with the smallest part read; a number
        draws from the softmax of log(sequences left) / scale; "remaining": the scale is the smallest part left
    :param data_dims: RETURNN only compares it with the data; without effect
    """

    own_orders: ClassVar[tuple[str, ...]] = OF_PARTS

    datasets: Mapping[str, dict] = field(metadata=DESCRIPTIONS)
    data_map: Mapping[tuple[str, str], str] | Sequence
    sampling_sizes: int | Mapping[str, int] | None = None
    interleave_gumbel_scale: float | str | None = None
    data_dims: Mapping | None = field(default=None, metadata=WITHOUT_EFFECT)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._sources_of = _read_data_map(self.data_map)
        for name in self._sources_of:
            if name not in self.datasets:
                known = ", ".join(self.datasets)
                raise DataError(f"data_map: found no data set {name!r}, only {known}{nearest(name, self.datasets)}")
        self._sizes = self._read_sizes()
        scale = self.interleave_gumbel_scale
        if not (scale in (None, "remaining") or (is_number(scale) and scale >= 0)):
            raise DataError(
                f"interleave_gumbel_scale: found {scale!r:.60}, expected a number of at least 0, or 'remaining'"
            )
        self._check_together()

    def _check_together(self) -> None:
        if self._sizes is None and self.seq_ordering not in OF_PARTS:
            return
        by = "sampling_sizes" if self._sizes is not None else f"seq_ordering {self.seq_ordering!r}"
        if self._sizes is not None and self.seq_ordering in OF_PARTS:
            raise DataError(f"found sampling_sizes and seq_ordering {self.seq_ordering!r}, expected only one of them")
        refused = ["unique_seq_tags", "seq_list_filter_file", "seq_order_seq_lens_file", "epoch_wise_filter"]
        refused += ["partition_epoch"] if self.seq_ordering != "random_dataset" else []
        refused += ["repeat_epoch"] if self.seq_ordering == "interleave" else []
        for name in refused:
            if getattr(self, name) != self.options()[name].default:
                raise DataError(f"{name}: found {getattr(self, name)!r:.60}, expected it in the data sets, with {by}")

    def _read_sizes(self) -> dict[str, int] | None:
        sizes = self.sampling_sizes
        if sizes is None:
            return None
        names = sorted(self._sources_of)
        found = sizes if isinstance(sizes, Mapping) else dict.fromkeys(names, sizes)
        for name in names:
            size = found.get(name)
            if not is_integer(size, 0):
                raise DataError(f"sampling_sizes: found {size!r:.60} for {name!r}, expected a number of sequences")
        return {name: found[name] for name in names}

    @property
    def order_selects(self) -> bool:
        return super().order_selects or self._sizes is not None

    @property
    def descriptions(self) -> Mapping[str, dict]:
        return {name: self.datasets[name] for name in sorted(self._sources_of)}

    @property
    def stream_names(self) -> Collection[str]:
        return data_first({key for sources in self._sources_of.values() for key in sources})

    def sources(self, name: str) -> Mapping[str, str]:
        return self._sources_of[name]

    def epoch_order(self, epoch: int, seed: int, default: str) -> np.ndarray:
        parts = self.part_orders(epoch, seed)
        if self._sizes is not None:
            sizes = self._sizes.values()
            parts = [_in_turn(part, size, epoch) for part, size in zip(parts, sizes, strict=True)]
        indices, sizes_of_parts = np.concatenate(parts), [len(part) for part in parts]
        if self.seq_ordering == "random_dataset":
            which = np.repeat(np.arange(len(parts)), sizes_of_parts).tolist()
            Random(self.random_seed(epoch)).shuffle(which)
            order = indices[np.argsort(np.argsort(which, kind="stable"), kind="stable")]
            return np.tile(part_of(order, self.partition_epoch, self.partition(epoch)), self.repeat_epoch)
        if self.seq_ordering == "interleave":
            if self.interleave_gumbel_scale:
                numbers = np.random.RandomState(self.random_seed(epoch))
                return indices[interleaved_at_random(sizes_of_parts, self.interleave_gumbel_scale, numbers)]
            return indices[interleaved(sizes_of_parts)]
        return self.ordered(indices, epoch, seed, default)


def _read_data_map(value: object) -> dict[str, dict[str, str]]:
    """:return: name of a data set → stream → its stream"""
    items = list(value.items()) if isinstance(value, Mapping) else value
    result: dict[str, dict[str, str]] = {}
    if not isinstance(items, list | tuple) or not items:
        raise DataError(f"data_map: found {value!r:.60}, expected a dict, (data set, its stream) → stream")
    for item in items:
        match item:
            case ((str(name), str(of)) | [str(name), str(of)], str(key)) | [[str(name), str(of)], str(key)]:
                if key in result.setdefault(name, {}):
                    raise DataError(f"data_map: found two streams of {name!r} for {key!r}, expected one")
                result[name][key] = of
            case _:
                raise DataError(f"data_map: found {item!r:.60}, expected (data set, its stream) → stream")
    return result


def _in_turn(order: np.ndarray, size: int, epoch: int) -> np.ndarray:
    """:return: so many sequences of the order, after those of the epoch before; after the last one, the first one again"""
    return order[((epoch - 1) * size + np.arange(size)) % len(order)]
