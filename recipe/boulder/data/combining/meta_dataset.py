"""`MetaDataset`: streams of several data sets, joined by the tags of their sequences. Options and rules are RETURNN's."""

from __future__ import annotations

import hashlib
import warnings
from array import array
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from boulder.counted import counted
from boulder.data.combining.nested import data_first, open_nested, refuse_order_of, tags_of
from boulder.data.dataset import Dataset, dataset_class
from boulder.data.option_checks import check_file, check_flags, is_integer
from boulder.data.option_kinds import DESCRIPTIONS, PATH, WITHOUT_EFFECT
from boulder.data.padding import Padded
from boulder.data.read_sequence import ReadSequence
from boulder.data.streams import Stream
from boulder.data.tag_files import read_lengths, read_tag_lists, read_tags
from boulder.errors import DataError, named, nearest


@dataset_class("MetaDataset")
@dataclass(kw_only=True, eq=False)
class MetaDataset(Dataset):
    """
    Keeps an index per data set and sequence in memory.

    :param datasets: name → description of a data set
    :param data_map: stream → (name of a data set, its stream)
    :param seq_order_control_dataset: the data set whose options decide the sequences of an epoch, instead of those of this one
    :param seq_list_file: the tags of the sequences in each data set: a file as for `seq_list_filter_file`, a pickled dict,
        name → list, or a dict, name → file; None: the tags of `seq_order_control_dataset`, or else of the data set that has "data"
    :param seq_lens_file: a dict, tag → stream → length: these lengths decide the order and the batches
    :param skip_missing_tags: sequences that a data set lacks are left out with a warning, instead of being an error
    :param data_dims: RETURNN only compares it with the data; without effect
    """

    datasets: Mapping[str, dict] = field(metadata=DESCRIPTIONS)
    data_map: Mapping[str, Sequence[str]]
    seq_order_control_dataset: str | None = None
    seq_list_file: str | Mapping[str, str] | None = field(default=None, metadata=PATH)
    seq_lens_file: str | None = field(default=None, metadata=PATH)
    skip_missing_tags: bool = False
    data_dims: Mapping | None = field(default=None, metadata=WITHOUT_EFFECT)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_file("seq_lens_file", self.seq_lens_file)
        if not isinstance(self.data_map, Mapping) or not self.data_map:
            raise DataError(f"data_map: found {self.data_map!r:.60}, expected a dict, stream → (data set, its stream)")
        for key, entry in self.data_map.items():
            if not (
                isinstance(entry, list | tuple) and len(entry) == 2 and all(isinstance(name, str) for name in entry)
            ):
                raise DataError(f"data_map[{key!r}]: found {entry!r:.60}, expected (data set, its stream)")
            self._check_name(f"data_map[{key!r}]", entry[0])
        control = self.seq_order_control_dataset
        if control is None and "data" not in self.data_map:
            raise DataError(
                f"data_map: found {', '.join(self.data_map)}, expected 'data', or a seq_order_control_dataset"
            )
        if control is not None:
            self._check_name("seq_order_control_dataset", control)
            refuse_order_of(self, self.datasets[control], f"{control!r}, the seq_order_control_dataset")
        check_flags(self, ["skip_missing_tags"])
        if isinstance(self.seq_list_file, Mapping):
            for name in self._names:
                if name not in self.seq_list_file:
                    raise DataError(
                        f"seq_list_file: found {', '.join(self.seq_list_file)}, expected a file for {name!r}, too"
                    )

    @property
    def order_control(self) -> Dataset:
        control = self.seq_order_control_dataset
        return self if control is None else self._parts[control].order_control

    @property
    def order_selects(self) -> bool:
        """The order decides which random numbers a sequence has; `random_seed_offset` reaches the data sets."""
        control = self.seq_order_control_dataset
        of_control = control is not None and self.random_seed_offset > 0 and self._parts[control].order_selects
        return super().order_selects or of_control or self.streamed

    @property
    def reads_in_threads(self) -> bool:
        return all(part.reads_in_threads for part in self._parts.values())

    @property
    def streams(self) -> dict[str, Stream]:
        wanted = self.data_map if self.wanted is None else self.wanted
        keys = data_first(wanted)
        return {key: replace(self._part(key).streams[self.data_map[key][1]], key=key) for key in keys}

    @property
    def stream_names(self) -> Collection[str]:
        return self.data_map

    @property
    def num_seqs(self) -> int:
        return len(self._rows[self._first])

    @cached_property
    def lengths(self) -> Mapping[str, np.ndarray]:
        return {key: self._lengths_of(key) for key in self.streams}

    @cached_property
    def all_lengths(self) -> Mapping[str, np.ndarray]:
        """As in RETURNN, those of `seq_lens_file` if there is one."""
        if self.seq_lens_file is not None:
            return self._lengths_in_file
        return {key: self._lengths_of(key) for key in data_first(self.data_map)}

    @property
    def ordering_lengths(self) -> np.ndarray:
        """[N]: lengths of "data" in `seq_lens_file`, or in the data set whose tags are used"""
        if self.seq_lens_file is not None:
            return self._of_data(self._lengths_in_file, self.seq_lens_file)
        lengths = self._parts[self._first].all_lengths
        return self._of_data(lengths, self._first)[self._rows[self._first]]

    def read_many(self, indices: Sequence[int] | np.ndarray) -> list[dict[str, np.ndarray]]:
        indices = np.asarray(indices, "int64")
        used = {self.data_map[key][0] for key in self.streams}
        parts = {name: self._parts[name].read_many(self._rows[name][indices]) for name in sorted(used)}
        sources = {key: self.data_map[key] for key in self.streams}
        return [{key: parts[name][i][of] for key, (name, of) in sources.items()} for i in range(len(indices))]

    def read_padded(self, indices: Sequence[int] | np.ndarray) -> dict[str, Padded]:
        indices = np.asarray(indices, "int64")
        used = {self.data_map[key][0] for key in self.streams}
        parts = {name: self._parts[name].read_padded(self._rows[name][indices]) for name in sorted(used)}
        return {key: parts[name][of] for key in self.streams for name, of in [self.data_map[key]]}

    @property
    def streamed(self) -> bool:
        return any(self._parts[name].streamed for name in self._names)

    def in_order(self, order: np.ndarray, epoch: int, seed: int, start: int = 0) -> Iterator[ReadSequence]:
        parts = [self._parts[name].in_order(self._rows[name][order], epoch, seed, start) for name in self._names]
        for index, *found in zip(order[start:], *parts, strict=True):
            by_name = dict(zip(self._names, found, strict=True))
            data = {key: by_name[name].data[of] for key in self.streams for name, of in [self.data_map[key]]}
            if self.seq_lens_file is not None:
                lengths = {key: int(column[index]) for key, column in self._lengths_in_file.items()}
            else:
                lengths = {key: by_name[name].lengths[of] for key, (name, of) in self.data_map.items()}
            yield ReadSequence(self.tag(index), data, lengths)

    def tags(self, indices: Sequence[int] | np.ndarray) -> list[str]:
        rows = self._rows[self._first][np.asarray(indices, "int64")]
        return self._parts[self._first].tags(rows)

    def file_of(self, tag: str, key: str) -> str | None:
        name, of = self.data_map[key]
        every = self.tags(range(self.num_seqs))
        if tag not in every:
            return None
        part = self._parts[name]
        return part.file_of(part.tag(int(self._rows[name][every.index(tag)])), of)

    def epoch_order(self, epoch: int, seed: int, default: str) -> np.ndarray:
        if self.seq_order_control_dataset is None:
            return super().epoch_order(epoch, seed, default)
        rows, of_control = self._rows[self.seq_order_control_dataset], self._parts[self.seq_order_control_dataset]
        number = np.full(of_control.num_seqs, -1)
        number[rows] = np.arange(len(rows))
        order = number[of_control.epoch_order(epoch, seed, "default")]
        if not (order >= 0).any():
            raise DataError(f"epoch {epoch}: skip_missing_tags leaves no sequence, expected at least one")
        return order[order >= 0]

    def order_key(self, epoch: int) -> tuple:
        control = self.seq_order_control_dataset
        return super().order_key(epoch) if control is None else self._parts[control].order_key(epoch)

    def fingerprint(self) -> str:
        digest = hashlib.sha256()
        for name, part in self._parts.items():
            digest.update(part.full_fingerprint().encode())
            digest.update(self._rows[name].tobytes())
        if self.seq_lens_file is not None:  # its lengths decide the batches
            digest.update(Path(self.seq_lens_file).read_bytes())
        return digest.hexdigest()

    def label_names(self, key: str) -> list[str] | None:
        name, of = self.data_map.get(key, (None, key))
        return None if name is None else self._parts[name].label_names(of)

    def check(self) -> None:
        for name, part in self._parts.items():
            with named(f"data set {name!r}"):
                part.check()
        for key, (name, of) in self.data_map.items():
            streams = self._parts[name].all_lengths
            if of not in streams:
                known = ", ".join(streams)
                raise DataError(f"data_map[{key!r}]: {name!r} has no stream {of!r}, only {known}{nearest(of, streams)}")
        _ = self.num_seqs

    def check_not_empty(self) -> None:
        super().check_not_empty()
        if self.seq_order_control_dataset is not None:
            self._parts[self.seq_order_control_dataset].check_not_empty()

    def close(self) -> None:
        for part in self.__dict__.get("_parts", {}).values():
            part.close()

    @property
    def _names(self) -> list[str]:
        """The data sets that are used."""
        return sorted({entry[0] for entry in self.data_map.values()})

    @property
    def _first(self) -> str:
        """The data set whose tags name the sequences."""
        return self.seq_order_control_dataset or self.data_map["data"][0]

    @cached_property
    def _parts(self) -> dict[str, Dataset]:
        wanted = self.data_map if self.wanted is None else self.wanted
        for key in wanted:
            if key not in self.data_map:
                known = ", ".join(self.data_map)
                raise DataError(f"data_map: found no stream {key!r}, only {known}{nearest(key, self.data_map)}")
        parts = {}
        for name in self._names:
            keys = [key for key in wanted if self.data_map[key][0] == name]
            streams = {
                of: replace(self.wanted[key], key=of) for key in keys if self.wanted for of in [self.data_map[key][1]]
            }
            parts[name] = open_nested(self.datasets[name], self, streams if self.wanted is not None else None)
        return parts

    def _part(self, key: str) -> Dataset:
        return self._parts[self.data_map[key][0]]

    def _lengths_of(self, key: str) -> np.ndarray:
        name, of = self.data_map[key]
        return self._parts[name].all_lengths[of][self._rows[name]]

    @cached_property
    def _lengths_in_file(self) -> dict[str, np.ndarray]:
        by_tag = read_lengths(str(self.seq_lens_file))
        columns: dict[str, np.ndarray] = {}
        for i, tag in enumerate(tags_of(self)):
            lengths = by_tag.get(tag)
            if not isinstance(lengths, Mapping) or (i and lengths.keys() != columns.keys()):
                expected = f"lengths of {', '.join(columns)}" if i else "lengths by stream"
                raise DataError(
                    f"{self.seq_lens_file}: found {lengths!r:.60} for the sequence {tag!r}, expected {expected}"
                )
            if not i:
                columns = {key: np.zeros(self.num_seqs, "int32") for key in lengths}
            for key, length in lengths.items():
                if not is_integer(length, 0, (1 << 31) - 1):
                    raise DataError(
                        f"{self.seq_lens_file}: {key!r} of the sequence {tag!r}: found {length!r:.60}, expected a number of frames"
                    )
                columns[key][i] = length
        return columns

    def _of_data(self, lengths: Mapping[str, np.ndarray], where: str) -> np.ndarray:
        if "data" not in lengths:
            raise DataError(
                f"{where}: found the streams {', '.join(lengths)}, expected 'data', whose lengths decide the order"
            )
        return lengths["data"]

    @cached_property
    def _seq_lists(self) -> dict[str, list[str]] | None:
        """name → the tags in that data set; None: the tags are those of `_first`"""
        if self.seq_list_file is None:
            return None
        if isinstance(self.seq_list_file, Mapping):
            lists = {name: read_tags(self.seq_list_file[name]) for name in self._names}
        else:
            found = read_tag_lists(self.seq_list_file)
            lists = found if isinstance(found, dict) else dict.fromkeys(self._names, found)
        for name in self._names:
            if name not in lists:
                raise DataError(
                    f"{self.seq_list_file}: found lists for {', '.join(lists)}, expected one for {name!r}, too"
                )
        sizes = {name: len(lists[name]) for name in self._names}
        if len(set(sizes.values())) > 1:
            raise DataError(f"seq_list_file: found lists of different length, {sizes}")
        if not all(sizes.values()):
            raise DataError(f"{self.seq_list_file}: found no sequence tags, expected one per line")
        return lists

    @cached_property
    def _rows(self) -> dict[str, np.ndarray]:
        """name → int64 [N]: the index in that data set of each sequence"""
        rows = {}
        for name, part in self._parts.items():
            if self._seq_lists is None and name == self._first:
                rows[name] = np.arange(part.num_seqs)
            else:
                rows[name] = self._found_rows(name, part)
        control = self.seq_order_control_dataset
        if control is not None and not np.array_equal(rows[control], np.arange(self._parts[control].num_seqs)):
            raise DataError(
                f"seq_list_file: found other sequences than in {control!r}, expected those, in the same order"
            )
        in_all = np.logical_and.reduce([found >= 0 for found in rows.values()])
        return {name: found[in_all] for name, found in rows.items()}

    def _found_rows(self, name: str, part: Dataset) -> np.ndarray:
        """
        :return: int64 [number of tags]: index in the data set; -1 for a sequence that it lacks, if these are skipped
        :raises DataError: if it lacks sequences, or has several with the same tag
        """
        index: dict[str, int] = {}
        for i, tag in enumerate(tags_of(part)):
            if index.setdefault(tag, i) != i:
                raise DataError(
                    f"data set {name!r}: found the sequence {tag!r} twice, expected it once to join it by its tag"
                )
        tags = self._seq_lists[name] if self._seq_lists is not None else tags_of(self._parts[self._first])
        found, missing = array("q"), []
        for tag in tags:
            found.append(index.get(tag, -1))
            if found[-1] < 0:
                missing.append(tag)
        if missing:
            where = f"{self._first!r}" if self._seq_lists is None else "seq_list_file"
            named = ", ".join(map(repr, missing[:3])) + (", …" if len(missing) > 3 else "")
            lacks = f"data set {name!r}: found no {named}; {counted(len(missing), 'sequence')} of {where} {'is' if len(missing) == 1 else 'are'} missing"
            if not self.skip_missing_tags or len(missing) == len(found):
                raise DataError(f"{lacks}; 'skip_missing_tags': True leaves sequences out that a data set lacks")
            warnings.warn(f"{lacks} and left out", stacklevel=2)
        return np.frombuffer(found, "int64")

    def _check_name(self, where: str, name: object) -> None:
        if not isinstance(name, str) or name not in self.datasets:
            raise DataError(
                f"{where}: found no data set {name!r}, expected one of {', '.join(self.datasets)}"
                + nearest(str(name), self.datasets)
            )
