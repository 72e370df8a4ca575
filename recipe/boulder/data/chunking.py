"""`Chunking`: sequences cut into chunks, with the borders of RETURNN's `Dataset.iterate_seqs`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from boulder.errors import DataError

Sizes = int | Mapping[str, int]


@dataclass(frozen=True)
class Chunking:
    """
    :param size: frames per chunk, for every stream; or stream → frames
    :param step: frames between the starts of two chunks, of the same form; 0 for a stream that every chunk has as a whole
    :param min_size: a rest of at most this many frames becomes no chunk of its own; of the same form
    :param variance: for each sequence, size and step are multiplied by a random factor between 1 - variance and 1
    """

    size: Sizes
    step: Sizes
    min_size: Sizes = 0
    variance: float = 0.0

    @classmethod
    def parse(cls, chunking: object, min_chunk_size: object = 0, variance: float = 0.0) -> Chunking | None:
        """
        :param chunking: "size:step", "size", a size, or (size, step), where both may be dicts by stream
        :param min_chunk_size: a size, or a dict by stream
        :return: None if there is no chunking
        :raises DataError: for another form, or a size below 0
        """
        size, step = _size_and_step(chunking)
        if not size:
            return None
        size, step = _checked("chunking", size, lowest=1), _checked("chunking: step", step or size, lowest=0)
        min_size = _checked("min_chunk_size", min_chunk_size or 0, lowest=0)
        if _streams_of(size) != _streams_of(step):
            raise DataError(
                f"chunking: found size {size} and step {step}, expected sizes and steps of the same streams"
            )
        if isinstance(step, Mapping) and not any(step.values()):
            raise DataError(f"chunking: found step {step}, expected one above 0")
        return cls(size, step, min_size, variance)

    def of_streams(self, streams: Collection[str]) -> Steps:
        """
        :param streams: keys that the network reads
        :raises DataError: for a stream without a size
        """
        size, step, min_size = (_by_stream(name, sizes, streams) for name, sizes in self._named())
        first = "data" if "data" in streams else sorted(streams)[0]
        leading = first if step[first] else next(key for key in sorted(streams) if step[key])
        return Steps(size, step, min_size, leading)

    def other_lengths(self, streams: Collection[str]) -> dict[str, int]:
        """:return: stream that has a size, but is not read → its size, which RETURNN counts for each chunk in a batch"""
        return {key: n for key, n in self.size.items() if key not in streams} if isinstance(self.size, Mapping) else {}

    def _named(self) -> list[tuple[str, Sizes]]:
        return [("chunking", self.size), ("chunking: step", self.step), ("min_chunk_size", self.min_size)]


@dataclass(frozen=True)
class Steps:
    """
    :param size: stream → frames per chunk
    :param step: stream → frames between the starts of two chunks
    :param min_size: stream → frames that become no chunk of their own
    :param leading: stream whose length decides whether there is any chunk
    """

    size: dict[str, int]
    step: dict[str, int]
    min_size: dict[str, int]
    leading: str

    def counts(self, lengths: Mapping[str, np.ndarray]) -> np.ndarray:
        """
        :param lengths: stream → [N]
        :return: int64 [N]: number of chunks of each sequence
        """
        fewest = np.full(len(lengths[self.leading]), np.iinfo("int64").max)
        for key, step in self.step.items():
            rest = lengths[key].astype("int64") - self.min_size[key]
            steps = -(-rest // step) if step else np.where(rest <= 0, 1, np.iinfo("int64").max)
            fewest = np.minimum(fewest, np.maximum(steps, 1))
        return np.where(lengths[self.leading] > 0, fewest, 0)

    def borders(
        self, key: str, lengths: np.ndarray, number: np.ndarray, whole: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """
        :param lengths: [M], of the sequence of each chunk
        :param number: [M], number of each chunk in its sequence
        :param whole: bool [M], see `whole`
        :return: start and stop of each chunk, int64 [M]
        """
        start = np.where(whole, 0, number * self.step[key])
        return start, np.where(whole, lengths, np.minimum(start + self.size[key], lengths))

    def whole(self, key: str, lengths: Mapping[str, np.ndarray]) -> np.ndarray:
        """:return: bool [N]: whether each chunk has all of a stream, since it has at most one frame and another length or step"""
        same_step = self.step[key] == self.step[self.leading]
        return (lengths[key] <= 1) & ~(same_step & (lengths[key] == lengths[self.leading]))

    def mismatch(self, lengths: Mapping[str, np.ndarray]) -> np.ndarray:
        """:return: bool [N]: whether the streams of a sequence cannot be cut into the same number of chunks"""
        wrong = np.zeros(len(lengths[self.leading]), "bool")
        for key in self.step:
            if self.step[key] == self.step[self.leading]:
                differs = lengths[key] != lengths[self.leading]
            elif self.step[key] == 0:
                differs = np.ones(len(wrong), "bool")
            else:
                differs = self._chunks_of(key, lengths) != self._chunks_of(self.leading, lengths)
            wrong |= differs & ~self.whole(key, lengths)
        return wrong

    def _chunks_of(self, key: str, lengths: Mapping[str, np.ndarray]) -> np.ndarray:
        return (lengths[key].astype("int64") - (self.min_size[key] or 1)) // self.step[key] + 1

    def scaled(self, factor: float) -> Steps:
        """:return: with sizes and steps multiplied by a factor, rounded down; streams keep the ratio of their sizes"""
        size = {key: max(int(n * factor), 1) for key, n in self.size.items()}
        step = {key: max(int(n * factor), 1) for key, n in self.step.items()}
        smallest = min((key for key, n in self.step.items() if n), key=lambda key: (self.step[key], key))
        for key, n in self.size.items():
            if n > self.size[smallest] and n % self.size[smallest] == 0:
                ratio = n // self.size[smallest]
                size[key], step[key] = size[smallest] * ratio, step[smallest] * ratio
        return Steps(size, step, self.min_size, self.leading)


def _size_and_step(chunking: object) -> tuple:
    if isinstance(chunking, str):
        parts = chunking.split(":")
        if len(parts) > 2 or not all(part.strip().isdecimal() for part in parts):
            raise _wrong("chunking", chunking)
        chunking = tuple(map(int, parts))
    if isinstance(chunking, list | tuple):
        if not 1 <= len(chunking) <= 2:
            raise _wrong("chunking", chunking)
        return chunking[0], chunking[1] if len(chunking) == 2 else None
    return chunking, None


def _checked(name: str, sizes: Any, lowest: int) -> Sizes:
    for size in sizes.values() if isinstance(sizes, dict) else [sizes]:
        if not isinstance(size, int) or isinstance(size, bool) or size < lowest:
            raise _wrong(name, sizes)
    return sizes


def _wrong(name: str, found: object) -> DataError:
    forms = "frames, such as 50, '50:25', (50, 25) or ({'data': 50, 'classes': 10}, {'data': 25, 'classes': 5})"
    return DataError(f"{name}: found {found!r:.60}, expected {forms}")


def _streams_of(sizes: Sizes) -> set[str] | None:
    return set(sizes) if isinstance(sizes, Mapping) else None


def _by_stream(name: str, sizes: Sizes, streams: Collection[str]) -> dict[str, int]:
    if not isinstance(sizes, Mapping):
        return dict.fromkeys(streams, sizes)
    for key in streams:
        if key not in sizes:
            raise DataError(f"{name}: found sizes of {', '.join(sizes)}, expected one of each stream, as of {key!r}")
    return {key: sizes[key] for key in streams}
