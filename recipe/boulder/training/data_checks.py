"""What can be known of the data of a phase before it is trained: that every epoch has sequences, and that their lengths fit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy

from boulder.counted import counted
from boulder.data import Dataset, within_limits
from boulder.errors import DataError, named
from boulder.network import NetworkSpec, uses_streams
from boulder.network.equal_lengths import equal_lengths
from boulder.network.frame_per_label import frame_per_label
from boulder.training.epoch_batches import batches_to_score, batches_to_train
from boulder.training.phase import TrainingPhase
from boulder.training.training_options import TrainingOptions


def check_data(
    phase: TrainingPhase,
    spec: NetworkSpec,
    epoch: int,
    train: Dataset,
    scored: Mapping[str, Dataset],
    say: Callable[[str], None],
) -> None:
    """
    Data sets are not checked whose lengths are known only when sequences are read.

    :param spec: network of the phase
    :param epoch: the first one to train
    :param say: is told of sequences that a loss leaves out
    :raises DataError: if an epoch has no sequences, or the streams of a sequence have lengths that do not fit each other
    """
    options, streams = phase.options, uses_streams(spec)
    if not train.streamed and (_may_be_empty(train, options) or _has_mismatch(spec, train)):
        for number in _one_pass(train, epoch, phase.last_epoch):
            with named(f"{phase.index_name}: train data"):
                dataset, batches = batches_to_train(train, number, options, streams)
                check_lengths(spec, dataset, batches.order)
    if not train.streamed and not options.chunking:
        with named(f"{phase.index_name}: train data"):
            lengths = train.all_lengths if options.returnn_batches else train.measured_lengths
            every = numpy.arange(train.num_seqs)
            used = within_limits(every, lengths, options.max_seq_length, options.min_seq_length)
            _check_frames(train, streams, used)
            _check_labels(spec, train, used, lambda line: say(f"{phase.index_name}: train data: {line}"))
    for name, dataset in scored.items():
        if not dataset.streamed:
            for number in _one_pass(dataset, epoch, phase.last_epoch):
                with named(f"{phase.index_name}: {name} data"):
                    batches = batches_to_score(dataset, number, options, limited=name == "dev")
                    check_lengths(spec, dataset, batches.order)


def _check_frames(dataset: Dataset, streams: Iterable[str], seqs: numpy.ndarray) -> None:
    """:raises DataError: if a stream is empty in all sequences"""
    for key in streams:
        stream = dataset.streams.get(key)
        if len(seqs) and stream is not None and stream.has_time_axis and not dataset.measured_lengths[key][seqs].any():
            raise DataError(
                f"{key!r} has no frames in any of {counted(len(seqs), 'sequence')}, such as {dataset.tag(int(seqs[0]))!r}"
            )


def _check_labels(spec: NetworkSpec, dataset: Dataset, seqs: numpy.ndarray, say: Callable[[str], None]) -> None:
    """:raises DataError: if a loss would leave out all sequences, since they have more labels than frames"""
    for loss in frame_per_label(spec):
        found = loss.lengths(dataset.measured_lengths)
        if found is None:
            continue
        frames, labels = (lengths[seqs] for lengths in found)
        short = seqs[frames < labels]
        if not len(short):
            continue
        first, left_out = int(short[0]), f"layer {loss.layer!r}: its loss leaves out"
        example = f"which have more labels than frames, such as {dataset.tag(first)!r}: {found[1][first]} labels, {found[0][first]} frames"
        if len(short) == len(seqs):
            raise DataError(f"{left_out} all {counted(len(seqs), 'sequence')}, {example}; reduce the time less")
        say(f"{left_out} {len(short)} of {counted(len(seqs), 'sequence')}, {example}")


def check_lengths(spec: NetworkSpec, dataset: Dataset, seqs: numpy.ndarray) -> None:
    """
    :param seqs: sequences of the data set
    :raises DataError: if the streams of one have lengths that do not fit each other; names the sequence
    """
    for pair in equal_lengths(spec):
        found = pair.differing(dataset.measured_lengths)
        if found is None:
            continue
        first, second = found
        wrong = seqs[first[seqs] != second[seqs]]
        if len(wrong):
            more = f"; {len(wrong)} sequences differ" if len(wrong) > 1 else ""
            seq = int(wrong[0])
            raise DataError(f"sequence {dataset.tag(seq)!r}: {pair.problem(int(first[seq]), int(second[seq]))}{more}")


def _has_mismatch(spec: NetworkSpec, dataset: Dataset) -> bool:
    return any(pair.differing(dataset.measured_lengths) is not None for pair in equal_lengths(spec))


def _may_be_empty(train: Dataset, options: TrainingOptions) -> bool:
    """:return: whether one of the parts of the data may have no sequence that is used"""
    control = train.order_control
    if control.partition_epoch == 1:
        return False  # then every epoch has the sequences of the first one
    if control.seq_list_filter_file is not None or control.unique_seq_tags:
        return True
    every = numpy.arange(train.num_seqs)
    lengths = train.all_lengths if options.returnn_batches else train.measured_lengths
    used = within_limits(every, lengths, options.max_seq_length, options.min_seq_length)
    unused = len(every) - len(used)
    return unused > 0 and unused >= len(every) // control.partition_epoch


def _one_pass(dataset: Dataset, epoch: int, last: int) -> range:
    return range(epoch, min(last, epoch + dataset.order_control.partition_epoch - 1) + 1)
