"""Writes outputs of a network over a data set to an HDF file, which is a data set itself."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy

from boulder.data import HdfWriter, Stream, read_extern_data
from boulder.errors import ConfigError, NetworkError, nearest
from boulder.lazy import TFTensor
from boulder.network import NetworkOutput, NetworkSpec
from boulder.network.axes import SPATIAL
from boulder.search.data_pass import DataPass
from boulder.search.layer_output import LayerOutput

SIZES = "sizes"
"""RETURNN's stream with the lengths of each sequence along the axes that a layer with two time axes has."""


def forward_to_hdf(
    data_pass: DataPass,
    sources: Mapping[str, str],
    path: str | os.PathLike[str],
    labels: Mapping[str, Sequence[str]] | None = None,
) -> int:
    """
    Writes a file in RETURNN's layout, in the order of the data set. A layer without a time axis gives one frame. The frames of
    a layer with two time axes follow one another, and the stream `sizes` has the lengths along both, as in RETURNN.

    :param sources: stream of the file → name of a layer, or `data:KEY` for a stream of the data set
    :param labels: stream of the file → names of its classes
    :return: number of sequences
    :raises NetworkError: if a layer does not exist, or if a file cannot hold its output
    """
    spec = data_pass.spec()
    copied = {key: source.removeprefix("data:") for key, source in sources.items() if source.startswith("data:")}
    outputs = {key: LayerOutput.of(spec, source) for key, source in sources.items() if key not in copied}
    streams = {key: _stream(key, output) for key, output in outputs.items()} | _copied(copied, data_pass.extern_data)
    if two := [key for key, output in outputs.items() if len(output.frames) > 1]:
        if len(two) > 1 or SIZES in streams:
            raise NetworkError(f"found several layers with two time axes, expected at most one: {', '.join(two)}")
        streams[SIZES] = Stream(SIZES, None, sparse=False, dtype="int32", has_feature_axis=False)

    def wanted(out: NetworkOutput) -> list[TFTensor]:
        return [tensor for output in outputs.values() for tensor in output.tensors(out)]

    count = 0
    part = needed(spec, [output.name for output in outputs.values()])
    with HdfWriter(path, streams, labels) as writer:
        for batch, arrays in data_pass.batches(part, wanted, in_order=True, streams=copied.values()):
            rows, rest = {}, arrays
            for key, output in outputs.items():
                number = 1 + len(output.frames)
                rows[key], rest = output.rows(rest[:number]), rest[number:]
            for i, tag in enumerate(batch.tags):
                row = {key: of_key[i] for key, of_key in rows.items()}
                for key, stream in copied.items():
                    row[key] = batch.data[stream][i, : batch.lengths[stream][i]].numpy()
                for key in two:
                    row[SIZES] = numpy.array(row[key].shape[:2], "int32")
                for key, output in outputs.items():
                    row[key] = _flat(row[key], len(output.frames))
                writer.write(tag, row)
                count += 1
    return count


def needed(spec: NetworkSpec, layers: Sequence[str]) -> NetworkSpec:
    """:return: the part of the network that these layers depend on, so that data streams of others are not read"""
    kept: set[str] = set()
    waiting = list(layers)
    while waiting:
        name = waiting.pop()
        if name in spec.layers and name not in kept:
            kept.add(name)
            waiting += spec.layers[name].sources
            parts = name.split("/")  # `decoder/weights` is computed by the loop `decoder`
            waiting += ["/".join(parts[:number]) for number in range(1, len(parts))]
    return replace(spec, layers={name: layer for name, layer in spec.layers.items() if name in kept}, losses={})


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


def _copied(streams: Mapping[str, str], extern_data: Mapping[str, Any]) -> dict[str, Stream]:
    known = read_extern_data(extern_data)
    for stream in streams.values():
        if stream not in known:
            raise ConfigError(f"there is no data stream {stream!r} in extern_data{nearest(stream, known)}")
    return {key: replace(known[stream], key=key) for key, stream in streams.items()}


def _flat(array: numpy.ndarray, num_frame_axes: int) -> numpy.ndarray:
    """:return: [frames, …]"""
    return array.reshape(-1, *array.shape[num_frame_axes:])
