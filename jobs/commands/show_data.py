"""`boulder data`: what a data set holds, and what it lacks for a config."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from rich.console import Console
from rich.markup import escape

from boulder import strict_json
from boulder.data import open_dataset
from boulder.data.streams import read_extern_data
from boulder.errors import BoulderError, ConfigError, DataError
from boulder.network import NetworkSpec, uses_streams
from boulder.training.data_checks import check_lengths
from jobs.commands.data_contents import Contents, contents_of, contents_of_text
from jobs.commands.data_source import DataSource, Reader, data_source, reader


def show_data(
    file: str,
    console: Console,
    data: str | None = None,
    config: str | None = None,
    *,
    pipeline: str | None = None,
    as_json: bool = False,
) -> int:
    """
    :param file: HDF file, zip file of recordings, text, RETURNN config, or config of Sisyphus
    :param data: name of a data set of the config; None: `train`
    :param config: config that the data set is compared with; None: the config, if `file` is one
    :param pipeline: if a config of Sisyphus lays out several
    :param as_json: print everything that is known
    :return: exit code: 1 if the data set lacks something that the config needs
    :raises BoulderError: if the data set cannot be read
    """
    source = data_source(file, data, pipeline)
    compared = reader(config, pipeline) if config else source.reader
    contents = _contents(source, file, compared)
    lacks = list(_lacks(source.described, contents, compared)) if compared else []
    if as_json:
        print(strict_json.dumps(contents.to_json() | ({"lacks": lacks} if compared else {}), indent=1))
        return int(bool(lacks))
    told = [*contents.lines(console.width), ""]
    if compared:
        told += lacks or [f"has all that {compared.name} reads"]
    for line in told:
        console.print(escape(line), soft_wrap=True, highlight=False)
    return int(bool(lacks))


def _contents(source: DataSource, file: str, compared: Reader | None) -> Contents:
    if source.text is None:
        with open_dataset(source.described) as dataset:
            dataset.check()
            return contents_of(dataset)
    if compared:
        raise ConfigError(
            f"--for {compared.name}: {file} is a text, of which a vocabulary makes labels: expected an LmDataset with the text "
            "and its vocabulary in a config, and `boulder data CONFIG --data NAME`"
        )
    return contents_of_text(source.text)


def _lacks(described: Any, contents: Contents, config: Reader) -> Iterator[str]:
    """:return: a line for each stream that the config reads and the data set does not have so, or else for lengths that do not fit"""
    if contents.count == 0:
        yield "has no sequences"
        return
    read = {key for network in config.networks for key in uses_streams(network)}
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
    if fits and config.whole:
        yield from dict.fromkeys(_lengths_that_differ(described, config.networks))


def _lengths_that_differ(described: Any, networks: list[NetworkSpec]) -> Iterator[str]:
    """:return: a line for each network that needs streams of the same lengths"""
    with open_dataset(described) as dataset:
        for network in networks:
            try:
                if not dataset.streamed:
                    check_lengths(network, dataset, np.arange(dataset.num_seqs))
            except DataError as error:
                yield str(error)
