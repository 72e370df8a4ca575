"""Generated data for a trial of a network: a few sequences of unequal lengths that fit its data streams and losses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy

from boulder.data.streams import Stream, default_input, read_extern_data
from boulder.errors import DataError
from boulder.network import NetworkSpec, uses_streams
from boulder.network.equal_lengths import equal_lengths, lengths_along
from boulder.network.frame_per_label import frame_per_label
from boulder.training.trial_automata import ROWS_PER_STATE, automata_streams, automaton

_SAMPLES_PER_FRAME = 160
"""of a stream with a single feature, which is taken for a waveform"""

_FRAMES_PER_LABEL = 8
_CLASSES = 100
"""of labels whose number is not known"""

_LONGEST = 100_000
"""frames; a network that leaves nothing of so many is not trained on generated data"""


def trial_data(spec: NetworkSpec, extern_data: Mapping[str, Any], seqs: int, frames: int, seed: int = 1) -> dict:
    """
    :param spec: the network: losses that compare frames need targets of the output's length, CTC fewer labels than frames, `fast_bw`
        automata
    :param seqs: number of sequences
    :param frames: length of the longest sequence of the input
    :return: description of a data set with the streams that the network reads
    :raises DataError: if no lengths fit
    """
    streams = {key: stream for key, stream in read_extern_data(extern_data).items() if key in uses_streams(spec)}
    lengths = _fitting_lengths(spec, streams, default_input(extern_data), seqs, frames)
    rng = numpy.random.default_rng(seed)
    losses = {loss.target: loss.loss.class_name for loss in spec.losses.values() if loss.target}
    aligned = {pair.second.origin[0] for pair in equal_lengths(spec) if len(pair.second.origin) == 1}
    automata = automata_streams(spec)

    def value(key: str, seq: int) -> list:
        stream, size = streams[key], int(lengths[key][seq]) if key in lengths else None
        if key in automata and size is not None:
            return automaton(size // ROWS_PER_STATE, automata[key], rng).tolist()
        return _values(stream, size, key in aligned, losses.get(key), rng).tolist()

    data = [{key: value(key, seq) for key in streams} for seq in range(seqs)]
    dims = {
        key: [stream.dim, 1 if stream.sparse else 2]
        for key, stream in streams.items()
        if stream.dim and not stream.inner
    }
    return {"class": "StaticDataset", "data": data, "output_dim": dims}


def _values(
    stream: Stream, frames: int | None, aligned: bool, loss: str | None, rng: numpy.random.Generator
) -> numpy.ndarray:
    """
    :param frames: None for a stream without time, which has its value as a single frame
    :param aligned: whether labels are those of frames, and so come in runs
    :param loss: name of the loss with this target
    """
    shape = [1 if frames is None else frames]
    if not stream.sparse:
        values = rng.normal(size=[*shape, *(size or 1 for size in stream.feature_shape)])
        if loss == "bin_ce":
            return (values > 0).astype(float)
        if loss == "ce":  # a distribution
            return numpy.exp(values) / numpy.exp(values).sum(axis=-1, keepdims=True)
        return values if stream.dtype.startswith("float") else rng.integers(0, 100, values.shape)
    classes = stream.dim or _CLASSES
    if frames is None:
        return rng.integers(0, classes, shape)
    if aligned:
        return numpy.repeat(_labels(-(-frames // 3), classes, rng), 3)[:frames]
    return _labels(frames, classes, rng)


def _labels(count: int, classes: int, rng: numpy.random.Generator) -> numpy.ndarray:
    """:return: [count], neighbours differ if there are classes enough, so that CTC needs no blank between them"""
    steps = rng.integers(1, max(classes, 2), count)
    return numpy.cumsum(steps) % classes


def _fitting_lengths(
    spec: NetworkSpec, streams: Mapping[str, Stream], source: str | None, seqs: int, frames: int
) -> dict[str, numpy.ndarray]:
    """:return: stream with a time axis → [seqs], longest first"""
    while frames <= _LONGEST:
        lengths = {key: _own_lengths(s, key == source, seqs, frames) for key, s in streams.items() if s.has_time_axis}
        for key in automata_streams(spec):
            lengths[key] = ROWS_PER_STATE * _of_labels(seqs, frames)
        _follow_network(spec, lengths)
        if all((of_stream > 0).all() for of_stream in lengths.values()):
            return lengths
        frames *= 2
    raise DataError(f"no sequence of at most {_LONGEST} frames fits the network; expected fewer frames to be left out")


def _own_lengths(stream: Stream, is_input: bool, seqs: int, frames: int) -> numpy.ndarray:
    if stream.sparse and not is_input:
        return _of_labels(seqs, frames)
    return _decreasing(seqs, frames * _SAMPLES_PER_FRAME if stream.dim == 1 else frames)


def _of_labels(seqs: int, frames: int) -> numpy.ndarray:
    return _decreasing(seqs, max(2, frames // _FRAMES_PER_LABEL))


def _decreasing(seqs: int, longest: int) -> numpy.ndarray:
    return numpy.maximum(1, numpy.round(longest * numpy.linspace(1.0, 0.5, seqs))).astype(int)


def _follow_network(spec: NetworkSpec, lengths: dict[str, numpy.ndarray]) -> None:
    """Sets the lengths that follow from others in the network. A length of 0 tells that the others are too short."""
    for pair in equal_lengths(spec):
        for given, other in ((pair.second.origin, pair.first.origin), (pair.first.origin, pair.second.origin)):
            found = lengths_along(other, lengths)
            if len(given) == 1 and given[0] in lengths and found is not None:
                lengths[given[0]] = found
                break
    for loss in frame_per_label(spec):
        known = loss.lengths(lengths)
        if known is not None and len(loss.target.origin) == 1:
            lengths[loss.target.origin[0]] = numpy.minimum(known[1], known[0] // 2)
