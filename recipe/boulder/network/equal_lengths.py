"""Which time axes of a network must have the same lengths, found without TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy

from boulder.network.axes import LOOP, Axis, Time
from boulder.network.loop.nodes import Enter
from boulder.network.specs import NetworkSpec
from boulder.network.template import Template

DIFFERING = r"""layer \\*'([^'\\]*)\\*': lengths along (.+?) and (.+?) differ\W+(\d+)\W+(\d+)\W+(\d+)"""
"""The message with which `LayerRun.with_same_lengths` fails: layer, both axes, number of the sequence in the batch, its lengths
along both."""


@dataclass(frozen=True)
class EqualLengths:
    """
    :param layer: name of the layer that needs two time axes to have the same lengths
    :param first: of its output, or of its loop
    :param second: of its target, or of what it reads
    """

    layer: str
    first: Axis
    second: Axis

    def differing(self, lengths: Mapping[str, numpy.ndarray]) -> tuple[numpy.ndarray, numpy.ndarray] | None:
        """
        :param lengths: data stream → [N]
        :return: the lengths along both axes, [N] each; None if they do not follow from `lengths`, or are the same
        """
        first, second = (lengths_along(axis.origin, lengths) for axis in (self.first, self.second))
        if first is None or second is None or first is second or numpy.array_equal(first, second):
            return None
        return first, second

    def problem(self, first: int, second: int) -> str:
        """:param first: length of a sequence along the first axis; `second` likewise"""
        return (
            f"layer {self.layer!r}: {first} frames along {self.first}, {second} along {self.second}, expected as many"
        )


def equal_lengths(spec: NetworkSpec) -> Iterator[EqualLengths]:
    """:return: one for each loss that compares frame by frame, for each input of a loop where the axes are not the same,
    and for each data stream with the time axis of another one"""
    for key, template in spec.extern_data.items():
        if template.time and template.time.size is None:
            yield from _pair(f"data:{key}", Time(key), template.time)
    for name, loss in spec.losses.items():
        if loss.loss.is_framewise and loss.target:
            yield from _pair(name, _time_of(spec.layers[name].template), _time_of(spec.template(loss.target)))
    for layer in spec.all_layers():
        if isinstance(layer.layer, Enter) and layer.sources[0] in {*spec.layers, *map(_name, spec.extern_data)}:
            yield from _pair(layer.name, layer.layer.loop.as_time(), spec.template(layer.sources[0]).time)


def _name(stream: str) -> str:
    return f"data:{stream}"


def _time_of(output: Template) -> Axis | None:
    """:return: the iterations of a loop, which are frames outside of it, or the time axis"""
    loops = [axis.as_time() for axis in output.axes if axis.kind == LOOP]
    return loops[-1] if loops else output.time


def _pair(layer: str, first: Axis | None, second: Axis | None) -> Iterator[EqualLengths]:
    if first is not None and second is not None and first != second:
        yield EqualLengths(layer, first, second)


def lengths_along(origin: tuple, lengths: Mapping[str, numpy.ndarray]) -> numpy.ndarray | None:
    """
    :param origin: of an axis, see `Axis`
    :return: [N]; None if they do not follow from the lengths of the streams
    """
    match origin:
        case (str(key),):
            return lengths.get(key)
        case ("as", str(), tuple(source)):
            return lengths_along(source, lengths)
        case ("repeat", int(times), tuple(source)):
            found = lengths_along(source, lengths)
            return None if found is None else found * times
        case ("every", int(stride), tuple(source)):
            found = lengths_along(source, lengths)
            return None if found is None else -(-found // stride)
    return None
