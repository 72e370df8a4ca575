"""`choice`: which label comes next; `decide`: the best of what was chosen.

In training and evaluation a choice is what the data say (teacher forcing). In a search it keeps the best of all
continuations of all hypotheses:

    score(y_1 … y_t) = score(y_1 … y_{t-1}) + log p(y_t | y_1 … y_{t-1})

A hypothesis that has ended goes on with label 0 at no cost. With length normalisation its score grows as if each further
label had cost as much as its labels did on average, so that scores of different lengths compare (RETURNN's ChoiceLayer).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from boulder.lazy import tf
from boulder.network.axes import BEAM, TIME, Axis, Batch
from boulder.network.layer import Layer, Site, layer_class
from boulder.network.loop.beams import NEVER, no_hypotheses
from boulder.network.template import Template


@layer_class("choice")
@dataclass(frozen=True, kw_only=True)
class Choice(Layer):
    """
    :param beam_size: how many hypotheses are kept
    :param target: key of the data stream of the true labels
    :param input_type: what the source has for each label: "prob", "log_prob" or "logits", which are not normalised
    :param length_normalization: whether the score of a hypothesis counts by its length
    :param length_normalization_exponent: 1 for the mean over labels, less for less of an advantage of long ones
    :param prob_scale: factor of the log probabilities
    :param base_beam_score_scale: factor of the score so far
    """

    beam_size: int
    target: str = "classes"
    input_type: Literal["prob", "log_prob", "logits"] = "prob"
    length_normalization: bool = True
    length_normalization_exponent: float = 1.0
    prob_scale: float = 1.0
    base_beam_score_scale: float = 1.0

    def dependencies(self, mode: str) -> tuple[str, ...]:
        return self.source_names() if mode == "search" else (f"data:{self.target}",)

    def one_by_one(self, mode: str) -> bool:
        return mode == "search"

    def spec(self, site: Site) -> Template:
        if site.loop is None:
            raise site.fail("stands in the subnetwork of a 'rec' layer only")
        if self.beam_size < 1:
            raise site.fail(f"'beam_size' must be at least 1, found {self.beam_size}")
        (_, source), *others = site.sources
        if site.mode != "search":
            if source.sparse_dim is None:
                raise site.fail(f"'target' must have class indices, but {self.target!r} is {source}")
            return source
        if others:
            raise site.fail(f"takes one source, found {len(others) + 1}")
        site.dense_dim(source)
        if {axis.kind for axis in source.axes} - {"batch", BEAM, "feature"}:
            raise site.fail(f"chooses among features, one label for each sequence, but its input is {source}")
        beam = source.axis(BEAM)
        if beam and beam.size != self.beam_size:
            raise site.fail(f"'beam_size' must be the same for all choices, found {self.beam_size} beside {beam.size}")
        return Template((Batch, Axis(BEAM, self.beam_size)), "int32", source.dim)

    def compute(self, run, labels):
        return replace(labels, template=run.template)

    def choose(self, run, hypotheses, source):
        """
        :param hypotheses: `boulder.network.loop.beams.Hypotheses`
        :param source: Tensor with features, one for each label
        :return: labels int32 [B, beam], of which hypothesis each is a continuation int32 [B, beam], and scores [B, beam]
        """
        beam, n = hypotheses.beam, source.template.dim
        log_p = self._log_p(source, (Batch, beam, source.template.feature))
        log_p = tf.broadcast_to(log_p, [tf.shape(log_p)[0], beam.size, n])
        ends_here = tf.one_hot(0, n, on_value=0.0, off_value=NEVER)
        log_p = tf.where(hypotheses.ended[:, :, None], ends_here, log_p)
        base = hypotheses.scores * self._growth(hypotheses)
        scores = self.prob_scale * log_p + self.base_beam_score_scale * base[:, :, None]
        best, position = tf.math.top_k(tf.reshape(scores, [-1, beam.size * n]), k=beam.size)
        return position % n, position // n, best

    def _log_p(self, source, axes):
        if self.input_type == "log_prob":
            return source.ordered(axes)
        if self.input_type == "logits":
            return tf.nn.log_softmax(source.ordered(axes))
        if source.logits is not None:
            return tf.nn.log_softmax(source.ordered(axes, source.logits))
        return tf.math.log(tf.maximum(source.ordered(axes), 1e-30))

    def _growth(self, hypotheses):
        """:return: [B, beam], by how much a score of t frames becomes one of t + 1 frames"""
        if not self.length_normalization:
            return 1.0
        t = tf.cast(tf.maximum(hypotheses.frame, 1), tf.float32)
        return tf.where(hypotheses.ended, ((t + 1) / t) ** self.length_normalization_exponent, 1.0)


@layer_class("decide")
@dataclass(frozen=True, kw_only=True)
class Decide(Layer):
    """In a search the best hypothesis; otherwise its source as it is."""

    def spec(self, site: Site) -> Template:
        if len(site.sources) != 1:
            raise site.fail(f"takes one source, found {len(site.sources)}")
        ((_, template),) = site.sources
        if template.axis(BEAM) is None:
            return template
        return _decided(template)

    def compute(self, run, x):
        beam = x.template.axis(BEAM)
        if beam is None:
            return x
        best = tf.argmax(run.scores(beam), axis=1, output_type=tf.int32)
        renamed = {}
        for axis in x.template.axes:
            if _is_of_hypotheses(axis):
                renamed[axis] = axis.derived("decide")
                run.set_length(renamed[axis], tf.gather(run.length(axis), best, axis=1, batch_dims=1))
        axes = (Batch, beam, *(axis for axis in x.axes if axis not in (Batch, beam)))
        value = tf.gather(x.ordered(axes), best, axis=1, batch_dims=1)
        axes = (Batch, *(renamed.get(axis, axis) for axis in axes[2:]))
        for position, axis in enumerate(axes):
            if axis in renamed.values():
                value = tf.gather(value, tf.range(run.frames(axis)), axis=position)
        return x.made(value, axes, run.template)


def _decided(template: Template) -> Template:
    for axis in template.axes:
        if _is_of_hypotheses(axis):
            template = template.with_axis_replaced(axis, axis.derived("decide"))
    return no_hypotheses(template)


def _is_of_hypotheses(axis: Axis) -> bool:
    """:return: whether it is the time of a loop whose end is found in the search, so that each hypothesis has its own"""
    return axis.kind == TIME and axis.origin[0] == "loop"
