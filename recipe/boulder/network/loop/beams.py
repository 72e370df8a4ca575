"""The hypotheses of a beam search: which of them there are in a frame, and from which of the frame before each comes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from boulder.lazy import tf
from boulder.network.axes import Axis, Batch
from boulder.network.template import Template
from boulder.network.tensor import Memory, Tensor

NEVER = -1e30
"""A score in log space that none can have; finite, so that sums of it stay numbers. RETURNN's."""


def first_scores(shape):
    """:return: float32 [B, beam]: before the first choice all hypotheses are the same, so that only one counts"""
    return tf.one_hot(tf.zeros(shape[:1], tf.int32), shape[1], on_value=0.0, off_value=NEVER)


class Hypotheses:
    """
    Those of one frame.

    :param beam: their axis
    :param frame: int32 scalar, its number
    :param scores: float32 [B, beam], sums of log probabilities
    :param ended: bool [B, beam]
    :param lengths: int32 [B, beam]
    """

    def __init__(self, beam: Axis | None, frame, scores, ended, lengths):
        self.beam, self.frame = beam, frame
        self.scores, self.ended, self.lengths = scores, ended, lengths
        if beam is not None:
            self.origins = tf.zeros_like(lengths) + tf.range(beam.size)

    def choose(
        self, spec, templates: Mapping, run, sources, outputs: dict[str, Tensor], states: Sequence[dict]
    ) -> Tensor:
        """
        Makes a choice, after which the hypotheses are others, so that all that was computed for them is put in order.

        :param spec: of a layer `choice`
        :param templates: layer with a memory → what that is
        :param sources: of the choice
        :param outputs: of this frame so far, and what was kept of the last one
        :param states: of layers computed in this frame so far, and of all of them in the frame before
        :return: labels
        """
        labels, origins, self.scores = spec.layer.choose(run, self, *sources)
        select = _Selection(self.beam, origins)
        self.origins, self.ended, self.lengths = map(select.of_values, (self.origins, self.ended, self.lengths))
        for name, x in outputs.items():
            outputs[name] = select.of(x)
        for values in states:
            for name, state in values.items():
                tensors = {key: Tensor(state[key], t.axes, t) for key, t in templates[name].items()}
                values[name] = {key: select.of(x).ordered(x.template.axes) for key, x in tensors.items()}
        return Tensor(labels, (Batch, self.beam), spec.template)


class _Selection:
    """
    :param origins: int32 [B, beam], the old hypothesis of each new one
    """

    def __init__(self, beam: Axis, origins):
        self.beam, self.origins = beam, origins

    def of_values(self, value):
        """:return: `value` [B, beam, …] of the new hypotheses"""
        return tf.gather(value, self.origins, axis=1, batch_dims=1)

    def of(self, x: Tensor) -> Tensor:
        if self.beam not in x.axes:
            return x
        axes = (Batch, self.beam, *(axis for axis in x.axes if axis not in (Batch, self.beam)))
        logits = None if x.logits is None else self.of_values(x.ordered(axes, x.logits))
        memory = x.memory and Memory(None, {key: self.of(part) for key, part in x.memory.last.items()})
        return Tensor(self.of_values(x.ordered(axes)), axes, x.template, logits, memory)


def ways_back(origins):
    """
    :param origins: int32 [T, B, beam], from which hypothesis of the frame before each of a frame comes
    :return: int32 [T, B, beam], which hypothesis of a frame each of the last frame's goes back to
    """
    last = tf.zeros_like(origins[0]) + tf.range(tf.shape(origins)[2])

    def step(later, origin):
        return tf.gather(origin, later, axis=1, batch_dims=1)

    earlier = tf.scan(step, origins[1:], initializer=last, reverse=True)
    return tf.concat([earlier, last[None]], axis=0)


def no_hypotheses(template: Template) -> Template:
    """:return: of one sequence, in place of several hypotheses"""
    return Template(tuple(axis for axis in template.axes if axis.kind != "beam"), template.dtype, template.sparse_dim)
