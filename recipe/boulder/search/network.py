"""Greedy CTC search over a data set, with the network of a checkpoint."""

from __future__ import annotations

from collections.abc import Sequence

from boulder.data import HdfReader, batches_of_epoch, form_batches, sequence_order
from boulder.data.feed import tensor_spec
from boulder.errors import NetworkError, nearest
from boulder.lazy import tf
from boulder.network import describe, run_network, uses_streams
from boulder.schedule.functions import restore
from boulder.search.ctc import greedy_batch


def search(
    checkpoint, extern_data: dict, data: Sequence, output_layer: str, batch_size: int, functions: dict | None = None
) -> dict[str, list[int]]:
    """
    :param checkpoint: `boulder.training.Checkpoint`
    :param functions: those that its net dict names by their digests, see `boulder.schedule.canonical`
    :param extern_data: data streams of the network
    :param data: HDF files
    :param output_layer: its output is [B, T, labels + blank]
    :param batch_size: padded frames
    :return: sequence tag → labels
    :raises NetworkError: if there is no such layer, or it has no time axis
    """
    spec = describe(restore(checkpoint.network, functions or {}), extern_data, mode="search")
    if output_layer not in spec.layers:
        raise NetworkError(f"search: there is no layer {output_layer!r}{nearest(output_layer, spec.layers)}")
    template = spec.layers[output_layer].template
    if template.time is None or template.feature is None:
        raise NetworkError(f"search: layer {output_layer!r} is {template}, needs a time and a feature axis")
    variables = {path: tf.constant(value) for path, value in checkpoint.params.items()}
    streams = {key: extern_data[key] for key in uses_streams(spec, losses=False)}
    hypotheses = {}
    with HdfReader(data, streams) as reader:
        types = tensor_spec(reader)

        @tf.function(input_signature=[types["data"], types["lengths"]], autograph=False)
        def forward(data, lengths):
            out = run_network(spec, variables, data, lengths, losses=False)
            layer = out.layers[output_layer]
            return layer.ordered((template.batch, template.time, template.feature)), out.lengths[template.time]

        order = sequence_order("sorted", reader.lengths["data"], 0, 0)
        for batch in batches_of_epoch(reader, form_batches(order, reader.lengths, batch_size)):
            scores, lengths = forward(batch.data, batch.lengths)
            hypotheses |= zip(batch.tags, greedy_batch(scores.numpy(), lengths.numpy()), strict=True)
    return dict(sorted(hypotheses.items()))
