"""Decodes a data set with the network of a checkpoint: greedy CTC search, and the beam search within a network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy

from boulder.data import batches_of_epoch, form_batches, open_dataset, sequence_order
from boulder.data.feed import tensor_spec
from boulder.errors import DataError, NetworkError, nearest
from boulder.lazy import TFTensor, tf
from boulder.network import NetworkOutput, NetworkSpec, describe, run_network, uses_streams
from boulder.network.axes import BEAM, FEATURE, LOOP, Batch
from boulder.network.specs import LayerSpec
from boulder.schedule.functions import restore
from boulder.search.ctc import greedy_batch
from boulder.training.checkpoint import Checkpoint


@dataclass(frozen=True)
class Searched:
    """
    A data set, and the network that decodes it.

    :param checkpoint: contains its network
    :param extern_data: data streams of the network
    :param data: description of the data set, see `boulder.data.canonical_description`
    :param batch_size: padded frames
    :param functions: the functions of the checkpoint's net dict, by digest, see `boulder.schedule.canonical`
    """

    checkpoint: Checkpoint
    extern_data: dict[str, Any]
    data: object
    batch_size: int
    functions: dict[str, dict] | None = None

    def spec(self) -> NetworkSpec:
        network: Any = restore(self.checkpoint.network, self.functions)
        return describe(network, self.extern_data, mode="search")

    def batches(
        self, spec: NetworkSpec, wanted: Callable[[NetworkOutput], Sequence[TFTensor]]
    ) -> Iterator[tuple[list[str], list[numpy.ndarray]]]:
        """
        :param wanted: network output → tensors
        :return: sequence tags, and these tensors as arrays, for each batch
        :raises DataError: if the data set cannot be read, or several sequences have the same tag
        """
        variables = {path: tf.constant(value) for path, value in self.checkpoint.params.items()}
        with open_dataset(self.data, self.extern_data, streams=uses_streams(spec, losses=False)) as dataset:
            types = tensor_spec(dataset)

            @tf.function(input_signature=[types["data"], types["lengths"]], autograph=False)
            def forward(data: Mapping[str, TFTensor], lengths: Mapping[str, TFTensor]) -> Sequence[TFTensor]:
                return wanted(run_network(spec, variables, data, lengths, losses=False))

            order = sequence_order("sorted", dataset.order_lengths, 0, 0)  # least padding
            batches = form_batches(order, dataset.measured_lengths, self.batch_size)
            seen: set[str] = set()
            for batch in batches_of_epoch(dataset, batches):
                for tag in batch.tags:
                    if tag in seen:
                        raise DataError(
                            f"search: found several sequences with the tag {tag!r}, expected different tags"
                        )
                    seen.add(tag)
                yield batch.tags, [tensor.numpy() for tensor in forward(batch.data, batch.lengths)]


def ctc_search(searched: Searched, output_layer: str) -> dict[str, list[int]]:
    """
    :param output_layer: its output is [B, T, labels + blank]
    :return: sequence tag → labels
    :raises NetworkError: if there is no such layer, or if it lacks a time or feature axis
    """
    spec = searched.spec()
    template = _layer(spec, output_layer).template
    batch, time, feature = template.batch, template.time, template.feature
    if batch is None or time is None or feature is None:
        raise NetworkError(f"search: layer {output_layer!r} is {template}, needs a time and a feature axis")

    def wanted(out: NetworkOutput) -> list[TFTensor]:
        layer = out.layers[output_layer]
        return [layer.ordered((batch, time, feature)), out.lengths[time]]

    hypotheses: dict[str, list[int]] = {}
    for tags, (scores, lengths) in searched.batches(spec, wanted):
        hypotheses |= zip(tags, greedy_batch(scores, lengths), strict=True)
    return dict(sorted(hypotheses.items()))


def beam_search(
    searched: Searched, output_layer: str, attention_layer: str | None = None
) -> tuple[dict[str, list[int]], dict[str, numpy.ndarray]]:
    """
    :param output_layer: a layer of class `decide`, the best hypothesis of the search within the network
    :param attention_layer: an output layer within the loop, e.g. `output/att_weights`
    :return: sequence tag → labels; and sequence tag → weights [labels, input frames], including those of an end label
    :raises NetworkError: if a layer does not exist, or if it has other axes
    """
    spec = searched.spec()
    template = _layer(spec, output_layer).template
    batch, time = template.batch, template.time
    if template.sparse_dim is None or batch is None or time is None or len(template.axes) != 2:
        raise NetworkError(f"search: layer {output_layer!r} is {template}, expected one label for each frame")
    weights_of = _attention_weights(spec, attention_layer) if attention_layer else None

    def wanted(out: NetworkOutput) -> list[TFTensor]:
        labels = out.layers[output_layer].ordered((batch, time))
        return [labels, out.lengths[time], *(weights_of(out) if weights_of else ())]

    hypotheses: dict[str, list[int]] = {}
    maps: dict[str, numpy.ndarray] = {}
    for tags, (labels, lengths, *weights) in searched.batches(spec, wanted):
        hypotheses |= {tag: row[:n].tolist() for tag, row, n in zip(tags, labels, lengths, strict=True)}
        if weights:
            rows = zip(tags, weights[0], lengths, weights[1], strict=True)
            maps |= {tag: of_tag[:steps, :frames] for tag, of_tag, steps, frames in rows}
    return dict(sorted(hypotheses.items())), dict(sorted(maps.items()))


def _attention_weights(spec: NetworkSpec, layer: str) -> Callable[[NetworkOutput], list[TFTensor]]:
    """
    :return: a function that gives the weights of the best hypothesis [B, labels, input frames], and the input lengths [B]
    :raises NetworkError: if the layer does not exist, or if it has other axes
    """
    template = _layer(spec, layer).template
    loop, time, beam = template.axis(LOOP), template.time, template.axis(BEAM)
    if loop is None or time is None or template.dim not in (1, None):
        raise NetworkError(f"search: layer {layer!r} is {template}, expected weights over a time axis in a loop")

    def wanted(out: NetworkOutput) -> list[TFTensor]:
        x = out.layers[layer]
        features = [axis for axis in x.axes if axis.kind == FEATURE]
        weights = x.ordered([Batch, *([beam] if beam else []), loop, time, *features])
        if beam:
            weights = tf.gather(weights, out.best(beam), axis=1, batch_dims=1)
        return [tf.reshape(weights, tf.shape(weights)[:3]), out.lengths[time]]

    return wanted


def _layer(spec: NetworkSpec, name: str) -> LayerSpec:
    if name not in spec.layers:
        raise NetworkError(f"search: there is no layer {name!r}{nearest(name, spec.layers)}")
    return spec.layers[name]
