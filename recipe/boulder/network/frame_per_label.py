"""Which losses leave out sequences with fewer frames than labels, found without TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy

from boulder.network.axes import Axis
from boulder.network.equal_lengths import lengths_along
from boulder.network.specs import NetworkSpec


@dataclass(frozen=True)
class FramePerLabel:
    """
    :param layer: name of the layer with the loss
    :param output: time axis of the layer
    :param target: time axis of its target
    """

    layer: str
    output: Axis
    target: Axis

    def lengths(self, lengths: Mapping[str, numpy.ndarray]) -> tuple[numpy.ndarray, numpy.ndarray] | None:
        """
        :param lengths: data stream → [N]
        :return: frames and labels of each sequence, [N] each; None if they do not follow from `lengths`
        """
        frames, labels = (lengths_along(axis.origin, lengths) for axis in (self.output, self.target))
        return None if frames is None or labels is None else (frames, labels)


def frame_per_label(spec: NetworkSpec) -> Iterator[FramePerLabel]:
    """:return: one for each loss such as `ctc` on a data stream"""
    for name, loss in spec.losses.items():
        if loss.loss.needs_frame_per_label and loss.target:
            output, target = spec.layers[name].template.time, spec.template(loss.target).time
            if output is not None and target is not None:
                yield FramePerLabel(name, output, target)
