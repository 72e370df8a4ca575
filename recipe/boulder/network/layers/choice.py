"""`choice`: which label comes next; `decide`: the best of what was chosen.

In training and evaluation a choice is what the data say (teacher forcing), or drawn (scheduled sampling). In a search it keeps the best of all
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
    :param scheduled_sampling: outside of a search, in training as in evaluation, draws labels by their probability
        instead of reading the true ones (https://arxiv.org/abs/1506.03099, without the second pass, as RETURNN does it);
        {"gold_mixin_prob": p} reads the true one with probability p. What it is in each index is the schedule
    :param cheating: in a search, keeps the true labels among the hypotheses, as the last of them; "exclusive" sees to it
        that they are there once. If then another wins, the model prefers it; if not, the search has lost it before. After
        the last true label it is read again (RETURNN ends the search with the true labels instead)
    """

    beam_size: int
    target: str = "classes"
    input_type: Literal["prob", "log_prob", "logits"] = "prob"
    length_normalization: bool = True
    length_normalization_exponent: float = 1.0
    prob_scale: float = 1.0
    base_beam_score_scale: float = 1.0
    scheduled_sampling: bool | dict = False
    cheating: bool | Literal["exclusive"] = False

    def dependencies(self, mode: str) -> tuple[str, ...]:
        if mode == "search":
            return (*self.source_names(), *([f"base:data:{self.target}"] if self.cheating else []))
        return (*(self.source_names() if self.scheduled_sampling else ()), f"data:{self.target}")

    def one_by_one(self, mode: str) -> bool:
        return mode == "search" or bool(self.scheduled_sampling)

    def spec(self, site: Site) -> Template:
        if site.loop is None:
            raise site.fail("stands in the subnetwork of a 'rec' layer only")
        if self.beam_size < 1:
            raise site.fail(f"'beam_size' must be at least 1, found {self.beam_size}")
        if len(self.source_names()) != 1:
            raise site.fail(f"takes one source, found {len(self.source_names())}")
        self._check_probability(site)
        truth = self._truth(site)
        if site.mode != "search":
            for _, source in site.sources[:-1]:
                self._check_scores(site, source)
                if source.dim != truth.sparse_dim:
                    raise site.fail(f"samples from {source.dim} labels, but {self.target!r} is {truth}")
            return truth
        ((_, source),) = site.sources[:1]
        self._check_scores(site, source)
        beam = source.axis(BEAM)
        if beam and beam.size != self.beam_size:
            raise site.fail(f"'beam_size' must be the same for all choices, found {self.beam_size} beside {beam.size}")
        return Template((Batch, Axis(BEAM, self.beam_size)), "int32", source.dim)

    def _check_probability(self, site: Site) -> None:
        if isinstance(self.scheduled_sampling, dict):
            unknown = [key for key in self.scheduled_sampling if key != "gold_mixin_prob"]
            if unknown:
                raise site.fail(f"'scheduled_sampling' has 'gold_mixin_prob' only, found {unknown[0]!r}")
        p = self._gold_mixin_prob
        if isinstance(p, bool) or not isinstance(p, int | float) or not 0 <= p <= 1:
            raise site.fail(f"'gold_mixin_prob' must be a number from 0 to 1, found {p!r}")

    def _truth(self, site: Site) -> Template | None:
        """:return: the true labels, where they are read"""
        if site.mode == "search" and not self.cheating:
            return None
        _, truth = site.sources[-1]
        if truth.sparse_dim is None:
            raise site.fail(f"'target' must have class indices, but {self.target!r} is {truth}")
        return truth

    @staticmethod
    def _check_scores(site: Site, source: Template) -> None:
        site.dense_dim(source)
        if {axis.kind for axis in source.axes} - {"batch", BEAM, "feature"}:
            raise site.fail(f"chooses among features, one label for each sequence, but its input is {source}")

    @property
    def _gold_mixin_prob(self) -> float:
        sampling = self.scheduled_sampling
        return sampling.get("gold_mixin_prob", 0.0) if isinstance(sampling, dict) else 0.0

    def compute(self, run, *sources):
        *scores, truth = sources
        if not scores:
            return replace(truth, template=run.template)
        labels = truth.ordered((Batch,))
        drawn = self._drawn(run, self._log_p(scores[0], (Batch, scores[0].template.feature)))
        if self._gold_mixin_prob:
            uniform = tf.random.stateless_uniform(tf.shape(labels), self._seed(run, "gold"))
            drawn = tf.where(uniform < self._gold_mixin_prob, labels, drawn)
        return run.tensor(drawn, (Batch,), run.template)

    def _drawn(self, run, log_p):
        """:return: int32 [B], labels by their probability"""
        return tf.random.stateless_categorical(log_p, 1, self._seed(run, "labels"), dtype=tf.int32)[:, 0]

    @staticmethod
    def _seed(run, what: str):
        return tf.random.experimental.stateless_fold_in(run.random_seed(what), run.frame)

    def choose(self, run, hypotheses, source, truth=None):
        """
        :param hypotheses: `boulder.network.loop.beams.Hypotheses`
        :param source: Tensor with features, one for each label
        :param truth: Tensor of the true labels [B, T], if they are to be kept
        :return: labels int32 [B, beam], of which hypothesis each is a continuation int32 [B, beam], and scores [B, beam]
        """
        beam, n = hypotheses.beam, source.template.dim
        log_p = self._log_p(source, (Batch, beam, source.template.feature))
        log_p = tf.broadcast_to(log_p, [tf.shape(log_p)[0], beam.size, n])
        ends_here = tf.one_hot(0, n, on_value=0.0, off_value=NEVER)
        log_p = tf.where(hypotheses.ended[:, :, None], ends_here, log_p)
        base = hypotheses.scores * self._growth(hypotheses)
        scores = self.prob_scale * log_p + self.base_beam_score_scale * base[:, :, None]
        scores = tf.reshape(scores, [-1, beam.size * n])
        best, position = (
            self._best_and_true(run, hypotheses, scores, truth) if truth else tf.math.top_k(scores, beam.size)
        )
        return position % n, position // n, best

    def _best_and_true(self, run, hypotheses, scores, truth):
        """
        :param scores: float32 [B, beam * n] of all continuations
        :return: as top_k's, [B, beam] each; the last is that of the true labels
        """
        time, beam = truth.template.time, hypotheses.beam
        n = scores.shape[1] // beam.size
        frame = tf.minimum(hypotheses.frame, run.length(time) - 1)
        label = tf.gather(truth.ordered((Batch, time)), tf.maximum(frame, 0), axis=1, batch_dims=1)
        before = tf.where(hypotheses.frame > 0, beam.size - 1, 0)  # before the first choice only hypothesis 0 counts
        label = tf.where(hypotheses.ended[:, before], 0, label)
        position = (before * n + label)[:, None]
        score = tf.gather(scores, position, axis=1, batch_dims=1)
        if self.cheating == "exclusive":
            scores = tf.where(tf.range(scores.shape[1]) == position, 2 * NEVER, scores)
        best, others = tf.math.top_k(scores, beam.size - 1)
        return tf.concat([best, score], axis=1), tf.concat([others, position], axis=1)

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
    """
    In a search the best hypothesis; otherwise its source as it is.

    :param length_normalization: whether the scores count by the lengths once more
    """

    length_normalization: bool = False

    def spec(self, site: Site) -> Template:
        if len(site.sources) != 1:
            raise site.fail(f"takes one source, found {len(site.sources)}")
        ((_, template),) = site.sources
        if template.axis(BEAM) is None:
            return template
        if self.length_normalization and template.time is None:
            raise site.fail(f"'length_normalization' needs a source with a time axis, found {template}")
        return _decided(template)

    def compute(self, run, x):
        beam = x.template.axis(BEAM)
        if beam is None:
            return x
        scores = run.beam_scores[beam]
        if self.length_normalization:
            scores /= tf.cast(run.length_over((Batch, beam), x.template.time), tf.float32)
        best = tf.argmax(scores, axis=1, output_type=tf.int32)
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
