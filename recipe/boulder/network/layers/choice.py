"""`choice`: the next label.

In training and evaluation a choice reads the true label (teacher forcing) or samples one (scheduled sampling). In a search it
keeps the best continuations of all hypotheses:

    score(y_1 … y_t) = score(y_1 … y_{t-1}) + log p(y_t | y_1 … y_{t-1})

A hypothesis that has ended is continued with label 0, which costs nothing. With length normalisation, its score grows by the
mean cost of its labels in each further frame, so that scores of hypotheses of different lengths are comparable.

With several sources, a label is a tuple, and its probability the product over the sources.

With `input_type` "regression" the source predicts the frame itself, e.g. a spectrogram's. There is nothing to choose from: a
search reads the prediction, with one hypothesis, and training and evaluation the true frame.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from boulder.errors import NetworkError
from boulder.lazy import TFTensor, tf
from boulder.network.axes import BEAM, FEATURE, TIME, Axis, Batch
from boulder.network.layer import Layer, layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.layers.choice_sampling import Sampling
from boulder.network.loop.beams import NEVER, Chosen, Hypotheses
from boulder.network.loop.continuations import Continuations
from boulder.network.loop.joint_labels import JointLabels
from boulder.network.refs import TARGET
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor


@layer_class("choice")
@dataclass(frozen=True, kw_only=True)
class Choice(Sampling):
    """
    The label of each iteration: in training and evaluation the true one, or a sampled one; in a search, those of the best
    hypotheses. With `input_type` "regression", the frame: the true one, and in a search the source. RETURNN: ChoiceLayer.

    With a list of sources and one of targets, the output is the first label; layers read all of them as `NAME/out_0`,
    `NAME/out_1` and so on. RETURNN's scores of a loop over an input include labels that are chosen in the padding.

    :param beam_size: number of hypotheses after the choice
    :param target: the true labels, or frames, see `Layer`; None if they are never read; a list, one for each source
    :param search: whether labels are searched, or the true ones are read; None: in a search they are searched
    :param add_to_beam_scores: in a search in which this choice reads the true labels, whether their scores count; None: they do
    :param keep_beams: continue each hypothesis by as many labels; `beam_size` must be a multiple of the number before
    :param source_beam_sizes: for several sources, how many best labels of each one are combined; None: `beam_size` of each
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
    source_beam_sizes: list[int] | None = None
    cheating: bool | Literal["exclusive"] | None = False

    def in_mode(self, mode: str, where: str) -> Choice:
        targets, sources = self.targets(), self.source_names()
        if len(targets) != len(sources) and self.target is not None:
            raise NetworkError(
                f"{where}: needs a 'target' for each source, found {len(targets)} for {len(sources)} in 'from'"
            )
        search = mode == "search" if self.search is None else self.search
        adds = mode == "search" if self.add_to_beam_scores is None else self.add_to_beam_scores
        if targets[0] is None and not search:
            raise NetworkError(
                f"{where}: 'target' is None, but only a search needs no target, and 'search' is {search}"
            )
        layer = replace(self, target=targets[0], search=search, add_to_beam_scores=adds and not search)
        if len(sources) > 1:
            layer._check_several(where)
        return layer

    def targets(self) -> Sequence[str | None]:
        return self.target if isinstance(self.target, list | tuple) else [self.target]

    def _check_several(self, where: str) -> None:
        """:raises NetworkError: for options that only work with a single source"""
        single = ["scheduled_sampling", "custom_score_combine", *(["cheating"] if self.search else [])]
        found = [option for option in (*single, "add_to_beam_scores") if getattr(self, option)]
        if self.input_type == "regression":
            found.append("input_type")
        if found:
            raise NetworkError(f"{where}: {found[0]!r} works with one source only, found several in 'from'")

    def parts(self, own: str) -> Mapping[str, Layer]:
        return {
            f"out_{i}": LabelOf(sources=own, whole=self, number=i, initial_output=self.initial_output)
            for i in range(len(self.source_names()))
        }

    def dependencies(self, mode: str) -> tuple[str, ...]:
        if self.search:
            cheating = [self._whole_target] if self.cheating else []
            return (*self.source_names(), *(name for _, name in self.explicit()), *cheating)
        reads_scores = self.scheduled_sampling or self.add_to_beam_scores
        return (*(self.source_names() if reads_scores else ()), f"{TARGET}{self.target}")

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

    # Spec

    def spec(self, site: Site) -> Template:
        if site.loop is None:
            raise site.fail("is only possible in the subnetwork of a 'rec' layer")
        if self.beam_size < 1:
            raise site.fail(f"'beam_size' must be at least 1, found {self.beam_size}")
        if not self.source_names():
            raise site.fail("needs a source with a score of each label, found none in 'from'")
        if self.keep_beams and self.cheating:
            raise site.fail("'keep_beams' and 'cheating' do not work together, expected one of them")
        self._check_sizes(site)
        self.check_sampling(site)
        self.check_scoring(site)
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
        sources = [source for _, source in site.sources[: len(self.source_names())]]
        for source in sources:
            self._check_scores(site, source)
        if site.default_dim not in (None, sources[0].dim):
            raise site.fail(
                f"chooses from {sources[0].dim} labels, but its 'target' {self.target!r} has {site.default_dim} classes; expected as "
                "many"
            )
        before = sources[0].axis(BEAM)
        if self.keep_beams and before and self.beam_size % before.known_size:
            raise site.fail(
                f"'keep_beams' needs a multiple of the {before.size} hypotheses before, but 'beam_size' is {self.beam_size}"
            )
        beam = Axis(BEAM, self.beam_size, (site.surroundings,))
        return Template((Batch, beam), "int32", sources[0].dim)

    def _check_sizes(self, site: Site) -> None:
        sizes, count = self.source_beam_sizes, len(self.source_names())
        if sizes and (len(sizes) != count or min(sizes) < 1):
            raise site.fail(f"'source_beam_sizes' must have a number from 1 for each of {count} sources, found {sizes}")

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

    # Compute

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        if len(sources) == 1 or not self.scheduled_sampling:
            return replace(sources[-1] if not self.search else sources[0], template=run.template, memory=None)
        return self.sampled(run, *sources)

    def choose(self, run: LayerRun, hypotheses: Hypotheses, *sources: Tensor) -> Chosen:
        """
        :param sources: those of `from`, with a feature for each label; the layers that `custom_score_combine` reads; the true
            labels, of all frames for `cheating`
        """
        count = len(self.source_names())
        source, further = sources[0], sources[count:]
        joint = self._joint(hypotheses, sources[:count])
        log_p = joint.log_p if joint else self._over_labels(hypotheses, source)
        ends_here = tf.one_hot(0, log_p.shape[-1], on_value=0.0, off_value=NEVER)
        log_p = tf.where(hypotheses.ended[:, :, None], ends_here, log_p)
        if not self.search:
            return self._with_true_scores(hypotheses, log_p, source, further[-1])
        if self.keep_beams and self.beam_size % hypotheses.beam.known_size:
            raise NetworkError(
                f"{run.where}: 'keep_beams' needs a multiple of the {hypotheses.beam.size} hypotheses before, but 'beam_size' is "
                f"{self.beam_size}"
            )
        found = Continuations(self.combined(run, hypotheses, log_p, source, further))
        if self.cheating:
            label, old = self._true_continuation(run, hypotheses, further[-1])
            labels, origins, scores = found.best_and(self.beam_size, label, old, once=self.cheating == "exclusive")
        else:
            labels, origins, scores = found.best(self.beam_size)
        if self.keep_beams:
            of_each = found.best_of_each(self.beam_size)
            pairs = zip((labels, origins, scores), of_each, strict=True)
            labels, origins, scores = (tf.where(hypotheses.first, *pair) for pair in pairs)
        of_sources = joint.of_each_source(labels, origins) if joint else [labels]
        first, *others = (
            run.tensor(one, run.template.axes, replace(run.template, sparse_dim=x.template.dim))
            for one, x in zip(of_sources, sources[:count], strict=True)
        )
        return Chosen(first, origins, scores, {f"out_{i}": x for i, x in enumerate(others, 1)})

    def _over_labels(self, hypotheses: Hypotheses, source: Tensor) -> TFTensor:
        """:return: float32 [B, beam, labels], log probabilities of a source"""
        feature = source.template.required(FEATURE)
        shape = tf.concat([tf.shape(hypotheses.scores), [feature.known_size]], 0)
        value = tf.broadcast_to(self.log_p(source, (Batch, hypotheses.beam, feature)), shape)
        return tf.ensure_shape(value, [None, hypotheses.beam.known_size, feature.known_size])

    def _joint(self, hypotheses: Hypotheses, sources: Sequence[Tensor]) -> JointLabels | None:
        """:return: the labels of several sources together; None for a single source"""
        if len(sources) == 1:
            return None
        sizes = self.source_beam_sizes or [self.beam_size] * len(sources)
        return JointLabels.of([self._over_labels(hypotheses, source) for source in sources], sizes)

    def _with_true_scores(self, hypotheses: Hypotheses, log_p: TFTensor, source: Tensor, truth: Tensor) -> Chosen:
        """:return: the true labels, whose scores are added to those of the hypotheses"""
        scores = hypotheses.scores
        if hypotheses.beam in source.axes:
            labels = tf.broadcast_to(truth.ordered((Batch, hypotheses.beam)), tf.shape(scores))
            added = tf.gather(log_p, labels, axis=2, batch_dims=2)
            added = tf.where(hypotheses.ended, 0.0, added)
            scores = self.prob_scale * added + self.base_beam_score_scale * scores
        return Chosen(truth, None, scores)

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


@dataclass(frozen=True, kw_only=True)
class LabelOf(Layer):
    """The label of one of the sources of a choice. No net dict names this class.

    :param whole: the choice, as the net dict has it
    :param number: number of the source
    """

    class_name = "choice"
    reads_memory = True

    whole: Choice
    number: int

    def in_mode(self, mode: str, where: str) -> LabelOf:
        return replace(self, whole=self.whole.in_mode(mode, where), target=self.whole.targets()[self.number])

    def dependencies(self, mode: str) -> tuple[str, ...]:
        if self.whole.search:
            return (*self.source_names(), self.whole.source_names()[self.number])
        return self.source_names() if self.number == 0 else (f"{TARGET}{self.target}",)

    def spec(self, site: Site) -> Template:
        (_, template), *of_source = site.sources
        return replace(template, sparse_dim=of_source[0][1].dim) if of_source else template

    def compute(self, run: LayerRun, x: Tensor, *of_source: Tensor) -> Tensor:
        if of_source and self.number and x.memory:
            x = x.memory.last[f"out_{self.number}"]
        return replace(x, template=run.template, memory=None)
