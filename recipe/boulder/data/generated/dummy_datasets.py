"""`DummyDataset` and others: numbers that count up, without any meaning, as RETURNN's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from boulder.data.dataset import dataset_class
from boulder.data.generated.generated_dataset import GeneratedDataset
from boulder.data.option_checks import is_integer
from boulder.data.streams import Stream, output_dims, read_extern_data
from boulder.errors import DataError


@dataclass(kw_only=True, eq=False)
class _CountingDataset(GeneratedDataset):
    """
    :param output_dim: number of "classes"; or stream → (dimension, number of axes), or only the dimension
    :param seq_len: frames of each sequence, for every stream or stream → frames
    :param input_max_value: where the numbers of features begin again
    :param input_shift: added to them; None: minus half of `input_max_value`
    :param input_scale: their factor; None: 1 / `input_max_value`
    """

    output_dim: int | Mapping[str, Any]
    seq_len: int | Mapping[str, int] | None = None
    input_max_value: float = 10.0
    input_shift: float | None = None
    input_scale: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._streams = read_extern_data(output_dims(self.output_dim) | self._input())
        self._lengths = self._read_lengths()

    def _input(self) -> dict[str, tuple[int, int]]:
        return {}

    def _default_length(self, key: str) -> int:
        return 20

    def _read_lengths(self) -> dict[str, int]:
        given = self.seq_len
        lengths = dict(given) if isinstance(given, Mapping) else {}
        if not isinstance(given, Mapping):
            lengths = {key: self._default_length(key) if given is None else given for key in self._streams}
        if lengths.keys() != self._streams.keys():
            raise DataError(
                f"seq_len: found {', '.join(lengths)}, expected a length for each of {', '.join(self._streams)}"
            )
        for key, length in lengths.items():
            if not is_integer(length, 0):
                raise DataError(f"seq_len: found {length!r:.60} for {key!r}, expected a number of frames")
        return lengths

    @property
    def found_streams(self) -> Mapping[str, Stream]:
        return self._streams

    @property
    def _counted(self) -> Sequence[str]:
        """The streams, in the order in which the numbers count up."""
        return list(self._streams)

    def generate(self, numbers: np.random.RandomState, index: int, epoch: int) -> dict[str, np.ndarray]:
        shift = -self.input_max_value / 2 if self.input_shift is None else self.input_shift
        scale = 1 / self.input_max_value if self.input_scale is None else self.input_scale
        result: dict[str, np.ndarray] = {}
        first = index
        for key in self._counted:
            stream, length = self._streams[key], self._lengths[key]
            count = length * (1 if stream.sparse else stream.dim or 1)
            values = np.arange(first, first + count)
            first += count
            if stream.sparse:
                result[key] = values % (stream.dim or 1)
            else:
                result[key] = ((values % self.input_max_value + shift) * scale).reshape(length, -1)
        return result


@dataset_class("DummyDataset")
@dataclass(kw_only=True, eq=False)
class DummyDataset(_CountingDataset):
    """
    Numbers that count up, without any meaning: "data" are features, "classes" labels.

    :param input_dim: dimension of "data"
    """

    input_dim: int

    def _input(self) -> dict[str, tuple[int, int]]:
        return {"data": (self.input_dim, 2)}

    def _default_length(self, key: str) -> int:
        return 2


@dataset_class("DummyDatasetMultipleSequenceLength")
@dataclass(kw_only=True, eq=False)
class DummyDatasetMultipleSequenceLength(DummyDataset):
    """As `DummyDataset`, with other default lengths."""

    def _default_length(self, key: str) -> int:
        return {"data": 10, "classes": 20}[key]


@dataset_class("DummyDatasetMultipleDataKeys")
@dataclass(kw_only=True, eq=False)
class DummyDatasetMultipleDataKeys(_CountingDataset):
    """
    Numbers that count up, in streams of any names, features or labels.

    :param data_keys: names of the streams, in the order in which the numbers count up; None: "data" and "classes"
    """

    data_keys: Sequence[str] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if sorted(self._counted) != sorted(self._streams):
            raise DataError(
                f"data_keys: found {', '.join(self._counted)}, expected those of output_dim: {', '.join(self._streams)}"
            )

    @property
    def _counted(self) -> Sequence[str]:
        return ["data", "classes"] if self.data_keys is None else self.data_keys
