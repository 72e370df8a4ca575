"""The output of a layer for each sequence of a batch, without padding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy

from boulder.errors import NetworkError, nearest
from boulder.lazy import TFTensor, tf
from boulder.network.axes import BEAM, DYNAMIC, FEATURE, SPATIAL, Axis, Batch
from boulder.network.run import NetworkOutput
from boulder.network.specs import LayerSpec, NetworkSpec
from boulder.network.template import Template


@dataclass(frozen=True)
class LayerOutput:
    """
    :param name: of the layer
    :param template: of its output, with a batch axis
    """

    name: str
    template: Template

    @classmethod
    def of(cls, spec: NetworkSpec, name: str) -> LayerOutput:
        """:raises NetworkError: if there is no such layer, or if its output is the same for all sequences"""
        template = layer_of(spec, name).template
        if template.batch is None:
            raise NetworkError(f"layer {name!r} is {template}, expected an output for each sequence")
        return cls(name, template)

    @property
    def beam(self) -> Axis | None:
        """The axis of the hypotheses of a search."""
        return self.template.axis(BEAM)

    @property
    def frames(self) -> tuple[Axis, ...]:
        """Axes with a length for each sequence."""
        return tuple(axis for axis in self.template.axes if axis.kind in DYNAMIC)

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The axes of `rows`: batch, hypotheses, frames, others, features."""
        rest = [axis for kind in (SPATIAL, FEATURE) for axis in self.template.axes if axis.kind == kind]
        return (Batch, *([self.beam] if self.beam else []), *self.frames, *rest)

    @property
    def num_tensors(self) -> int:
        """Length of `tensors`."""
        return 1 + len(self.frames) + (self.beam is not None)

    def tensors(self, out: NetworkOutput) -> list[TFTensor]:
        """:return: the values, in the order of `axes`; lengths along each of `frames`, [B] or, with hypotheses, [B, beam]; scores of the hypotheses [B, beam]"""
        value = out.layers[self.name].ordered(self.axes)
        batch = tf.shape(value)[:1]
        if self.beam is None:
            return [value, *(self._lengths(out, axis, batch) for axis in self.frames)]
        shape = tf.concat([batch, [self.beam.known_size]], 0)
        return [value, *(self._lengths(out, axis, shape) for axis in self.frames), out.beam_scores[self.beam]]

    @staticmethod
    def _lengths(out: NetworkOutput, axis: Axis, shape: TFTensor) -> TFTensor:
        lengths = tf.constant(axis.size) if axis.size else out.lengths[axis.as_time()]
        if lengths.shape.rank == 1 and shape.shape[0] == 2:
            lengths = lengths[:, None]
        return tf.broadcast_to(lengths, shape)

    def rows(self, arrays: list[numpy.ndarray]) -> list[Any]:
        """
        :param arrays: of `tensors`
        :return: for each sequence: an array, or, with hypotheses, a list of (score, array)
        """
        value, *lengths = arrays
        if self.beam is None:
            return [_trimmed(row, *sizes) for row, *sizes in zip(value, *lengths, strict=True)]
        return [
            [(score, _trimmed(row, *sizes)) for row, *sizes, score in zip(*of_sequence, strict=True)]
            for of_sequence in zip(value, *lengths, strict=True)
        ]


def layer_of(spec: NetworkSpec, name: str) -> LayerSpec:
    """:raises NetworkError: if there is no such layer; names the nearest one"""
    if name not in spec.layers:
        raise NetworkError(
            f"there is no layer {name!r}{nearest(name, spec.layers)} (a layer that nothing reads needs 'is_output_layer')"
        )
    return spec.layers[name]


def rows_of_layers(outputs: Mapping[str, LayerOutput], arrays: Sequence[numpy.ndarray]) -> dict[str, list[Any]]:
    """
    :param arrays: `tensors` of all outputs, one after the other
    :return: key of `outputs` → `rows` of the output
    """
    rest, rows = list(arrays), {}
    for key, output in outputs.items():
        rows[key], rest = output.rows(rest[: output.num_tensors]), rest[output.num_tensors :]
    return rows


def _trimmed(row: numpy.ndarray, *sizes: int) -> numpy.ndarray:
    """:return: the array with the first axes of these sizes"""
    return row[tuple(slice(size) for size in sizes)]
