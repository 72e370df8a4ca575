"""`DumpedLayer`: what an `hdf_dump` layer writes of each sequence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from boulder.data import Stream
from boulder.lazy import TFTensor
from boulder.network import NetworkOutput, NetworkSpec
from boulder.network.axes import FEATURE
from boulder.network.layer_output import LayerOutput
from boulder.network.layers.hdf_dump import HdfDump
from boulder.training.dump_files import dump_layers


@dataclass(frozen=True)
class DumpedLayer:
    """
    The streams that a layer writes, as in RETURNN: `data`, and those of `extra`; the lengths along the axes of each sequence as
    `seq_sizes`, and as `KEY_seq_lens` those of `extra`; and `sizes`, if there are several axes besides features.

    :param outputs: stream → output of a layer, "data" first
    :param labels: names of the classes of "data"
    """

    outputs: Mapping[str, LayerOutput]
    labels: Sequence[str] | None = None

    @classmethod
    def of(cls, spec: NetworkSpec, name: str) -> DumpedLayer:
        """:param name: of an `hdf_dump` layer"""
        layer = spec.layers[name].layer
        assert isinstance(layer, HdfDump)
        sources = dict(zip(("data", *layer.extra_layers), spec.layers[name].sources, strict=True)) | {"data": name}
        return cls({key: LayerOutput.of(spec, source) for key, source in sources.items()}, layer.labels)

    @property
    def streams(self) -> dict[str, Stream]:
        found = {key: _stream(key, output) for key, output in self.outputs.items()}
        for key, output in self.outputs.items():
            lengths = "seq_sizes" if key == "data" else f"{key}_seq_lens"
            if len(output.axes) > 1:
                found[lengths] = Stream(lengths, None, sparse=False, dtype="int32", has_feature_axis=False)
        if len(_frame_axes(self.outputs["data"])) > 1:
            found["sizes"] = Stream("sizes", None, sparse=False, dtype="int32", has_feature_axis=False)
        return found

    def tensors(self, out: NetworkOutput) -> list[TFTensor]:
        return [tensor for output in self.outputs.values() for tensor in output.tensors(out)]

    def rows(self, arrays: Sequence[np.ndarray]) -> Iterator[dict[str, np.ndarray]]:
        """
        :param arrays: of `tensors`
        :return: stream → values, of each sequence of the batch
        """
        of_outputs, rest = {}, list(arrays)
        for key, output in self.outputs.items():
            of_outputs[key], rest = output.rows(rest[: output.num_tensors]), rest[output.num_tensors :]
        for values in zip(*of_outputs.values(), strict=True):
            yield self._row(dict(zip(of_outputs, values, strict=True)))

    def _row(self, values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        row, streams = {}, self.streams
        for key, value in values.items():
            row[key] = value.reshape(-1, *streams[key].feature_shape).astype(streams[key].dtype)
            sizes = value.shape[: len(_frame_axes(self.outputs[key]))] if key == "data" else value.shape
            lengths = "seq_sizes" if key == "data" else f"{key}_seq_lens"
            if lengths in streams:
                row[lengths] = np.array(sizes, "int32")
        if "sizes" in streams:
            row["sizes"] = row["seq_sizes"]
        return row


def dumped_layers(spec: NetworkSpec) -> dict[str, DumpedLayer]:
    """:return: name of an `hdf_dump` layer → what it writes"""
    return {name: DumpedLayer.of(spec, name) for name in dump_layers(spec)}


def _frame_axes(output: LayerOutput) -> tuple[Any, ...]:
    return tuple(axis for axis in output.axes[1:] if axis.kind != FEATURE)


def _stream(key: str, output: LayerOutput) -> Stream:
    """:return: the stream of a file; features without any other axis are frames of one number, as in RETURNN"""
    template = output.template
    dtype = "int32" if template.dtype == "bool" else template.dtype
    with_features = template.feature is not None and bool(_frame_axes(output))
    sparse = template.sparse_dim is not None
    return Stream(
        key,
        template.dim if sparse or with_features else None,
        sparse=sparse,
        dtype=dtype,
        has_feature_axis=with_features,
    )
