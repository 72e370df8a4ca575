"""`choice`: the next label.

In training and evaluation a choice reads the true label (teacher forcing) or samples one (scheduled sampling). In a search it
keeps the best continuations of all hypotheses:

    score(y_1 … y_t) = score(y_1 … y_{t-1}) + log p(y_t | y_1 … y_{t-1})

A hypothesis that has ended is continued with label 0, which costs nothing. With length normalisation, its score grows by the
mean cost of its labels in each further frame, so that scores of hypotheses of different lengths are comparable.

With `input_type` "regression" the source predicts the frame itself, e.g. a spectrogram's. There is nothing to choose from: a
search reads the prediction, with one hypothesis, and training and evaluation the true frame.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from boulder.errors import NetworkError
from boulder.lazy import TFTensor, tf
from boulder.network.axes import BEAM, FEATURE, TIME, Axis, Batch
from boulder.network.code.layer import CodeChoice, code_layer
from boulder.network.code.running import code_of
from boulder.network.layer import layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.loop.beams import NEVER, Chooser, Chosen, Hypotheses, no_hypotheses
from boulder.network.loop.continuations import Continuations
from boulder.network.refs import TARGET
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor


@layer_class("choice")
@dataclass(frozen=True, kw_only=True)
class Choice(Chooser):
    """
    The label of each iteration: in training and evaluation the true one, or a sampled one; in a search, those of the best
    hypotheses. With `input_type` "regression", the frame: the true one, and in a search the source. RETURNN: ChoiceLayer.

    RETURNN's scores of a loop over an input include labels that are chosen in the padding.

    :param beam_size: number of hypotheses after the choice
    :param target: the true labels, or frames, see `Layer`; None if they are never read
    :param search: whether labels are searched, or the true ones are read; None: in a search they are searched
    :param add_to_beam_scores: in a search in which this choice reads the true labels, whether their scores count; None: they do
    :param keep_beams: continue each hypothesis by as many labels; `beam_size` must be a multiple of the number before
    :param random_sample_scale: factor of Gumbel noise that is added to the scores, to sample the labels
    :param custom_score_combine: function of layer, scores_in, scores_base, t, end_flags, batch_dim, scores_beam_in and base_beam_in
        that returns the scores of all continuations, [batch, beam, labels], in place of the weighted sum
    :param explicit_search_source: a layer that `custom_score_combine` reads, as `layer.explicit_search_sources[0]`
    :param explicit_search_sources: a list of them, or a dict
    :param source_beam_sizes: only for several sources, which are not supported
    :param input_type: meaning of the source: "prob", "log_prob", "logits" (not normalised) or "regression"
    :param length_normalization: whether scores are normalised by length
    :param length_normalization_exponent: 1 for the mean over labels, less to favour long hypotheses less
    :param prob_scale: factor of the log probabilities
    :param base_beam_score_scale: factor of the score so far
    :param scheduled_sampling: outside of a search, in evaluation as well as in training, samples labels from the
        probabilities instead of reading the true ones (https://arxiv.org/abs/1506.03099, without the second pass, like
        RETURNN); {"gold_mixin_prob": p} reads the true label with probability p. The value at each index is the schedule
    :param cheating: in a search, keeps the true labels among the hypotheses, as the last one; "exclusive" makes sure that
        they are there only once. If a different hypothesis wins, it is a model error; otherwise, a search without cheating
        has a search error. After the last true label, that label is repeated (RETURNN ends the search there)
    """

    reads_own_target: ClassVar = True

    beam_size: int
    target: str | list[str] | None = "classes"  # type: ignore[assignment]  # a string or None after `in_mode`
    search: bool | None = None
    add_to_beam_scores: bool | None = None
    keep_beams: bool = False
    random_sample_scale: float = 0.0
    custom_score_combine: Callable | None = None
    explicit_search_source: str | None = None
    explicit_search_sources: list[str] | dict | None = None
    source_beam_sizes: list[int] | None = None
    input_type: Literal["prob", "log_prob", "logits", "regression"] = "prob"
    length_normalization: bool = True
    length_normalization_exponent: float = 1.0
    prob_scale: float = 1.0
    base_beam_score_scale: float = 1.0
    scheduled_sampling: bool | dict | None = False
    cheating: bool | Literal["exclusive"] | None = False

    def in_mode(self, mode: str, where: str) -> Choice:
        targets = self.target if isinstance(self.target, list | tuple) else [self.target]
        if len(targets) != 1 or self.source_beam_sizes:
            raise NetworkError(
                f"{where}: takes one source and one 'target', found several; expected a choice for each of them"
            )
        search = mode == "search" if self.search is None else self.search
        adds = mode == "search" if self.add_to_beam_scores is None else self.add_to_beam_scores
        if targets[0] is None and not search:
            raise NetworkError(
                f"{where}: 'target' is None, but only a search needs no target, and 'search' is {search}"
            )
        return replace(self, target=targets[0], search=search, add_to_beam_scores=adds and not search)

    def dependencies(self, mode: str) -> tuple[str, ...]:
        if self.search:
            cheating = [self._whole_target] if self.cheating else []
            return (*self.source_names(), *(name for _, name in self._explicit()), *cheating)
        reads_scores = self.scheduled_sampling or self.add_to_beam_scores
        return (*(self.source_names() if reads_scores else ()), f"{TARGET}{self.target}")

    def _explicit(self) -> list[tuple[int | str, str]]:
        """:return: key and name of the layers that `custom_score_combine` reads"""
        given = self.explicit_search_sources or ([self.explicit_search_source] if self.explicit_search_source else [])
        return sorted(given.items()) if isinstance(given, dict) else [*enumerate(given)]

    @property
    def _whole_target(self) -> str:
        """:return: reference to the true labels of all frames"""
        target = str(self.target)
        layer = target.removeprefix("layer:")
        return layer if layer != target else f"base:data:{target}"

    @property
    def beam_width(self) -> int | None:
        return self.beam_size if self.search and self.input_type != "regression" else None

    @property
    def chooses(self) -> bool:
        return self.input_type != "regression" and bool(self.search or self.add_to_beam_scores)

    def one_by_one(self, mode: str) -> bool:
        return bool(self.search or self.scheduled_sampling or self.add_to_beam_scores)

    def spec(self, site: Site) -> Template:
        if site.loop is None:
            raise site.fail("is only possible in the subnetwork of a 'rec' layer")
        if self.beam_size < 1:
            raise site.fail(f"'beam_size' must be at least 1, found {self.beam_size}")
        if len(self.source_names()) != 1:
            raise site.fail(f"takes one source, found {len(self.source_names())}")
        self._check_probability(site)
        self._check_options(site)
        if self.input_type == "regression":
            return self._frame(site)
        truth = self._truth(site)
        if truth and not self.search:
            for _, source in site.sources[:-1]:
                self._check_scores(site, source)
                if source.dim != truth.sparse_dim:
                    raise site.fail(f"samples from {source.dim} labels, but {self.target!r} is {truth}")
                if source.axis(BEAM) and self.add_to_beam_scores and self.length_normalization:
                    raise site.fail(
                        "adds its scores to those of the hypotheses, so 'length_normalization' must be False"
                    )
            return truth
        (_, source) = site.sources[0]
        self._check_scores(site, source)
        before = source.axis(BEAM)
        if self.keep_beams and before and self.beam_size % before.known_size:
            raise site.fail(
                f"'keep_beams' needs a multiple of the {before.size} hypotheses before, but 'beam_size' is {self.beam_size}"
            )
        beam = Axis(BEAM, self.beam_size, (site.surroundings,))
        return Template((Batch, beam), "int32", source.dim)

    def _check_options(self, site: Site) -> None:
        if self.keep_beams and self.cheating:
            raise site.fail("'keep_beams' and 'cheating' do not work together, expected one of them")
        if self.explicit_search_source and self.explicit_search_sources:
            raise site.fail("'explicit_search_source' and 'explicit_search_sources' are two names of one option")
        if self.custom_score_combine and (
            self.random_sample_scale or self.prob_scale != 1 or self.base_beam_score_scale != 1
        ):
            raise site.fail(
                "'custom_score_combine' gives the scores, so 'prob_scale', 'base_beam_score_scale' and 'random_sample_scale' have no "
                "effect; leave them out"
            )
        if self.random_sample_scale < 0:
            raise site.fail(f"'random_sample_scale' must be 0 or more, found {self.random_sample_scale}")

    def _frame(self, site: Site) -> Template:
        """:return: template of the predicted or true frame"""
        if self.beam_size != 1:
            raise site.fail(f"'beam_size' must be 1 for input_type 'regression', found {self.beam_size}")
        if self.cheating:
            raise site.fail("input_type 'regression' has one hypothesis, so 'cheating' must be False")
        predictions = site.sources if self.search else site.sources[:-1]
        for _, prediction in predictions:
            site.dense_dim(prediction)
        if self.search:
            return predictions[0][1]
        truth = site.sources[-1][1]
        if truth.sparse_dim is not None or truth.feature is None:
            raise site.fail(f"'target' must have features for input_type 'regression', but {self.target!r} is {truth}")
        for _, prediction in predictions:
            if prediction.dim != truth.dim:
                raise site.fail(f"the source predicts {prediction.dim} features, but {self.target!r} is {truth}")
        return truth

    def _check_probability(self, site: Site) -> None:
        if isinstance(self.scheduled_sampling, dict):
            unknown = [key for key in self.scheduled_sampling if key != "gold_mixin_prob"]
            if unknown:
                raise site.fail(f"'scheduled_sampling' has only the option 'gold_mixin_prob', found {unknown[0]!r}")
        p = self._gold_mixin_prob
        if isinstance(p, bool) or not isinstance(p, int | float) or not 0 <= p <= 1:
            raise site.fail(f"'gold_mixin_prob' must be a number from 0 to 1, found {p!r}")

    def _truth(self, site: Site) -> Template | None:
        """:return: template of the true labels; None if they are not read"""
        if self.search and not self.cheating:
            return None
        _, truth = site.sources[-1]
        if truth.sparse_dim is None:
            raise site.fail(f"'target' must have class indices, but {self.target!r} is {truth}")
        return truth

    @staticmethod
    def _check_scores(site: Site, source: Template) -> None:
        site.dense_dim(source)
        if {axis.kind for axis in source.axes} - {"batch", BEAM, "feature"}:
            raise site.fail(f"chooses one label per sequence from its features, but its input is {source}")

    @property
    def _gold_mixin_prob(self) -> float:
        sampling = self.scheduled_sampling
        return sampling.get("gold_mixin_prob", 0.0) if isinstance(sampling, dict) else 0.0

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        if len(sources) == 1 or not self.scheduled_sampling:
            return replace(sources[-1] if not self.search else sources[0], template=run.template, memory=None)
        scores, truth = sources
        if self.input_type == "regression":
            return self._mixed(run, scores, truth)
        labels = truth.ordered((Batch,))
        log_p = self._log_p(scores, (Batch, scores.template.required(FEATURE)))
        sampled = tf.random.stateless_categorical(log_p, 1, self._seed(run, "labels"), dtype=tf.int32)[:, 0]
        if self._gold_mixin_prob:
            sampled = tf.where(self._is_gold(run), labels, sampled)
        return run.tensor(sampled, (Batch,), run.template)

    def _mixed(self, run: LayerRun, prediction: Tensor, truth: Tensor) -> Tensor:
        """:return: the predicted frame, or the true one with the probability `gold_mixin_prob`"""
        axes = (Batch, run.template.required(FEATURE))
        value = prediction.ordered(axes)
        if self._gold_mixin_prob:
            value = tf.where(self._is_gold(run)[:, None], truth.ordered(axes), value)
        return run.tensor(value, axes, run.template)

    def _is_gold(self, run: LayerRun) -> TFTensor:
        """:return: bool [B], whether the true label is read"""
        return tf.random.stateless_uniform([run.batch_size], self._seed(run, "gold")) < self._gold_mixin_prob

    @staticmethod
    def _seed(run: LayerRun, what: str) -> TFTensor:
        return run.random.seed_of(what, run.frame)

    def choose(self, run: LayerRun, hypotheses: Hypotheses, source: Tensor, *further: Tensor) -> Chosen:
        """
        :param source: with a feature for each label
        :param further: the layers that `custom_score_combine` reads; the true labels, of all frames for `cheating`
        """
        beam, feature = hypotheses.beam, source.template.required(FEATURE)
        n = feature.known_size
        log_p = self._log_p(source, (Batch, beam, feature))
        log_p = tf.broadcast_to(log_p, [tf.shape(hypotheses.scores)[0], beam.known_size, n])
        ends_here = tf.one_hot(0, n, on_value=0.0, off_value=NEVER)
        log_p = tf.where(hypotheses.ended[:, :, None], ends_here, log_p)
        if not self.search:
            return self._with_true_scores(hypotheses, log_p, source, further[-1])
        if self.keep_beams and self.beam_size % beam.known_size:
            raise NetworkError(
                f"{run.where}: 'keep_beams' needs a multiple of the {beam.size} hypotheses before, but 'beam_size' is {self.beam_size}"
            )
        found = Continuations(self._combined(run, hypotheses, log_p, source, further))
        if self.cheating:
            label, old = self._true_continuation(run, hypotheses, further[-1])
            labels, origins, scores = found.best_and(self.beam_size, label, old, once=self.cheating == "exclusive")
        else:
            labels, origins, scores = found.best(self.beam_size)
        if self.keep_beams:
            of_each = found.best_of_each(self.beam_size)
            pairs = zip((labels, origins, scores), of_each, strict=True)
            labels, origins, scores = (tf.where(hypotheses.first, *pair) for pair in pairs)
        return Chosen(run.tensor(labels, run.template.axes, run.template), origins, scores)

    def _with_true_scores(self, hypotheses: Hypotheses, log_p: TFTensor, source: Tensor, truth: Tensor) -> Chosen:
        """:return: the true labels, whose scores are added to those of the hypotheses"""
        scores = hypotheses.scores
        if hypotheses.beam in source.axes:
            labels = tf.broadcast_to(truth.ordered((Batch, hypotheses.beam)), tf.shape(scores))
            added = tf.gather(log_p, labels, axis=2, batch_dims=2)
            added = tf.where(hypotheses.ended, 0.0, added)
            scores = self.prob_scale * added + self.base_beam_score_scale * scores
        return Chosen(truth, None, scores)

    def _combined(
        self, run: LayerRun, hypotheses: Hypotheses, log_p: TFTensor, source: Tensor, further: Sequence[Tensor]
    ) -> TFTensor:
        """:return: float32 [B, beam, labels], scores of all continuations"""
        width = hypotheses.beam.known_size
        base = (hypotheses.scores * self._growth(hypotheses))[:, :, None]
        if self.custom_score_combine:
            alive = tf.where(hypotheses.first, 1, width)
            layer = self._code_layer(run, hypotheses.beam, source, further)
            with code_of(run.random):
                scores = self.custom_score_combine(
                    layer=layer, scores_in=log_p[:, :alive], scores_base=base[:, :alive], t=hypotheses.frame,
                    end_flags=hypotheses.ended[:, :alive], batch_dim=tf.shape(log_p)[0], scores_beam_in=width, base_beam_in=alive,
                )  # fmt: skip
            scores = tf.convert_to_tensor(scores)
            if scores.dtype != tf.float32 or scores.shape.rank not in (None, 3):
                raise NetworkError(
                    f"{run.where}: 'custom_score_combine' must return float32 [batch, beam, labels], found {scores.dtype.name} of "
                    f"shape {scores.shape}"
                )
            scores = tf.pad(scores, [[0, 0], [0, width - alive], [0, 0]], constant_values=NEVER)
            return tf.ensure_shape(scores, [None, width, log_p.shape[2]])
        scores = self.prob_scale * log_p + self.base_beam_score_scale * base
        if self.random_sample_scale:
            uniform = tf.random.stateless_uniform(tf.shape(log_p), self._seed(run, "gumbel"), minval=1e-20)
            scores += self.random_sample_scale * -tf.math.log(-tf.math.log(uniform))
        others = (tf.range(width) > 0)[None, :, None]
        return tf.where(hypotheses.first & others, NEVER, scores)

    def _code_layer(self, run: LayerRun, beam: Axis, source: Tensor, further: Sequence[Tensor]) -> CodeChoice:
        """:return: the argument `layer` of `custom_score_combine`, in which hypotheses are part of the batch, as in RETURNN"""

        def flat(x: Tensor) -> Tensor:
            axes = (Batch, beam, *(a for a in x.axes if a not in (Batch, beam)))
            value = tf.broadcast_to(x.ordered(axes), tf.concat([run.shape(axes[:2]), tf.shape(x.ordered(axes))[2:]], 0))
            shape = tf.concat([[-1], tf.shape(value)[2:]], 0)
            return x.made(tf.reshape(value, shape), (Batch, *axes[2:]), no_hypotheses(x.template))

        explicit = self._explicit()
        names = run.sources[: 1 + len(explicit)]
        inner = code_layer(replace(run, sources=names), [flat(x) for x in (source, *further)][: len(names)], run.length)
        layer = CodeChoice(inner.name, inner.output, inner.network, inner.sources[:1])
        found = dict(zip((key for key, _ in explicit), inner.sources[1:], strict=True))
        layer.explicit_search_sources = found if isinstance(self.explicit_search_sources, dict) else [*found.values()]
        return layer

    @staticmethod
    def _true_continuation(run: LayerRun, hypotheses: Hypotheses, truth: Tensor) -> tuple[TFTensor, TFTensor]:
        """
        :param truth: true labels of all frames
        :return: int32 [B], the true label; int32 scalar, the hypothesis of the true labels so far
        """
        time = truth.template.required(TIME)
        frame = tf.minimum(hypotheses.frame, run.length(time) - 1)
        label = tf.gather(truth.ordered((Batch, time)), tf.maximum(frame, 0), axis=1, batch_dims=1)
        old = tf.where(hypotheses.first, 0, hypotheses.beam.known_size - 1)
        return tf.where(hypotheses.ended[:, old], 0, label), old

    def final_scores(self, scores: TFTensor, frames: TFTensor) -> TFTensor:
        """:return: with length normalisation, means over frames, instead of the sums that `_growth` keeps comparable"""
        return scores / tf.cast(frames, tf.float32) if self.length_normalization else scores

    def _log_p(self, source: Tensor, axes: Sequence[Axis]) -> TFTensor:
        if self.input_type == "log_prob":
            return source.ordered(axes)
        if self.input_type == "logits":
            return tf.nn.log_softmax(source.ordered(axes))
        if source.logits is not None:
            return tf.nn.log_softmax(source.ordered(axes, source.logits))
        return tf.math.log(tf.maximum(source.ordered(axes), 1e-30))

    def _growth(self, hypotheses: Hypotheses) -> TFTensor:
        """:return: [B, beam], factor from the score of t frames to the score of t + 1 frames, before the next label"""
        if not self.length_normalization:
            return 1.0
        t = tf.cast(tf.maximum(hypotheses.frame, 1), tf.float32)
        return tf.where(hypotheses.ended, ((t + 1) / t) ** self.length_normalization_exponent, 1.0)
