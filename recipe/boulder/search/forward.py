"""Writes outputs of a network over a data set to an HDF file, which is a data set itself."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy

from boulder.data import Batch, HdfWriter, Stream, read_extern_data
from boulder.errors import ConfigError, DataError, NetworkError, nearest
from boulder.lazy import TFTensor
from boulder.network import NetworkOutput
from boulder.network.axes import SPATIAL
from boulder.network.layer_output import LayerOutput, rows_of_layers
from boulder.search.data_pass import DataPass, needed

SIZES = "sizes"
"""RETURNN's stream with the lengths of each sequence along the axes that a layer with two time axes has."""


@dataclass(frozen=True)
class Derived:
    """
    A stream of the file that is computed from the output of a layer and a stream of the data set.

    :param stream: of the file
    :param layer: name of the layer
    :param key: stream of the data set
    :param function: (output of the layer, stream of the data set) of a sequence → array
    """

    stream: Stream
    layer: str
    key: str
    function: Callable[[numpy.ndarray, numpy.ndarray], numpy.ndarray]


def forward_to_hdf(
    data_pass: DataPass,
    sources: Mapping[str, str],
    path: str | os.PathLike[str],
    labels: Mapping[str, Sequence[str]] | None = None,
    derived: Derived | None = None,
) -> int:
    """
    Writes a file in RETURNN's layout, in the order of the data set. A layer without a time axis gives one frame. The frames of
    a layer with two time axes follow one another, and the stream `sizes` has the lengths along both, as in RETURNN.

    :param sources: stream of the file → name of a layer, or `data:KEY` for a stream of the data set
    :param labels: stream of the file → names of its classes
    :param derived: a further stream
    :return: number of sequences
    :raises NetworkError: if a layer does not exist, or if a file cannot hold its output
    """
    spec, known = data_pass.spec(), read_extern_data(data_pass.extern_data)
    copied = {key: source.removeprefix("data:") for key, source in sources.items() if source.startswith("data:")}
    outputs = {key: LayerOutput.of(spec, source) for key, source in sources.items() if key not in copied}
    streams = {key: _stream(key, output) for key, output in outputs.items()} | _copied(copied, known)
    two = [key for key, output in outputs.items() if len(output.frames) > 1]
    if two and (len(two) > 1 or SIZES in streams):
        raise NetworkError(
            f"found {', '.join(two)} with two time axes, expected one such layer, and no stream {SIZES!r}"
        )
    if two:
        streams[SIZES] = Stream(SIZES, None, sparse=False, dtype="int32", has_feature_axis=False)
    read = set(copied.values())
    if derived:
        if derived.stream.key in streams:
            raise ConfigError(f"found two sources of the stream {derived.stream.key!r}, expected one")
        streams[derived.stream.key] = derived.stream
        outputs[derived.stream.key] = LayerOutput.of(spec, derived.layer)
        read.add(derived.key)

    def wanted(out: NetworkOutput) -> list[TFTensor]:
        return [tensor for output in outputs.values() for tensor in output.tensors(out)]

    count = 0
    part = needed(spec, [output.name for output in outputs.values()])
    with HdfWriter(path, streams, labels) as writer:
        for batch, arrays in data_pass.batches(part, wanted, in_order=True, streams=read):
            rows = rows_of_layers(outputs, arrays)
            data = {key: _rows_of_stream(batch, known[key]) for key in read}
            for i, tag in enumerate(batch.tags):
                row = {key: data[stream][i] for key, stream in copied.items()}
                for key, output in outputs.items():
                    row[key] = rows[key][i].reshape(-1, *rows[key][i].shape[len(output.frames) :])
                if two:
                    row[SIZES] = numpy.array(rows[two[0]][i].shape[:2], "int32")
                if derived:
                    with _of_sequence(tag):
                        row[derived.stream.key] = derived.function(row[derived.stream.key], data[derived.key][i])
                writer.write(tag, row)
                count += 1
    return count


def _stream(key: str, output: LayerOutput) -> Stream:
    template = output.template
    if output.beam:
        raise NetworkError(f"layer {output.name!r} has several hypotheses, expected one: a layer of class 'decide'")
    if template.axis(SPATIAL) or len(output.frames) > 2:
        raise NetworkError(
            f"layer {output.name!r} is {template}, but an HDF file holds frames with one axis of features; a layer of class "
            "'merge_dims' merges the others"
        )
    dtype = "int32" if template.dtype == "bool" else template.dtype
    sparse = template.sparse_dim is not None
    return Stream(key, template.dim, sparse=sparse, dtype=dtype, has_feature_axis=template.feature is not None)


def _copied(streams: Mapping[str, str], known: Mapping[str, Stream]) -> dict[str, Stream]:
    for stream in streams.values():
        if stream not in known:
            raise ConfigError(f"there is no data stream {stream!r} in extern_data{nearest(stream, known)}")
    return {key: replace(known[stream], key=key) for key, stream in streams.items()}


def _rows_of_stream(batch: Batch, stream: Stream) -> list[numpy.ndarray]:
    """:return: the frames of each sequence; a stream without a time axis has one"""
    values, lengths = batch.data[stream.key].numpy(), batch.lengths[stream.key].numpy()
    if not stream.has_time_axis:
        return list(values[:, None])
    return [row[:length] for row, length in zip(values, lengths, strict=True)]


@contextlib.contextmanager
def _of_sequence(tag: str) -> Iterator[None]:
    try:
        yield
    except DataError as error:
        raise DataError(f"sequence {tag!r}: {error}") from error
