"""Comparing the streams of a data set with those that the network expects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from boulder.data.streams import Stream
from boulder.errors import DataError, nearest


def matched_streams(where: object, found: Mapping[str, Stream], wanted: Mapping[str, Stream]) -> dict[str, Stream]:
    """
    :param where: file or data set, for messages
    :param found: the streams that it has
    :param wanted: the streams that the network expects
    :return: `wanted`, with dimensions that only the data knows filled in
    :raises DataError: if a stream is missing or has another shape
    """
    result = {}
    for key, stream in wanted.items():
        if key not in found:
            raise DataError(
                f"{where}: found no {key!r} among {', '.join(found) or 'no data keys'}, "
                f"expected {stream}{nearest(key, found)}"
            )
        if not _fits(found[key], stream):
            raise DataError(f"{where}: {key!r} holds {found[key]}, expected {stream}")
        result[key] = replace(stream, dim=stream.dim if stream.dim is not None else found[key].dim)
    return result


def check_labels(where: object, stream: Stream, labels: np.ndarray) -> None:
    """
    :param where: file and sequence, for the message
    :param labels: [T]
    :raises DataError: for a label that is not below the dimension of the stream
    """
    dim = stream.dim if stream.dim is not None else np.iinfo("int32").max
    wrong = labels[(labels < 0) | (labels >= dim)]
    if len(wrong):
        raise DataError(f"{where}, {stream.key!r}: found label {wrong[0]}, expected 0 to {dim - 1}")


def _fits(found: Stream, wanted: Stream) -> bool:
    fits = found.has_feature_axis == wanted.has_feature_axis and (found.sparse or not wanted.sparse)
    fits = fits or not (wanted.has_time_axis or found.sparse or found.has_feature_axis)  # [D] as D frames
    fits = fits and (found.inner == wanted.inner or (found.inner == wanted.inner[1:] and not wanted.has_time_axis))
    has_dim = wanted.sparse or (wanted.has_feature_axis and found.has_feature_axis)
    return fits and not (has_dim and None not in (found.dim, wanted.dim) and found.dim != wanted.dim)
