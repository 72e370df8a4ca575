"""The body of a loop: the layers that must be computed frame by frame, and what connects the frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from boulder.network.axes import Axis
from boulder.network.loop.length import MaxLength
from boulder.network.template import Template


@dataclass(frozen=True)
class Carried:
    """
    A layer's output that is carried over to the next frame.

    :param layer: name of the layer
    :param previous: name under which it is read in the next frame
    :param template: of one frame
    :param initial: value in the first frame, or name of the source that gives it
    :param variable: name of the parameter of the loop with the features in the first frame, in place of `initial`
    """

    layer: str
    previous: str
    template: Template
    initial: float | int | bool | str
    variable: str | None = None


@dataclass(frozen=True, kw_only=True)
class Body:
    """
    :param loop: the loop's axis
    :param carried: outputs that are carried over from frame to frame
    :param states: layer with a state → key → template of one frame
    :param results: layers that are needed for all frames → their templates, over all frames
    :param logits: layers of `results` whose logits, the values before the softmax, are needed as well
    :param end: the layer that tells for each sequence whether it has ended; None if the lengths are known before the loop
    :param input_time: time axis of an input that ends the sequences that `end` does not; None without one
    :param number: name of the frame's number, `:i`
    :param max_length: maximal number of frames where `end` decides
    :param include_eos: whether the frame in which `end` becomes true belongs to the sequence
    :param beam: the axis of hypotheses, in a search
    :param recompute: whether the values within a frame are computed again for the gradient
    :param back_prop: whether gradients pass through the frames
    """

    loop: Axis
    carried: tuple[Carried, ...]
    states: Mapping[str, Mapping[str | None, Template]]
    results: Mapping[str, Template]
    logits: tuple[str, ...]
    end: str | None
    number: str
    max_length: MaxLength
    include_eos: bool
    beam: Axis | None
    recompute: bool = False
    back_prop: bool = True
    input_time: Axis | None = None
