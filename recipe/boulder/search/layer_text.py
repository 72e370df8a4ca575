"""Outputs of layers, and labels of a data set, as text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from boulder.data import open_dataset
from boulder.errors import DataError
from boulder.search.data_pass import selected_sequences
from boulder.search.labels import Labels, labels_by_names, read_labels


@dataclass(frozen=True)
class TextSource:
    """
    Where the names of classes come from.

    :param vocabulary: see `boulder.search.labels.vocabulary_description`; it has precedence
    :param stream: stream of the data set that may name its classes
    """

    vocabulary: Mapping[str, Any] | None = None
    stream: str | None = None


def labels_of(source: TextSource, data: object, extern_data: Mapping[str, Any]) -> Labels | None:
    """
    :param data: description of the data set
    :return: the names of the classes; None if nothing gives them
    """
    if source.vocabulary is not None:
        return read_labels(source.vocabulary)
    if source.stream is None or source.stream not in extern_data:
        return None
    with open_dataset(data, extern_data, streams=[]) as dataset:
        names = dataset.label_names(source.stream)
    return labels_by_names(names) if names else None


def hypothesis(output: Any, labels: Labels | None, where: str) -> Any:
    """
    :param output: an array [T, …] or of one number, or a list of (score, array)
    :param labels: names of the classes; None: their indices
    :param where: context for error messages
    :return: a text for class indices, else the array; or a list of (score, text)
    """
    if isinstance(output, list):
        return [(score, hypothesis(array, labels, where)) for score, array in output]
    if output.dtype.kind not in "iu":
        return output
    if output.ndim > 1:
        raise DataError(f"{where}: found labels of shape {list(output.shape)}, expected one for each frame")
    indices = [int(index) for index in np.atleast_1d(output)]
    return labels.text(indices, where) if labels else " ".join(map(str, indices))


def stream_texts(data: object, extern_data: Mapping[str, Any], source: TextSource) -> dict[str, str]:
    """
    :param source: `stream` is read
    :return: sequence tag → text of the labels, in the order of the data set
    :raises DataError: if the stream has no labels, or several sequences have the same tag
    """
    stream = source.stream or ""
    labels = labels_of(source, data, extern_data)
    result: dict[str, str] = {}
    with open_dataset(data, extern_data, streams=[stream]) as dataset:
        dataset.check()
        if not dataset.streams[stream].sparse:
            raise DataError(f"references: stream {stream!r} is {dataset.streams[stream]}, expected labels")
        for sequence in selected_sequences(dataset):
            tag = sequence.tag
            if tag in result:
                raise DataError(f"references: found several sequences with the tag {tag!r}, expected different tags")
            result[tag] = hypothesis(sequence.data[stream].astype("int64"), labels, f"{stream} of {tag!r}")
    return result
