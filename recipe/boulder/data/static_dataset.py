"""`StaticDataset`: a few sequences that the description itself holds."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from boulder.data.combining.nested import data_first
from boulder.data.dataset import Dataset, dataset_class
from boulder.data.matching import check_labels, matched_streams
from boulder.data.option_kinds import WITHOUT_EFFECT
from boulder.data.python_values import from_json
from boulder.data.streams import Stream, output_dims, read_extern_data
from boulder.errors import DataError


@dataset_class("StaticDataset")
@dataclass(kw_only=True, eq=False)
class StaticDataset(Dataset):
    """
    The sequences are named seq-0, seq-1, ….

    :param data: a dict for each sequence: stream → array, [T, D] or [T]
    :param output_dim: stream → (dimension, number of axes), or only the dimension; a number is that of "classes"
    :param input_dim: dimension of "data"
    :param target_list: the streams that are targets; without effect
    """

    data: Sequence[Mapping[str, Any]]
    output_dim: int | Mapping[str, Any] | None = None
    input_dim: int | None = None
    target_list: Sequence[str] | None = field(default=None, metadata=WITHOUT_EFFECT)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.data, list | tuple) or not self.data:
            raise DataError(f"data: found {self.data!r:.60}, expected a list of sequences, each a dict: stream → array")
        for i, sequence in enumerate(self.data):
            if not isinstance(sequence, Mapping) or sequence.keys() != self.data[0].keys() or not sequence:
                expected = f"a dict with {', '.join(self.data[0])}" if i else "a dict: stream → array"
                raise DataError(f"data[{i}]: found {sequence!r:.60}, expected {expected}")

    @cached_property
    def streams(self) -> dict[str, Stream]:
        return self._found if self.wanted is None else matched_streams("data", self._found, self.wanted)

    @property
    def stream_names(self) -> Collection[str]:
        return self.data[0].keys()

    @property
    def num_seqs(self) -> int:
        return len(self.data)

    @property
    def lengths(self) -> Mapping[str, np.ndarray]:
        return {key: self.all_lengths[key] for key in self.streams}

    @cached_property
    def all_lengths(self) -> Mapping[str, np.ndarray]:
        return {key: np.array([len(sequence[key]) for sequence in self._arrays], "int32") for key in self._found}

    def read_many(self, indices: Sequence[int] | np.ndarray) -> list[dict[str, np.ndarray]]:
        result = []
        for i, tag in zip(indices, self.tags(indices), strict=True):
            result.append({key: self._arrays[i][key].astype(stream.dtype) for key, stream in self.streams.items()})
            for key, stream in self.streams.items():
                if stream.sparse:
                    check_labels(f"data: sequence {tag!r}", stream, self._arrays[i][key])
        return result

    def tags(self, indices: Sequence[int] | np.ndarray) -> list[str]:
        for i in indices:
            if not 0 <= i < len(self.data):
                raise DataError(f"data: found sequence index {i}, expected 0 to {len(self.data) - 1}")
        return [f"seq-{i}" for i in indices]

    def fingerprint(self) -> str:
        digest = hashlib.sha256(repr(list(self._found.values())).encode())
        for sequence in self._arrays:
            for key in self._found:
                digest.update(repr(sequence[key].shape).encode() + sequence[key].tobytes())
        return digest.hexdigest()

    def check(self) -> None:
        for i, sequence in enumerate(self._arrays):
            for key, stream in self._found.items():
                if sequence[key].shape[1:] != stream.feature_shape:
                    raise DataError(f"data[{i}]: {key!r} has shape {list(sequence[key].shape)}, expected {stream}")
        _ = self.streams

    def close(self) -> None:
        """Nothing is open."""

    @cached_property
    def _found(self) -> dict[str, Stream]:
        """The streams of the data, in RETURNN's order."""
        dims = {} if self.output_dim is None else output_dims(self.output_dim)
        if self.input_dim is not None:
            dims.setdefault("data", (self.input_dim, 2))
        declared = read_extern_data(dims)
        return {key: declared.get(key) or self._stream(key) for key in data_first(self.data[0])}

    def _stream(self, key: str) -> Stream:
        first = next((found for s in self.data if (found := _as_array(key, s[key])).size), np.zeros(0, "int32"))
        if first.ndim > 1:
            return Stream(key, first.shape[-1], sparse=False, inner=first.shape[1:-1])
        if first.ndim != 1:
            raise DataError(f"data: {key!r} has {first.ndim} axes, expected [T], [T, D] or [T, …, D]")
        sparse = first.dtype.kind in "iub"
        return Stream(key, None, sparse=sparse, has_feature_axis=False)

    @cached_property
    def _arrays(self) -> list[dict[str, np.ndarray]]:
        """[T, D] or [T] by stream; an empty sequence has the dimensions of its stream"""
        return [{key: self._array(key, sequence[key]) for key in self._found} for sequence in self.data]

    def _array(self, key: str, value: Any) -> np.ndarray:
        stream, array = self._found[key], _as_array(key, value)
        if not array.size:
            shape: tuple[Any, ...] = stream.feature_shape
            return np.zeros((0, *shape), stream.dtype)
        if stream.sparse and array.dtype.kind not in "iub":
            raise DataError(f"data: {key!r} has values of type {array.dtype}, expected integers, {stream}")
        return array


def _as_array(key: str, value: Any) -> np.ndarray:
    """:raises DataError: if it is no array of numbers"""
    try:
        array = np.asarray(from_json(value))
    except ValueError:
        raise DataError(
            f"data: {key!r}: found rows of different size in {value!r:.60}, expected [T, D] or [T]"
        ) from None
    if array.dtype.kind not in "iubf":
        raise DataError(f"data: {key!r}: found {value!r:.60}, expected an array of numbers")
    return array
