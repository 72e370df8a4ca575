"""A pass of a network over a data set, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy

from boulder.data import Dataset, batches_of_epoch, form_batches, open_dataset
from boulder.data.batches import Batch
from boulder.data.feed import tensor_spec
from boulder.data.read_sequence import ReadSequence
from boulder.data.streamed_batches import whole_sequences
from boulder.data.streamed_feed import tensors_of_stream
from boulder.errors import CheckpointError, DataError, nearest
from boulder.lazy import TFTensor, tf
from boulder.network import NetworkOutput, NetworkSpec, describe, run_network, uses_streams
from boulder.schedule.functions import restore
from boulder.training.checkpoint import Checkpoint
from boulder.training.step_errors import ADVICE_FOR_PASSES, BatchContents, told_with


@dataclass(frozen=True)
class DataPass:
    """
    A data set, and the network that reads it.

    :param checkpoint: contains its network
    :param extern_data: data streams of the network
    :param data: description of the data set, see `boulder.data.canonical_description`
    :param batch_size: padded frames, or stream → padded frames
    :param functions: the functions of the net dict, by digest, see `boulder.schedule.canonical`
    :param network: net dict in place of the one in the checkpoint
    :param max_seqs: largest number of sequences in a batch; None: no limit
    :param mode: "search" or "eval"
    """

    checkpoint: Checkpoint
    extern_data: dict[str, Any]
    data: object
    batch_size: int | Mapping[str, int]
    functions: dict[str, dict] | None = None
    network: dict[str, Any] | None = None
    max_seqs: int | None = None
    mode: str = "search"

    def spec(self) -> NetworkSpec:
        """:raises CheckpointError: if the checkpoint lacks a parameter, or has one of another shape"""
        network: Any = restore(self.network or self.checkpoint.network, self.functions)
        spec = describe(network, self.extern_data, mode=self.mode)
        params, wrong = self.checkpoint.params, []
        for path, param in spec.params.items():
            if path not in params:
                wrong.append(f"{path} is missing{nearest(path, params)}")
            elif params[path].shape != param.shape:
                wrong.append(f"{path} is {list(params[path].shape)}, expected {list(param.shape)}")
        if wrong:
            raise CheckpointError(f"the checkpoint does not fit the network: {', '.join(wrong)}")
        return spec

    def batches(
        self,
        spec: NetworkSpec,
        wanted: Callable[[NetworkOutput], Sequence[TFTensor]],
        in_order: bool = False,
        streams: Collection[str] = (),
    ) -> Iterator[tuple[Batch, list[numpy.ndarray]]]:
        """
        :param spec: of `spec`, or a part of it
        :param wanted: network output → tensors
        :param in_order: whether the batches follow the order of the data set; otherwise, there is least padding, unless the
            data set is streamed
        :param streams: data streams to read besides those that the network reads
        :return: each batch, and these tensors as arrays
        :raises DataError: if the data set cannot be read, or several sequences have the same tag
        """
        variables = {path: tf.constant(self.checkpoint.params[path]) for path in spec.params}
        read = {*uses_streams(spec, losses=False), *streams}
        with open_dataset(self.data, self.extern_data, streams=read) as dataset:
            types = tensor_spec(dataset)

            @tf.function(input_signature=[types["data"], types["lengths"]], autograph=False)
            def forward(data: Mapping[str, TFTensor], lengths: Mapping[str, TFTensor]) -> Sequence[TFTensor]:
                return wanted(run_network(spec, variables, data, lengths, losses=False))

            seen: set[str] = set()
            for number, batch in enumerate(self._batches(dataset, in_order)):
                for tag in batch.tags:
                    if tag in seen:
                        raise DataError(f"found several sequences with the tag {tag!r}, expected different tags")
                    seen.add(tag)
                contents = partial(BatchContents.of_batch, batch)
                with told_with(f"batch {number}", contents, spec, advice=ADVICE_FOR_PASSES):
                    arrays = [tensor.numpy() for tensor in forward(batch.data, batch.lengths)]
                yield batch, arrays

    def _batches(self, dataset: Dataset, in_order: bool) -> Iterator[Batch]:
        limits = self._limits(dataset.streams)
        if dataset.streamed:
            return tensors_of_stream(dataset, whole_sequences(dataset, limits, self.max_seqs))
        order = selected(dataset)
        if not in_order:
            order = order[numpy.argsort(dataset.order_lengths[order], kind="stable")]
        return batches_of_epoch(dataset, form_batches(order, dataset.measured_lengths, limits, self.max_seqs))

    def _limits(self, streams: Collection[str]) -> int | Mapping[str, int]:
        """:return: `batch_size` for the streams that are read"""
        if not isinstance(self.batch_size, Mapping):
            return self.batch_size
        limits = {key: size for key, size in self.batch_size.items() if key in streams}
        return limits or max(self.batch_size.values())


def selected(dataset: Dataset) -> numpy.ndarray:
    """:return: int64 [M], indices of the sequences that the data set selects, ascending"""
    return numpy.sort(dataset.epoch_order(1, 0, default="default"))


def selected_sequences(dataset: Dataset) -> Iterator[ReadSequence]:
    """:return: the sequences that the data set selects, in its order"""
    if dataset.streamed:
        yield from dataset.sequences(1, 0, "default")
        return
    for index in selected(dataset):
        yield ReadSequence(dataset.tag(index), dataset.read(index), {})


def needed(spec: NetworkSpec, layers: Sequence[str]) -> NetworkSpec:
    """:return: the part of the network that these layers depend on, so that data streams of others are not read"""
    kept: set[str] = set()
    waiting = list(layers)
    while waiting:
        name = waiting.pop()
        if name not in spec.layers or name in kept:
            continue
        kept.add(name)
        waiting += spec.layers[name].sources
        if name in spec.layers[name].sources:  # a layer in a loop, as the layers outside see it: the loop computes it
            parts = name.split("/")
            waiting += ["/".join([*parts[:number], ":loop"]) for number in range(1, len(parts))]
    return replace(spec, layers={name: layer for name, layer in spec.layers.items() if name in kept}, losses={})
