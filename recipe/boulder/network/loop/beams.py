"""The hypotheses of a beam search: their scores, and which hypothesis of the previous frame each one continues."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from boulder.lazy import TFTensor, tf
from boulder.network.axes import BEAM, Axis, Batch
from boulder.network.layer import Layer
from boulder.network.layer_run import LayerRun
from boulder.network.specs import LayerSpec
from boulder.network.template import Template
from boulder.network.tensor import Memory, Tensor

NEVER = -1e30
"""a log score that no hypothesis can have; finite, so that sums of it stay numbers. The same as RETURNN's"""

States = dict[str, dict[str | None, TFTensor]]
"""name of a layer with a state → key → value"""


def first_scores(shape: TFTensor) -> TFTensor:
    """:return: float32 [B, beam]; only hypothesis 0 counts, since all are equal before the first choice"""
    return tf.one_hot(tf.zeros(shape[:1], tf.int32), shape[1], on_value=0.0, off_value=NEVER)


def at_width(template: Template, beam: Axis | None) -> Template:
    """:return: the template with another number of the same search's hypotheses"""
    if beam is None:
        return template
    old = next((axis for axis in template.axes if axis.kind == BEAM and axis.origin == beam.origin), beam)
    return template.with_axis_replaced(old, beam)


@dataclass(frozen=True)
class Chosen:
    """
    :param labels: [B, beam]; [B] if all hypotheses have the same
    :param origins: int32 [B, beam], the hypothesis that each new one continues; None: the hypotheses stay
    :param scores: float32 [B, beam]
    :param further: name → further labels, [B, beam]
    """

    labels: Tensor
    origins: TFTensor
    scores: TFTensor
    further: Mapping[str, Tensor] = field(default_factory=dict)


class Chooser(Layer):
    """A layer that in a search selects the hypotheses that are continued, or changes their scores."""

    @property
    def beam_width(self) -> int | None:
        """The number of hypotheses that it selects; None if it selects none."""
        raise NotImplementedError

    @property
    def chooses(self) -> bool:
        """Whether it selects hypotheses, or changes their scores."""
        return self.beam_width is not None

    def choose(self, run: LayerRun, hypotheses: Hypotheses, *sources: Any) -> Chosen:
        """
        :param hypotheses: the hypotheses so far
        :param sources: a `Tensor` for each source; subclasses name them
        """
        raise NotImplementedError

    def final_scores(self, scores: TFTensor, frames: TFTensor) -> TFTensor:
        """
        :param scores: float32 [B, beam], after the last choice
        :param frames: int32 scalar, number of frames of the longest hypothesis, the frame of its end included
        :return: the scores with which the search ends
        """
        return scores


@dataclass
class Hypotheses:
    """
    The hypotheses of one frame.

    :param beam: their axis; each choice may change their number
    :param frame: int32 scalar, number of the frame
    :param scores: float32 [B, beam], sums of log probabilities
    :param ended: bool [B, beam]
    :param lengths: int32 [B, beam]
    """

    beam: Axis
    frame: TFTensor
    scores: TFTensor
    ended: TFTensor
    lengths: TFTensor

    def __post_init__(self) -> None:
        self.origins = tf.zeros_like(self.lengths) + tf.range(self.beam.size)
        """int32 [B, beam], the hypothesis of the previous frame that each one continues"""
        self.first = self.frame == 0
        """bool scalar: before the first choice, all hypotheses are the same, and only number 0 counts"""

    def choose(
        self,
        chooser: Chooser,
        spec: LayerSpec,
        run: LayerRun,
        sources: Sequence[Tensor],
        outputs: dict[str, Tensor],
        states: Iterable[tuple[States, Mapping[str, Mapping[str | None, Template]]]],
    ) -> Tensor:
        """
        Makes a choice, which replaces the hypotheses. Everything computed for the old ones is reordered, in place.

        :param chooser: the layer that chooses
        :param spec: its spec
        :param sources: its inputs
        :param outputs: name → value, computed in this frame so far or carried over
        :param states: states of layers, with their templates
        :return: labels
        """
        chosen = chooser.choose(run, self, *sources)
        self.scores = chosen.scores
        if chosen.origins is not None:
            new = spec.template.required(BEAM)
            select = _Selection(self.beam, new, chosen.origins)
            self.origins, self.ended, self.lengths = map(select.of_values, (self.origins, self.ended, self.lengths))
            for name, x in outputs.items():
                outputs[name] = select.of(x)
            for values, templates in states:
                for name, state in values.items():
                    values[name] = {key: select.of_state(state[key], t) for key, t in templates[name].items()}
            self.beam, self.first = new, tf.constant(False)
        return replace(chosen.labels, memory=self._memory(chosen))

    def _memory(self, chosen: Chosen) -> Memory:
        """:return: what layers may read of the choice"""
        axes, known = (Batch, self.beam), {"scores": chosen.scores, "src_beams": chosen.origins}
        templates = {"scores": Template(axes, "float32"), "src_beams": Template(axes, "int32")}
        found: dict[str | None, Tensor] = {
            key: Tensor(value, axes, templates[key]) for key, value in known.items() if value is not None
        }
        found.update(chosen.further)
        return Memory(None, found)


@dataclass(frozen=True)
class _Selection:
    """
    :param old: axis of the old hypotheses
    :param new: of the new ones
    :param origins: int32 [B, beam], the old hypothesis of each new one
    """

    old: Axis
    new: Axis
    origins: TFTensor

    def of_values(self, value: TFTensor) -> TFTensor:
        """
        :param value: [B, beam, …] of the old hypotheses
        :return: of the new ones
        """
        return tf.gather(value, self.origins, axis=1, batch_dims=1)

    def of(self, x: Tensor) -> Tensor:
        """:return: `x` of the new hypotheses"""
        if self.old not in x.axes:
            return x
        rest = [axis for axis in x.axes if axis not in (Batch, self.old)]
        axes = (Batch, self.old, *rest)
        logits = None if x.logits is None else self.of_values(x.ordered(axes, x.logits))
        memory = x.memory and Memory(None, {key: self.of(part) for key, part in x.memory.last.items()})
        template = x.template.with_axis_replaced(self.old, self.new)
        return Tensor(self.of_values(x.ordered(axes)), (Batch, self.new, *rest), template, logits, memory)

    def of_state(self, value: TFTensor, template: Template) -> TFTensor:
        """:param template: of the state, with any number of hypotheses"""
        old, new = at_width(template, self.old), at_width(template, self.new)
        return self.of(Tensor(value, old.axes, old)).ordered(new.axes)


def ways_back(origins: TFTensor) -> TFTensor:
    """
    :param origins: int32 [T, B, beam], the hypothesis of the previous frame that each hypothesis of a frame continues
    :return: int32 [T, B, beam], the hypothesis of each frame that each hypothesis of the last frame continues
    """
    last = tf.zeros_like(origins[0]) + tf.range(tf.shape(origins)[2])

    def step(later: TFTensor, origin: TFTensor) -> TFTensor:
        return tf.gather(origin, later, axis=1, batch_dims=1)

    earlier = tf.scan(step, origins[1:], initializer=last, reverse=True)
    return tf.concat([earlier, last[None]], axis=0)


def no_hypotheses(template: Template) -> Template:
    """:return: the template without the axis of hypotheses"""
    return Template(tuple(axis for axis in template.axes if axis.kind != BEAM), template.dtype, template.sparse_dim)
