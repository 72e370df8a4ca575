"""`fast_bw`: a soft alignment of frames to classes, the posterior of each class over all paths of an automaton (Baum-Welch)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from boulder.errors import nearest
from boulder.lazy import TFTensor, tf
from boulder.network.alignments.alignment import soft_alignment
from boulder.network.alignments.arcs import automata_of_arcs, problem_of_arcs
from boulder.network.alignments.automata import Automata, ctc_automata, hmm_automata, staircase_automata
from boulder.network.alignments.options import NEEDS_AUTOMATA, CtcOptions, HmmOptions, stream_of_automata
from boulder.network.axes import BEAM, FEATURE, SPATIAL, TIME, Batch
from boulder.network.concat_layer import ConcatLayer
from boulder.network.in_padding import InPadding
from boulder.network.layer import Site, layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.option_parsing import parse
from boulder.network.priors import declare_priors, log_priors, update_priors
from boulder.network.refs import TARGET
from boulder.network.template import Template
from boulder.network.tensor import Tensor


@layer_class("fast_bw")
@dataclass(frozen=True, kw_only=True)
class FastBw(ConcatLayer):
    """Posterior of each class in each frame, over all paths of an automaton. It has no gradient; loss `via_layer` uses it.

    RETURNN: FastBaumWelchLayer. A sequence without a path has the posterior 0. "fsa", "hmm" and the options of priors are not in
    RETURNN, which asks a running RASR for automata ("sprint").

    Parameter with `compute_priors`: priors [classes], which is not trained.

    :param align_target: the automaton. "ctc": labels of a data stream, with blanks; "hmm": HMM states of a data stream;
        "staircase": class 0 in the first frame, class 1 in the second one, …; "fsa": a data stream has the automata, see
        `boulder.data.automata`; "sprint": the same, named by `sprint_opts`
    :param align_target_key: the data stream, or "layer:NAME"; None: the layer's `target`, or "classes"
    :param ctc_opts: for "ctc": `blank_idx` (the last class), `label_loop` or `ctc_merge_repeated` (True): whether a label may last
        several frames
    :param hmm_opts: for "hmm", negative log probabilities: `loop` (0) of staying in a state, `forward` (0) of entering one; and
        `silence`, the class of an optional state before the first one and after the last one
    :param sprint_opts: for "sprint": `automata`, the data stream with the automata; RASR's own options are then without effect
    :param input_type: whether the input is probabilities or their logarithms
    :param tdp_scale: factor of the costs of "hmm", "fsa" and "sprint"
    :param am_scale: factor of the log scores
    :param min_prob: lowest probability of a class
    :param staircase_seq_len_source: for "staircase": layer whose sequences have as many classes; they must be as long as the input
    :param prior_scale: factor of the log prior, which is subtracted from the log scores
    :param compute_priors: whether the layer keeps a prior, the running mean of the probabilities of its input
    :param compute_priors_exp_average: share of a batch in it
    """

    in_padding: ClassVar[InPadding] = InPadding.ZERO

    align_target: str
    align_target_key: str | None = None
    ctc_opts: dict | None = None
    hmm_opts: dict | None = None
    sprint_opts: dict | None = None
    input_type: Literal["log_prob", "prob"] = "log_prob"
    tdp_scale: float = 1.0
    am_scale: float = 1.0
    min_prob: float = 0.0
    staircase_seq_len_source: str | None = None
    prior_scale: float = 0.0
    compute_priors: bool = False
    compute_priors_exp_average: float = 0.0

    def dependencies(self, mode: str) -> tuple[str, ...]:
        return (*self.source_names(), *self._of_automaton())

    def _of_automaton(self) -> tuple[str, ...]:
        if self.align_target == "staircase":
            return (self.staircase_seq_len_source,) if self.staircase_seq_len_source else ()
        return (f"{TARGET}{self._key}",) if self.align_target in ("ctc", "hmm") or self.has_arcs else ()

    @property
    def _key(self) -> str:
        of_sprint = stream_of_automata(self.sprint_opts) if self.align_target == "sprint" else None
        return of_sprint or self.align_target_key or self.target or "classes"

    @property
    def has_arcs(self) -> bool:
        """:return: whether the automata are data"""
        return self.align_target == "fsa" or (
            self.align_target == "sprint" and bool(stream_of_automata(self.sprint_opts))
        )

    def spec(self, site: Site) -> Template:
        self._check_options(site)
        count = len(self.source_names())
        template = replace(site, sources=site.sources[:count]).input()
        dim = site.dense_dim(template)
        if site.loop is not None:
            raise site.fail("found in a loop, expected outside of it: an alignment needs the whole sequence")
        if template.time is None or template.batch is None or template.axis(SPATIAL) or template.axis(BEAM):
            raise site.fail(f"needs batch, time and feature axes and no others, but its input is {template}")
        declare_priors(site, dim, self.compute_priors, self.compute_priors_exp_average)
        ((name, target),) = site.sources[count:]
        if self.align_target == "staircase":
            if target.time is None:
                raise site.fail(f"'staircase_seq_len_source': {name!r} is {target}, expected a time axis")
            return template
        if self.has_arcs:
            if problem := problem_of_arcs(name, target):
                raise site.fail(problem)
            return template
        if target.sparse_dim is None or target.time is None or target.axes != (Batch, target.time):
            raise site.fail(f"'align_target_key': {name!r} is {target}, expected a sequence of class indices")
        expected = target.sparse_dim + (self.align_target == "ctc")
        if dim != expected:
            blank = " and a blank" if self.align_target == "ctc" else ""
            raise site.fail(
                f"its input has {dim} classes, but {name!r} has {target.sparse_dim} classes{blank}, expected {expected}"
            )
        self._check_class("ctc_opts", "blank_idx", self._ctc(site.where).blank_idx, dim, site)
        self._check_class("hmm_opts", "silence", self._hmm(site.where).silence, dim, site)
        return template

    def _check_options(self, site: Site) -> None:
        if self.align_target == "sprint" and not self.has_arcs:
            raise site.fail(f"'align_target': 'sprint' {NEEDS_AUTOMATA}")
        kinds = ("ctc", "hmm", "staircase", "fsa", "sprint")
        if self.align_target not in kinds:
            hint = nearest(self.align_target, kinds)
            raise site.fail(
                f"'align_target' must be 'ctc', 'hmm', 'staircase' or 'fsa', found {self.align_target!r}{hint}"
            )
        for option, kind in (
            ("ctc_opts", "ctc"),
            ("hmm_opts", "hmm"),
            ("sprint_opts", "sprint"),
            ("staircase_seq_len_source", "staircase"),
        ):
            if getattr(self, option) and self.align_target != kind:
                raise site.fail(f"{option!r} needs 'align_target': {kind!r}, found {self.align_target!r}")
        if self.align_target == "staircase" and not self.staircase_seq_len_source:
            raise site.fail("'align_target': 'staircase' needs 'staircase_seq_len_source', a layer")
        if not 0 <= self.min_prob <= 1:
            raise site.fail(f"'min_prob' must be from 0 to 1, found {self.min_prob}")
        if self.prior_scale and not self.compute_priors:
            raise site.fail(
                f"'prior_scale' is {self.prior_scale}, which needs 'compute_priors' and 'compute_priors_exp_average'; another prior is "
                "subtracted by a layer in front"
            )

    @staticmethod
    def _check_class(options: str, option: str, number: int | None, dim: int, site: Site) -> None:
        if number is not None and not 0 <= number < dim:
            raise site.fail(f"{options!r}: {option!r} must be a class from 0 to {dim - 1}, found {number}")

    def _ctc(self, where: str) -> CtcOptions:
        return parse(CtcOptions, self.ctc_opts or {}, f"{where}: 'ctc_opts'")

    def _hmm(self, where: str) -> HmmOptions:
        return parse(HmmOptions, self.hmm_opts or {}, f"{where}: 'hmm_opts'")

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        *inputs, target = sources
        x = run.input(inputs)
        time, feature = run.template.required(TIME), run.template.required(FEATURE)
        axes = (time, Batch, feature)
        scores = self._scores(run, x, axes)
        lengths = run.length(time)
        if self.align_target == "staircase":
            scores = run.with_same_lengths(scores, time, target.template.required(TIME))
        posterior, cost = soft_alignment(scores, lengths, self._automata(run, target, lengths, feature.known_size))
        return replace(x.made(posterior, axes, run.template), sequence_cost=cost)

    def _scores(self, run: LayerRun, x: Tensor, axes: Sequence) -> TFTensor:
        """:return: float32 [T, B, F], log scores"""
        if self.input_type == "log_prob":
            scores = x.ordered(axes)
        elif x.logits is not None:
            scores = tf.nn.log_softmax(x.ordered(axes, x.logits))
        else:
            scores = tf.math.log(tf.maximum(x.ordered(axes), 1e-20))
        scores = tf.cast(scores, tf.float32)
        if self.compute_priors:
            update_priors(run, Tensor(tf.exp(scores), tuple(axes), x.template), self.compute_priors_exp_average)
        if self.min_prob > 0:
            scores = tf.maximum(scores, math.log(self.min_prob))
        scores *= self.am_scale
        return scores - self.prior_scale * log_priors(run) if self.prior_scale else scores

    def _automata(self, run: LayerRun, target: Tensor, lengths: TFTensor, dim: int) -> Automata:
        if self.align_target == "staircase":
            return staircase_automata(lengths)
        if self.has_arcs:
            return automata_of_arcs(run, target, dim, self.tdp_scale)
        time = target.template.required(TIME)
        labels, num_labels = tf.cast(target.ordered((Batch, time)), tf.int32), run.length(time)
        if self.align_target == "ctc":
            options = self._ctc(run.where)
            blank = dim - 1 if options.blank_idx is None else options.blank_idx
            return ctc_automata(labels, num_labels, blank, options.loops)
        hmm = self._hmm(run.where)
        return hmm_automata(labels, num_labels, self.tdp_scale * hmm.loop, self.tdp_scale * hmm.forward, hmm.silence)
