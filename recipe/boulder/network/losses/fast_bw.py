"""`fast_bw`: -log of the sum over all paths of an automaton, given as data (full-sum training of a hybrid model)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar

from boulder.errors import NetworkError
from boulder.lazy import TFTensor, tf
from boulder.network.alignments.alignment import soft_alignment
from boulder.network.alignments.arcs import automata_of_arcs, problem_of_arcs
from boulder.network.alignments.options import NEEDS_AUTOMATA, stream_of_automata
from boulder.network.alignments.sequence_losses import with_gradient
from boulder.network.axes import BEAM, FEATURE, LOOP, TIME, Batch
from boulder.network.layer_run import LayerRun
from boulder.network.loss import Loss, LossValue, count_of, loss_class
from boulder.network.losses.frames import further_axes
from boulder.network.priors import PRIORS, log_priors
from boulder.network.refs import TARGET
from boulder.network.template import Template
from boulder.network.tensor import Tensor


@loss_class("fast_bw")
@dataclass(frozen=True, kw_only=True)
class FastBw(Loss):
    """-log Σ over paths of exp(score), the score of a path being the sum of those of its frames. RETURNN: FastBaumWelchLoss.

    The score of class c is `am_scale` · log p(c) - `prior_scale` · log prior(c); the gradient with respect to the softmax's input is
    p - q for the posterior q of the classes, as if both were 1 and 0. A sequence without a path has no gradient, and does not count in
    cost and frames. There is no error. RETURNN asks a running RASR for the automata; the last four options are those of its first version, there of the layer.

    :param sprint_opts: `automata`: the data stream with the automata, see `boulder.data.automata`; RASR's own options are without
        effect
    :param tdp_scale: factor of the costs of the automata
    :param am_scale: factor of log p
    :param prior_scale: factor of the log prior, which the layer keeps with `compute_priors`
    :param ce_smoothing: share s of another alignment q' in q, and of the cross-entropy with it in the cost
    :param ce_target_layer_align: the layer with that alignment, such as a `fast_bw`
    """

    needs_target: ClassVar[bool] = False
    left_out: ClassVar[str] = "for which the automaton has no path"

    sprint_opts: dict | None = None
    tdp_scale: float = 1.0
    am_scale: float = 1.0
    prior_scale: float = 0.0
    ce_smoothing: float = 0.0
    ce_target_layer_align: str | None = None

    @property
    def has_error(self) -> bool:
        return False

    def layers(self) -> dict[str, str]:
        stream = stream_of_automata(self.sprint_opts)
        given = {"sprint_opts": f"{TARGET}{stream}"} if stream else {}
        return given | ({"ce_target_layer_align": self.ce_target_layer_align} if self.ce_target_layer_align else {})

    def output_dim(self, target: Template) -> int | None:
        return None

    def check(self, output: Template, target: Template | None) -> str | None:
        if stream_of_automata(self.sprint_opts) is None:
            return f"loss 'fast_bw' {NEEDS_AUTOMATA}"
        if not 0 <= self.ce_smoothing < 1:
            return f"'ce_smoothing' must be a number from 0 to below 1, found {self.ce_smoothing}"
        if bool(self.ce_smoothing) != bool(self.ce_target_layer_align):
            return (
                "'ce_smoothing' and 'ce_target_layer_align' need each other, found "
                f"{self.ce_smoothing} and {self.ce_target_layer_align!r}"
            )
        if output.feature is None or output.time is None or further_axes(output) or output.axis(BEAM):
            return f"loss 'fast_bw' needs batch, time and feature axes and no others, but the output is {output}"
        return None

    def check_params(self, names: Collection[str]) -> str | None:
        if self.prior_scale and PRIORS not in names:
            return (
                f"loss 'fast_bw': 'prior_scale' is {self.prior_scale}, which needs a layer 'softmax' with 'compute_priors' and "
                "'compute_priors_exp_average'"
            )
        return None

    def check_layers(self, output: Template, layers: dict[str, Template]) -> str | None:
        other = layers.get("ce_target_layer_align")
        if other is not None and (other.axis(LOOP) or set(other.axes) != set(output.axes)):
            return f"'ce_target_layer_align' is {other}, expected the axes of the output, {output}"
        return problem_of_arcs(stream_of_automata(self.sprint_opts) or "", layers["sprint_opts"])

    def compute(  # type: ignore[override]  # the layers of `layers()`
        self, run: LayerRun, output: Tensor, target: None, arcs: Tensor, *others: Tensor
    ) -> LossValue:
        if output.logits is None:
            raise NetworkError(f"{run.where}: loss 'fast_bw' needs an output of a softmax")
        time, feature = output.template.required(TIME), output.template.required(FEATURE)
        axes, lengths = (time, Batch, feature), run.length(time)
        logits = tf.cast(output.ordered(axes, output.logits), tf.float32)
        log_p = tf.nn.log_softmax(logits)
        automata = automata_of_arcs(run, arcs, feature.known_size, self.tdp_scale)
        posterior, cost = soft_alignment(self._scores(run, log_p), lengths, automata)
        found = tf.math.is_finite(cost)
        there = (found[None] & tf.transpose(tf.sequence_mask(lengths, tf.shape(logits)[0])))[..., None]
        cost = tf.where(found, cost, 0.0)
        for other in others:
            align = tf.stop_gradient(other.ordered(axes))
            posterior += self.ce_smoothing * (align - posterior)
            entropy = -tf.reduce_sum(tf.where(there, align * log_p, 0.0), axis=(0, 2))
            cost += self.ce_smoothing * (entropy - cost)
        signal = tf.where(there, tf.exp(log_p) - posterior, 0.0)
        cost = with_gradient(cost, logits, signal, (0, 2))
        frames = tf.reduce_sum(tf.cast(tf.where(found, lengths, 0), tf.float32))
        return LossValue(tf.reduce_sum(cost), tf.constant(0.0), frames, count_of(~found))

    def _scores(self, run: LayerRun, log_p: TFTensor) -> TFTensor:
        scores = self.am_scale * log_p
        return scores - self.prior_scale * log_priors(run) if self.prior_scale else scores
