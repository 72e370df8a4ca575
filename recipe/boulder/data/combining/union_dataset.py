"""`UnionDataset`: base of data sets with the sequences of several others, one after the other."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from boulder.data.combining.nested import data_first, open_nested
from boulder.data.dataset import Dataset
from boulder.data.order.epoch_order import EpochOrder
from boulder.data.read_sequence import ReadSequence
from boulder.data.streams import Stream
from boulder.errors import DataError, named, nearest


@dataclass(kw_only=True, eq=False)
class UnionDataset(Dataset):
    """
    The order of an epoch is that of its sequences in each part, one part after the other, reordered by the options of this
    data set. A sequence has no frames in streams that its part lacks.
    """

    # To be implemented by a subclass

    @property
    @abstractmethod
    def descriptions(self) -> Mapping[str, Mapping]:
        """name → description of each part, in order"""

    @abstractmethod
    def sources(self, name: str) -> Mapping[str, str] | None:
        """:return: stream → stream of this part; None: they have the same names"""

    # Derived from these

    @cached_property
    def parts(self) -> dict[str, Dataset]:
        """name → data set"""
        return {name: open_nested(found, self, self._wanted(name)) for name, found in self.descriptions.items()}

    @property
    def order_selects(self) -> bool:
        """`random_seed_offset` reaches the parts."""
        return super().order_selects or any(part.order_selects for part in self.parts.values())

    @property
    def reads_in_threads(self) -> bool:
        return all(part.reads_in_threads for part in self.parts.values())

    @cached_property
    def streams(self) -> dict[str, Stream]:
        found: dict[str, Stream] = {}
        for name, part in self.parts.items():
            for key, of in self._sources(name).items():
                if of not in part.streams:
                    raise _no_stream(name, of, part.streams)
                stream = replace(part.streams[of], key=key)
                other = found.setdefault(key, stream)
                if stream != other:
                    raise DataError(
                        f"{key!r}: found {other} and, in {name!r}, {stream}, expected the same in every part"
                    )
        return {key: found[key] for key in data_first(found)}

    @property
    def num_seqs(self) -> int:
        return int(self._starts[-1])

    @cached_property
    def lengths(self) -> Mapping[str, np.ndarray]:
        return {key: self._lengths_of(key) for key in self.streams}

    @cached_property
    def all_lengths(self) -> Mapping[str, np.ndarray]:
        keys = {key for name in self.parts for key in self._every_source(name)}
        return {key: self._lengths_of(key) for key in data_first(keys)}

    @cached_property
    def ordering_lengths(self) -> np.ndarray:
        """[N]: those of the parts"""
        return np.concatenate([part.ordering_lengths for part in self.parts.values()])

    def read_many(self, indices: Sequence[int] | np.ndarray) -> list[dict[str, np.ndarray]]:
        indices = np.asarray(indices, "int64")
        result: list[dict[str, np.ndarray]] = [{} for _ in indices]
        for name, start, where in self._by_part(indices):
            sources = self._sources(name)
            for position, sequence in zip(where, self.parts[name].read_many(indices[where] - start), strict=True):
                for key, stream in self.streams.items():
                    result[position][key] = sequence[sources[key]] if key in sources else _no_frames(stream)
        return result

    @property
    def streamed(self) -> bool:
        return any(part.streamed for part in self.parts.values())

    def in_order(self, order: np.ndarray, epoch: int, seed: int, start: int = 0) -> Iterator[ReadSequence]:
        """Each part gives its sequences in the order in which they are needed."""
        names: list[str] = [""] * len(order)
        readers = {}
        for name, first, where in self._by_part(order):
            for position in where:
                names[position] = name
            begun = int(np.searchsorted(where, start))
            readers[name] = self.parts[name].in_order(order[where] - first, epoch, seed, begun)
        every = {name: self.sources(name) for name in self.parts}
        keys = data_first({key for sources in every.values() for key in sources or ()})
        for name in names[start:]:
            read, sources = next(readers[name]), self._sources(name)
            data = {
                key: read.data[sources[key]] if key in sources else _no_frames(stream)
                for key, stream in self.streams.items()
            }
            lengths, renamed = read.lengths, every[name]
            if renamed is not None:
                lengths = {key: lengths[renamed[key]] if key in renamed else 0 for key in keys}
            yield ReadSequence(read.tag, data, lengths)

    def file_of(self, tag: str, key: str) -> str | None:
        for name, part in self.parts.items():
            if key in (sources := self._sources(name)) and (file := part.file_of(tag, sources[key])):
                return file
        return None

    def tags(self, indices: Sequence[int] | np.ndarray) -> list[str]:
        indices = np.asarray(indices, "int64")
        result = [""] * len(indices)
        for name, start, where in self._by_part(indices):
            for position, tag in zip(where, self.parts[name].tags(indices[where] - start), strict=True):
                result[position] = tag
        return result

    def label_names(self, key: str) -> list[str] | None:
        for name, part in self.parts.items():
            sources = self.sources(name)
            names = part.label_names(key if sources is None else sources[key]) if key in (sources or {key}) else None
            if names is not None:
                return names
        return None

    def epoch_order(self, epoch: int, seed: int, default: str) -> np.ndarray:
        return self.ordered(np.concatenate(self.part_orders(epoch, seed)), epoch, seed, default)

    def part_orders(self, epoch: int, seed: int) -> list[np.ndarray]:
        """:return: for each part, int64: indices in this data set of its sequences of the epoch, in its order"""
        starts = zip(self.parts.values(), self._starts[:-1], strict=True)
        return [part.epoch_order(epoch, seed, "default") + start for part, start in starts]

    def ordered(self, indices: np.ndarray, epoch: int, seed: int, default: str) -> np.ndarray:
        """:return: these sequences, in an order by the options of this data set"""
        return indices[EpochOrder(_Selected(self, indices), self).order(epoch, seed, default)]

    def order_key(self, epoch: int) -> tuple:
        return (super().order_key(epoch), *(part.order_key(epoch) for part in self.parts.values()))

    def fingerprint(self) -> str:
        return hashlib.sha256("".join(part.full_fingerprint() for part in self.parts.values()).encode()).hexdigest()

    def check(self) -> None:
        for name, part in self.parts.items():
            with named(f"data set {name!r}"):
                part.check()
        streams = self.streams
        for key in self.wanted or ():
            if key not in streams:
                raise DataError(f"found no stream {key!r}, only {', '.join(streams)}{nearest(key, streams)}")

    def check_not_empty(self) -> None:
        for part in self.parts.values():
            part.check_not_empty()
        first = _Selected(self, np.concatenate(self.part_orders(1, 0)))
        EpochOrder(first, self).check()

    def close(self) -> None:
        for part in self.__dict__.get("parts", {}).values():
            part.close()

    def _wanted(self, name: str) -> dict[str, Stream] | None:
        sources = self.sources(name)
        if self.wanted is None or sources is None:
            return None if self.wanted is None else dict(self.wanted)
        return {of: replace(self.wanted[key], key=of) for key, of in sources.items() if key in self.wanted}

    def _sources(self, name: str) -> Mapping[str, str]:
        """:return: stream that is read → stream of the part"""
        sources = self.sources(name)
        if sources is None:
            return {key: key for key in self.parts[name].streams}
        return {key: of for key, of in sources.items() if self.wanted is None or key in self.wanted}

    def _every_source(self, name: str) -> Mapping[str, str]:
        sources = self.sources(name)
        return {key: key for key in self.parts[name].all_lengths} if sources is None else sources

    @cached_property
    def _starts(self) -> np.ndarray:
        return np.cumsum([0] + [part.num_seqs for part in self.parts.values()])

    def _by_part(self, indices: np.ndarray) -> list[tuple[str, int, np.ndarray]]:
        """:return: name of each part, index of its first sequence, and positions of its sequences in `indices`"""
        if len(indices) and not 0 <= indices.min() <= indices.max() < self.num_seqs:
            raise DataError(
                f"found sequence indices {indices.min()} to {indices.max()}, expected 0 to {self.num_seqs - 1}"
            )
        which = np.searchsorted(self._starts, indices, side="right") - 1
        return [(name, int(self._starts[i]), np.flatnonzero(which == i)) for i, name in enumerate(self.parts)]

    def _lengths_of(self, key: str) -> np.ndarray:
        columns = []
        for name, part in self.parts.items():
            of = self._every_source(name).get(key)
            lengths = part.all_lengths
            if of is not None and of not in lengths:
                raise _no_stream(name, of, lengths)
            columns.append(np.zeros(part.num_seqs, "int32") if of is None else lengths[of])
        return np.concatenate(columns)


class _Selected:
    """Some sequences of a data set, for `EpochOrder`."""

    def __init__(self, dataset: Dataset, indices: np.ndarray) -> None:
        self._dataset, self._indices = dataset, indices

    @property
    def num_seqs(self) -> int:
        return len(self._indices)

    @property
    def order_lengths(self) -> np.ndarray:
        return self._dataset.order_lengths[self._indices]

    @property
    def ordering_lengths(self) -> np.ndarray:
        return self._dataset.ordering_lengths[self._indices]

    def tags(self, indices: Sequence[int]) -> list[str]:
        return self._dataset.tags(self._indices[indices])


def _no_frames(stream: Stream) -> np.ndarray:
    shape: tuple[Any, ...] = stream.feature_shape
    return np.zeros((0, *shape) if stream.has_time_axis else shape, stream.dtype)


def _no_stream(name: str, key: str, streams: Mapping[str, object]) -> DataError:
    return DataError(f"{name!r} has no stream {key!r}, only {', '.join(streams)}{nearest(key, streams)}")
