"""What a data set holds: its streams, the tags of its first sequences, and their lengths."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from boulder.data import Dataset
from boulder.data.text.text_lines import TextLines

_BINS, _FIRST, _READ = 10, 3, 1000


@dataclass(frozen=True)
class StreamContents:
    """
    :param told: shape and type
    :param lengths: int [N], of each sequence; None without a time axis
    :param unit: what is counted
    :param facts: further fields for JSON
    """

    told: str
    lengths: np.ndarray | None
    unit: str
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Contents:
    """
    :param count: number of sequences; None: at least as many as were looked at
    :param unit: "sequence", or "line" of a text
    :param first: tags of the first sequences, or the first lines
    """

    count: int | None
    unit: str
    first: list[str]
    streams: Mapping[str, StreamContents]

    def lines(self, width: int) -> Iterator[str]:
        """:return: text that is not wider, but for long tags"""
        number = f"at least {_READ}" if self.count is None else f"{self.count}"
        yield f"{number} {self.unit}{'' if self.count == 1 else 's'}"
        for text in self.first:
            yield f"  {text}"
        for key, stream in self.streams.items():
            lengths = stream.lengths
            yield ""
            yield f"{key}: {stream.told}"
            if lengths is not None and len(lengths):
                found = f"{int(lengths.min())} to {int(lengths.max())}, on average {lengths.mean():.1f}"
                yield f"  {int(lengths.sum(dtype='int64'))} {stream.unit}, {found}"
                yield from _bars(lengths, width)

    def to_json(self) -> dict[str, Any]:
        return {
            f"num_{self.unit}s": self.count,
            "first": self.first,
            "streams": {key: dict(stream.facts) | _lengths_json(stream) for key, stream in self.streams.items()},
        }


def contents_of(dataset: Dataset) -> Contents:
    """Of a data set that is read one sequence after another, the first ones are looked at."""
    count: int | None
    lengths: Mapping[str, np.ndarray]
    if dataset.streamed:
        read = list(itertools.islice(dataset.sequences(1, 0, "default"), _READ))
        lengths = {key: np.array([len(sequence.data[key]) for sequence in read], int) for key in dataset.streams}
        count, tags = len(read) if len(read) < _READ else None, [sequence.tag for sequence in read[:_FIRST]]
    else:
        count, lengths = dataset.num_seqs, dataset.measured_lengths
        tags = dataset.tags(range(min(_FIRST, dataset.num_seqs)))
    streams = {
        key: StreamContents(
            f"{stream}, {stream.dtype}",
            lengths[key] if stream.has_time_axis else None,
            "frames",
            {"dim": stream.dim, "sparse": stream.sparse, "dtype": stream.dtype, "shape": list(stream.shape)},
        )
        for key, stream in dataset.streams.items()
    }
    return Contents(count, "sequence", tags, streams)


def contents_of_text(path: Path) -> Contents:
    """
    :param path: a text in UTF-8, perhaps gzipped, or a corpus in Bliss XML
    :raises DataError: if it is none
    """
    lines = TextLines(path, bliss=".xml" in path.suffixes)
    texts = [lines[number] for number in range(len(lines))]
    streams = {}
    for key, parts in (("words", [text.split() for text in texts]), ("characters", texts)):
        different = len({part for of_line in parts for part in of_line})
        lengths = np.array([len(of_line) for of_line in parts], int)
        streams[key] = StreamContents(f"{different} different", lengths, key, {"different": different})
    return Contents(len(texts), "line", texts[:_FIRST], streams)


def _bars(lengths: np.ndarray, width: int) -> Iterator[str]:
    """:return: a line for each range of lengths"""
    ranges = list(_histogram(lengths))
    names = [f"{first}–{last}" if last > first else f"{first}" for first, last, _ in ranges]
    most = max(count for *_, count in ranges)
    left, right = max(map(len, names)), len(str(most))
    space = max(1, min(width, 100) - left - right - 6)
    for name, (*_, count) in zip(names, ranges, strict=True):
        yield f"  {name:>{left}}  {count:>{right}}  {'#' * round(space * count / most)}".rstrip()


def _histogram(lengths: np.ndarray) -> Iterator[tuple[int, int, int]]:
    """:return: for each range: its first and last length, and the number of sequences"""
    low, high = int(lengths.min()), int(lengths.max())
    edges = np.unique(np.linspace(low, high + 1, min(_BINS, high + 1 - low) + 1).astype("int64"))
    counts, _ = np.histogram(lengths, edges)
    for (first, following), count in zip(itertools.pairwise(edges), counts, strict=True):
        yield int(first), int(following) - 1, int(count)


def _lengths_json(stream: StreamContents) -> dict[str, Any]:
    lengths = stream.lengths
    if lengths is None or not len(lengths):
        return {"lengths": None}
    ranges = [{"from": first, "to": last, "count": count} for first, last, count in _histogram(lengths)]
    found = {"sum": int(lengths.sum(dtype="int64")), "min": int(lengths.min()), "max": int(lengths.max())}
    return {"lengths": found | {"mean": float(lengths.mean()), "histogram": ranges}}
