"""`ReturnnDataset`: a data set of any of RETURNN's classes, read by RETURNN's own package in a process of its own."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, NoReturn

import numpy as np

from boulder.data.dataset import Dataset, dataset_class
from boulder.data.of_returnn.data_process import DataProcess
from boulder.data.of_returnn.returnn_classes import RETURNN_CLASSES, check_installed
from boulder.data.order.order_options import OrderOptions
from boulder.data.read_sequence import ReadSequence
from boulder.data.streams import Stream
from boulder.errors import DataError, nearest
from boulder.schedule.functions import FunctionByValue

_MODULE = "boulder.returnn.data_process"  # a program, never imported here
_AT_ONCE = 16  # sequences in an answer, at most


@dataset_class("ReturnnDataset")
@dataclass(kw_only=True, eq=False)
class ReturnnDataset(Dataset):
    """
    Descriptions of RETURNN's classes that have no reader here, or are called `returnn:CLASS`, become this one. The options of
    the class decide the order of its sequences; those of the order do not apply here.

    :param dataset: RETURNN's description; its "class" is a name or a class. Tuples, sets and other keys than texts are
        written as in `boulder.data.python_values`
    :param config: options of the config that the class may read, written likewise
    :param folder: where relative paths start from; None: the current directory
    """

    dataset: Mapping[str, Any]
    config: Mapping[str, Any] | None = None
    folder: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.dataset, Mapping) or "class" not in self.dataset:
            raise DataError(f"dataset: found {self.dataset!r:.60}, expected a dict with a 'class'")
        found = self.dataset["class"]
        if not isinstance(found, FunctionByValue) and found not in RETURNN_CLASSES:
            raise DataError(f"RETURNN has no data set class {found!r:.60}{nearest(str(found), RETURNN_CLASSES)}")
        for option in fields(OrderOptions):
            if getattr(self, option.name) != option.default:
                raise DataError(f"{option.name}: expected it in 'dataset', where the class reads it")
        self._process: DataProcess | None = None

    @classmethod
    def further_files(cls, options: Mapping[str, Any]) -> list[str]:
        """Those that its options name as texts."""
        return list(_files(options["dataset"], options.get("folder") or ""))

    @property
    def name(self) -> str:
        """The name of the class."""
        found = self.dataset["class"]
        return found.name if isinstance(found, FunctionByValue) else str(found)

    @property
    def streamed(self) -> bool:
        return True

    def sequences(self, epoch: int, seed: int, default: str, start: int = 0) -> Iterator[ReadSequence]:
        """Of all sequences before `start`, the process reads and drops the data: what follows may depend on them."""
        process, keys, number = self._opened, list(self.streams), 0
        process.ask("begin", epoch)
        while number < start:
            skipped = process.ask("skip", epoch, number, min(_AT_ONCE, start - number))
            if not skipped:
                return
            number += skipped
        while found := process.ask("read", epoch, number, _AT_ONCE, keys):
            for tag, arrays, lengths in found:
                data = {key: self._checked(tag, key, arrays[key]) for key in keys}
                unknown = {key: len(array) if array.ndim else 1 for key, array in data.items() if key not in lengths}
                yield ReadSequence(tag, data, lengths | unknown)
            number += len(found)

    def random_seed(self, epoch: int, epochs: int = 1) -> int:
        return int(self._opened.ask("seed", epoch))

    @cached_property
    def streams(self) -> dict[str, Stream]:
        if self.wanted is not None and all(s.dim is not None or not s.has_feature_axis for s in self.wanted.values()):
            return dict(self.wanted)
        found = {key: Stream(key, **kind) for key, kind in self._opened.ask("streams").items()}
        if self.wanted is None:
            return found
        for key in self.wanted:
            if key not in found:
                raise DataError(f"{self.name}: found no stream {key!r} among {', '.join(found)}{nearest(key, found)}")
        return {key: replace(s, dim=s.dim if s.dim is not None else found[key].dim) for key, s in self.wanted.items()}

    def label_names(self, key: str) -> list[str] | None:
        names: list[str] | None = self._opened.ask("labels", key)
        return names

    def fingerprint(self) -> str:
        """Of the number of sequences, if the class knows it, RETURNN's version, and the sizes of the files in its options."""
        sizes = map(os.path.getsize, _files(self.dataset, self.folder or ""))
        facts = [self.name, self._opened.ask("facts"), list(sizes)]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

    def check_before_jobs(self) -> None:
        """The manager neither imports RETURNN nor opens the data."""
        check_installed(self.name)

    def check(self) -> None:
        _ = self._opened

    def check_not_empty(self) -> None:
        if self._opened.ask("facts")["num_seqs"] == 0:
            raise DataError(f"{self.name}: found no sequences")

    def close(self) -> None:
        if self._process is not None:
            self._process.close()
            self._process = None

    @property
    def _opened(self) -> DataProcess:
        if self._process is None:
            check_installed(self.name)
            self._process = DataProcess(_MODULE, self.name, self.folder)
            try:
                self._process.ask("open", pickle.dumps((dict(self.dataset), dict(self.config or {}))))
            except BaseException:
                self.close()
                raise
        return self._process

    def _checked(self, tag: str, key: str, array: np.ndarray) -> np.ndarray:
        """:raises DataError: if an array does not fit its stream"""
        stream = self.streams[key]
        shape = (len(array) if array.ndim else 0, *stream.feature_shape)
        if stream.has_time_axis and array.shape != shape:
            raise self._wrong(tag, stream, f"an array of shape {list(array.shape)}")
        if stream.sparse and array.size and stream.dim is not None:
            wrong = array[(array < 0) | (array >= stream.dim)]
            if len(wrong):
                raise self._wrong(tag, stream, f"label {wrong.flat[0]}")
        return array.astype(stream.dtype, copy=False)

    def _wrong(self, tag: str, stream: Stream, found: str) -> DataError:
        return DataError(f"{self.name}: sequence {tag!r}, {stream.key!r}: found {found}, expected {stream}")

    # No sequence is read by its index

    @property
    def num_seqs(self) -> int:
        self._by_index()

    @property
    def lengths(self) -> None:
        return None

    def read_many(self, indices: Sequence[int] | np.ndarray) -> list[dict[str, np.ndarray]]:
        self._by_index()

    def tags(self, indices: Sequence[int] | np.ndarray) -> list[str]:
        self._by_index()

    def _by_index(self) -> NoReturn:
        raise DataError(f"{self.name}: RETURNN's package reads its sequences one after another, not by their index")


def _files(value: Any, folder: str) -> Iterator[str]:
    """:return: the files that are named in a description"""
    if isinstance(value, Mapping | list):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _files(item, folder)
    elif isinstance(value, str) and len(value) < 1024 and os.path.isfile(path := os.path.join(folder, value)):
        yield path
