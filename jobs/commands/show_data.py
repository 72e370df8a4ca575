"""`boulder data`: what a data set holds, and what it lacks for a RETURNN config."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.markup import escape

from boulder.data import Dataset, open_dataset
from boulder.data.streams import Stream, read_extern_data
from boulder.errors import BoulderError, ConfigError, DataError, nearest
from boulder.network import NetworkSpec, describe, uses_streams
from boulder.returnn import ReturnnConfig, load_config
from boulder.returnn.tasks import data_of_task
from boulder.returnn.training import planned
from boulder.training.data_checks import check_lengths

_BINS, _TAGS, _READ = 10, 3, 1000
_HDF = b"\x89HDF\r\n\x1a\n"
_EXPECTED = "an HDF file, a zip file of recordings or a RETURNN config"
_NO_CONFIGS = (".hdf", ".hdf5", ".h5", ".zip")


@dataclass(frozen=True)
class Contents:
    """
    :param tags: of the first sequences
    :param lengths: stream → int [N]
    :param count: number of sequences; None: at least as many as `lengths` has
    """

    streams: Mapping[str, Stream]
    tags: list[str]
    lengths: Mapping[str, np.ndarray]
    count: int | None


def show_data(file: str, console: Console, data: str | None = None, config: str | None = None) -> int:
    """
    :param file: HDF file, zip file of recordings, or RETURNN config
    :param data: name of a data set of the config; None: `train`
    :param config: RETURNN config that the data set is compared with; None: the config, if `file` is one
    :return: exit code: 1 if the data set lacks something that the config needs
    :raises BoulderError: if the data set cannot be read
    """
    described, of_file = _described(file, data)
    with open_dataset(described) as dataset:
        dataset.check()
        contents = _contents(dataset)
        for line in [*_lines(contents, console.width), ""]:
            console.print(escape(line), soft_wrap=True, highlight=False)
        compared = load_config(config) if config else of_file
        if compared is None:
            return 0
        lacks = list(_lacks(described, contents, compared))
    name = config or file
    for line in lacks or [f"has all that {name} reads"]:
        console.print(escape(line), soft_wrap=True, highlight=False)
    return 1 if lacks else 0


def _described(file: str, data: str | None) -> tuple[Any, ReturnnConfig | None]:
    """:return: description of the data set, and the config if the file is one"""
    path = Path(file)
    if not path.is_file():
        found = "is a folder" if path.is_dir() else "there is no such file"
        there = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() and not path.exists() else []
        raise ConfigError(f"data {file!r}: {found}, expected {_EXPECTED}{nearest(path.name, there)}")
    with path.open("rb") as opened:
        begin = opened.read(len(_HDF))
    kind = "an HDF file" if begin == _HDF else "a zip file" if begin[:4] == b"PK\3\4" else None
    if kind is None and path.suffix in _NO_CONFIGS:
        raise ConfigError(f"data {file!r}: the file is not what its name says, or is damaged; expected {_EXPECTED}")
    if kind is None:
        config = load_config(path)
        return data_of_task(config, "", ("train",), data or "train")[1], config
    if data is not None:
        raise ConfigError(f"--data {data}: names a data set of a RETURNN config, but {file} is {kind}")
    if kind == "an HDF file":
        return {"class": "HDFDataset", "files": [file]}, None
    return {"class": "OggZipDataset", "path": [file], "audio": {"features": "raw"}}, None


def _contents(dataset: Dataset) -> Contents:
    if not dataset.streamed:
        lengths = dataset.measured_lengths
        return Contents(dataset.streams, dataset.tags(range(min(_TAGS, dataset.num_seqs))), lengths, dataset.num_seqs)
    read = list(itertools.islice(dataset.sequences(1, 0, "default"), _READ))
    lengths = {key: np.array([len(sequence.data[key]) for sequence in read]) for key in dataset.streams}
    count = len(read) if len(read) < _READ else None
    return Contents(dataset.streams, [sequence.tag for sequence in read[:_TAGS]], lengths, count)


def _lines(contents: Contents, width: int) -> Iterator[str]:
    number = f"at least {_READ}" if contents.count is None else f"{contents.count}"
    yield f"{number} sequence{'' if contents.count == 1 else 's'}"
    for tag in contents.tags:
        yield f"  {tag}"
    for key, stream in contents.streams.items():
        lengths = contents.lengths[key]
        yield ""
        yield f"{key}: {stream}, {stream.dtype}"
        if not stream.has_time_axis or not len(lengths):
            continue
        yield f"  {int(lengths.sum())} frames, {int(lengths.min())} to {int(lengths.max())}, on average {lengths.mean():.1f}"
        yield from _histogram(lengths, width)


def _histogram(lengths: np.ndarray, width: int) -> Iterator[str]:
    """:return: a line for each range of lengths"""
    low, high = int(lengths.min()), int(lengths.max())
    edges = np.unique(np.linspace(low, high + 1, min(_BINS, high + 1 - low) + 1).astype("int64"))
    counts, _ = np.histogram(lengths, edges)
    names = [f"{first}–{last - 1}" if last - first > 1 else f"{first}" for first, last in itertools.pairwise(edges)]
    left, right = max(map(len, names)), len(str(counts.max()))
    space = max(1, min(width, 100) - left - right - 6)
    for name, count in zip(names, counts, strict=True):
        yield f"  {name:>{left}}  {count:>{right}}  {'#' * round(space * count / counts.max())}".rstrip()


def _lacks(described: Any, contents: Contents, config: ReturnnConfig) -> Iterator[str]:
    """:return: a line for each stream that the config reads and the data set does not have so, or else for lengths that do not fit"""
    if contents.count == 0:
        yield "has no sequences"
        return
    networks = [describe(phase.network, config.extern_data) for phase in planned(config).phases]
    read = {key for network in networks for key in uses_streams(network)}
    fits = True
    for key, stream in read_extern_data(config.extern_data).items():
        if key not in read:
            continue
        if key not in contents.streams:
            fits = False
            yield f"lacks {key!r}: found {', '.join(contents.streams)}, expected {stream}"
            continue
        try:
            with open_dataset(described, config.extern_data, [key]) as dataset:
                dataset.check()
        except BoulderError as error:
            fits = False
            yield str(error)
    if fits and not config.values.get("chunking"):
        yield from dict.fromkeys(_lengths_that_differ(described, networks))


def _lengths_that_differ(described: Any, networks: list[NetworkSpec]) -> Iterator[str]:
    """:return: a line for each network that needs streams of the same lengths"""
    with open_dataset(described) as dataset:
        for network in networks:
            try:
                if not dataset.streamed:
                    check_lengths(network, dataset, np.arange(dataset.num_seqs))
            except DataError as error:
                yield str(error)
