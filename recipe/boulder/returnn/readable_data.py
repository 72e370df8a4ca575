"""Whether the data sets of a RETURNN config can be read."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from boulder.data import open_dataset
from boulder.errors import DataError
from boulder.training.phase_making import EVAL_DATASETS
from boulder.training.replacing_files import with_files
from boulder.training.streams_to_read import StreamsToRead


def unreadable(
    data: Mapping[str, Any],
    extern_data: Mapping[str, Any],
    streams: StreamsToRead | None = None,
    written: Collection[str] = (),
) -> Iterator[str]:
    """
    :param data: name → description of a data set; None for none
    :param streams: those that are read; None: not known, so that only the files are looked at
    :param written: files that layers write, which cannot be looked at before
    :return: a line for each data set that has no such file, or does not hold what `extern_data` says
    """
    for name, description in data.items():
        if not description or _reads_any(description, written):
            continue
        try:
            read = streams.in_all([description]) if streams else ()
            with open_dataset(description, extern_data, read) as dataset:
                dataset.check_before_jobs()
        except DataError as error:
            yield f"{name!r}: {str(error).removeprefix('data set: ')}"


def flat(data: Mapping[str, Any]) -> dict[str, Any]:
    """:return: with the items of `eval_datasets` beside the others, and without options that are no data sets"""
    every = {**data, **(data.get(EVAL_DATASETS) or {})}
    return {name: found for name, found in every.items() if isinstance(found, Mapping) and "class" in found}


def _reads_any(description: Any, written: Collection[str]) -> bool:
    found: list[str] = []
    with_files(description, lambda file: found.append(file) if file in written else None)
    return bool(found)
