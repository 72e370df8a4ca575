"""The network of a checkpoint over a data set: greedy CTC search, and what the network's own beam search has found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy

from boulder.data import HdfReader, batches_of_epoch, form_batches, sequence_order
from boulder.data.feed import tensor_spec
from boulder.errors import NetworkError, nearest
from boulder.lazy import tf
from boulder.network import NetworkOutput, NetworkSpec, describe, run_network, uses_streams
from boulder.network.axes import BEAM, LOOP, Batch
from boulder.schedule.functions import restore
from boulder.search.ctc import greedy_batch


@dataclass(frozen=True)
class Searched:
    """
    What is searched, and with which network.

    :param checkpoint: `boulder.training.Checkpoint`
    :param extern_data: data streams of the network
    :param data: HDF files
    :param batch_size: padded frames
    :param functions: those that the checkpoint's net dict names by their digests, see `boulder.schedule.canonical`
    """

    checkpoint: object
    extern_data: dict
    data: Sequence
    batch_size: int
    functions: dict | None = None

    def spec(self) -> NetworkSpec:
        return describe(restore(self.checkpoint.network, self.functions or {}), self.extern_data, mode="search")

    def batches(
        self, spec: NetworkSpec, wanted: Callable[[NetworkOutput], Sequence]
    ) -> Iterator[tuple[list[str], list]]:
        """
        :param wanted: network output → tf.Tensors
        :return: sequence tags, and those tensors as arrays, for each batch
        """
        variables = {path: tf.constant(value) for path, value in self.checkpoint.params.items()}
        streams = {key: self.extern_data[key] for key in uses_streams(spec, losses=False)}
        with HdfReader(self.data, streams) as reader:
            types = tensor_spec(reader)

            @tf.function(input_signature=[types["data"], types["lengths"]], autograph=False)
            def forward(data, lengths):
                return wanted(run_network(spec, variables, data, lengths, losses=False))

            order = sequence_order("sorted", reader.lengths["data"], 0, 0)
            for batch in batches_of_epoch(reader, form_batches(order, reader.lengths, self.batch_size)):
                yield batch.tags, [tensor.numpy() for tensor in forward(batch.data, batch.lengths)]


def ctc_search(searched: Searched, output_layer: str) -> dict[str, list[int]]:
    """
    :param output_layer: its output is [B, T, labels + blank]
    :return: sequence tag → labels
    :raises NetworkError: if there is no such layer, or it has no time axis
    """
    spec = searched.spec()
    template = _layer(spec, output_layer).template
    if template.time is None or template.feature is None:
        raise NetworkError(f"search: layer {output_layer!r} is {template}, needs a time and a feature axis")

    def wanted(out: NetworkOutput):
        layer = out.layers[output_layer]
        return layer.ordered((template.batch, template.time, template.feature)), out.lengths[template.time]

    hypotheses = {}
    for tags, (scores, lengths) in searched.batches(spec, wanted):
        hypotheses |= zip(tags, greedy_batch(scores, lengths), strict=True)
    return dict(sorted(hypotheses.items()))


def beam_search(
    searched: Searched, output_layer: str, attention_layer: str | None = None
) -> tuple[dict[str, list[int]], dict[str, numpy.ndarray]]:
    """
    :param output_layer: a layer `decide`: the best hypothesis of the search within the network
    :param attention_layer: a layer within the loop, `output/att_weights`, that `is_output_layer`
    :return: sequence tag → labels, and → weights [labels, input frames], with those of the end if there is one
    :raises NetworkError: if there are no such layers, or they have other axes
    """
    spec = searched.spec()
    template = _layer(spec, output_layer).template
    if template.sparse_dim is None or template.time is None or len(template.axes) != 2:
        raise NetworkError(f"search: layer {output_layer!r} is {template}, expected one label for each frame")
    attention = _layer(spec, attention_layer).template if attention_layer else None
    loop = attention and attention.axis(LOOP)
    if attention and (loop is None or attention.time is None or attention.dim not in (1, None)):
        raise NetworkError(
            f"search: layer {attention_layer!r} is {attention}, expected weights over a time axis in a loop"
        )

    def wanted(out: NetworkOutput):
        labels, lengths = out.layers[output_layer], out.lengths[template.time]
        found = [labels.ordered((template.batch, template.time)), lengths]
        if attention:
            x = out.layers[attention_layer]
            beam = attention.axis(BEAM)
            axes = [axis for axis in (Batch, beam, loop, attention.time) if axis] + [
                a for a in x.axes if a.kind == "feature"
            ]
            weights = x.ordered(axes)
            weights = tf.gather(weights, out.best(beam), axis=1, batch_dims=1) if beam else weights
            found += [tf.reshape(weights, tf.shape(weights)[:3]), out.lengths[attention.time]]
        return found

    hypotheses, maps = {}, {}
    for tags, (labels, lengths, *weights) in searched.batches(spec, wanted):
        hypotheses |= {tag: row[:n].tolist() for tag, row, n in zip(tags, labels, lengths, strict=True)}
        if weights:
            rows = zip(tags, weights[0], lengths, weights[1], strict=True)
            maps |= {tag: of_tag[:steps, :frames] for tag, of_tag, steps, frames in rows}
    return dict(sorted(hypotheses.items())), dict(sorted(maps.items()))


def _layer(spec: NetworkSpec, name: str):
    if name not in spec.layers:
        raise NetworkError(f"search: there is no layer {name!r}{nearest(name, spec.layers)}")
    return spec.layers[name]
