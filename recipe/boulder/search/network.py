"""Decodes a data set with the network of a checkpoint: greedy CTC search, and the beam search within a network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from boulder.errors import NetworkError
from boulder.lazy import TFTensor, tf
from boulder.network import NetworkOutput, NetworkSpec
from boulder.network.axes import BEAM, FEATURE, LOOP, Batch
from boulder.network.layer_output import LayerOutput, layer_of, rows_of_layers
from boulder.search.ctc import greedy, greedy_batch
from boulder.search.data_pass import DataPass, needed


def ctc_search(data_pass: DataPass, output_layer: str) -> dict[str, list[int]]:
    """
    :param output_layer: its output is [B, T, labels + blank]
    :return: sequence tag → labels
    :raises NetworkError: if there is no such layer, or if it lacks a time or feature axis
    """
    spec = data_pass.spec()
    template = layer_of(spec, output_layer).template
    batch, time, feature = template.batch, template.time, template.feature
    if batch is None or time is None or feature is None:
        raise NetworkError(f"search: layer {output_layer!r} is {template}, needs a time and a feature axis")

    def wanted(out: NetworkOutput) -> list[TFTensor]:
        layer = out.layers[output_layer]
        return [layer.ordered((batch, time, feature)), out.lengths[time]]

    hypotheses: dict[str, list[int]] = {}
    for batch_of_data, (scores, lengths) in data_pass.batches(spec, wanted):
        hypotheses |= zip(batch_of_data.tags, greedy_batch(scores, lengths), strict=True)
    return dict(sorted(hypotheses.items()))


def beam_search(
    data_pass: DataPass, output_layer: str, attention_layer: str | None = None
) -> tuple[dict[str, list[int]], dict[str, np.ndarray]]:
    """
    :param output_layer: a layer of class `decide`, the best hypothesis of the search within the network
    :param attention_layer: an output layer within the loop, e.g. `output/att_weights`
    :return: sequence tag → labels; and sequence tag → weights [labels, input frames], including those of an end label
    :raises NetworkError: if a layer does not exist, or if it has other axes
    """
    spec = data_pass.spec()
    template = layer_of(spec, output_layer).template
    batch, time = template.batch, template.time
    if template.sparse_dim is None or batch is None or time is None or len(template.axes) != 2:
        raise NetworkError(f"search: layer {output_layer!r} is {template}, expected one label for each frame")
    weights_of = _attention_weights(spec, attention_layer) if attention_layer else None

    def wanted(out: NetworkOutput) -> list[TFTensor]:
        labels = out.layers[output_layer].ordered((batch, time))
        return [labels, out.lengths[time], *(weights_of(out) if weights_of else ())]

    hypotheses: dict[str, list[int]] = {}
    maps: dict[str, np.ndarray] = {}
    for batch_of_data, (labels, lengths, *weights) in data_pass.batches(spec, wanted):
        tags = batch_of_data.tags
        hypotheses |= {tag: row[:n].tolist() for tag, row, n in zip(tags, labels, lengths, strict=True)}
        if weights:
            rows = zip(tags, weights[0], lengths, weights[1], strict=True)
            maps |= {tag: of_tag[:steps, :frames] for tag, of_tag, steps, frames in rows}
    return dict(sorted(hypotheses.items())), dict(sorted(maps.items()))


def search_layers(data_pass: DataPass, layers: Sequence[str], ctc: bool = False) -> dict[str, list[Any]]:
    """
    :param layers: names of layers
    :param ctc: whether the layers are [B, T, labels + blank], for greedy CTC search
    :return: sequence tag → for each layer: its output as an array [T, …], or, with several hypotheses, a list of
        (score, array). The order is that of the data set
    :raises NetworkError: if a layer does not exist, or, for CTC, has other axes
    """
    spec = data_pass.spec()
    outputs = {layer: LayerOutput.of(spec, layer) for layer in layers}
    for layer, output in outputs.items():
        if ctc and (len(output.axes) != 3 or len(output.frames) != 1 or output.template.feature is None):
            raise NetworkError(f"search: layer {layer!r} is {output.template}, needs a time and a feature axis for CTC")

    def wanted(out: NetworkOutput) -> list[TFTensor]:
        return [tensor for output in outputs.values() for tensor in output.tensors(out)]

    found: dict[int, tuple[str, list[Any]]] = {}
    for batch, arrays in data_pass.batches(needed(spec, layers), wanted):
        rows = rows_of_layers(outputs, arrays)
        if ctc:
            rows = {layer: [np.array(greedy(row), "int32") for row in of_layer] for layer, of_layer in rows.items()}
        for position, (seq, tag) in enumerate(zip(batch.seqs, batch.tags, strict=True)):
            found[int(seq)] = (tag, [rows[layer][position] for layer in layers])
    return dict(found[seq] for seq in sorted(found))


def _attention_weights(spec: NetworkSpec, layer: str) -> Callable[[NetworkOutput], list[TFTensor]]:
    """
    :return: a function that gives the weights of the best hypothesis [B, labels, input frames], and the input lengths [B]
    :raises NetworkError: if the layer does not exist, or if it has other axes
    """
    template = layer_of(spec, layer).template
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
