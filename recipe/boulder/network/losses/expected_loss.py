"""`expected_loss`: the expected error of the hypotheses of a search, which trains their scores (minimum Bayes risk)."""

from dataclasses import dataclass
from typing import ClassVar

from boulder.errors import NetworkError, nearest
from boulder.lazy import TFTensor, tf
from boulder.network.axes import BEAM, TIME, Axis, Batch
from boulder.network.layer_run import LayerRun
from boulder.network.loss import Loss, LossValue, loss_class
from boulder.network.losses.bleu import Bleu
from boulder.network.losses.edit_distance import EditDistance
from boulder.network.losses.labels import LabelError, problem_of_labels
from boulder.network.option_parsing import parse
from boulder.network.template import Template
from boulder.network.tensor import Tensor

_ERRORS: dict[str, type[LabelError]] = {"edit_distance": EditDistance, "bleu": Bleu}


@loss_class("expected_loss")
@dataclass(frozen=True, kw_only=True)
class ExpectedLoss(Loss):
    """Σₕ p(h) · (error of h - mean error), over the hypotheses h of a search. RETURNN: ExpectedLoss.

    Normalised by the number of labels of the target, counted once for each hypothesis.

    :param loss: the error of a hypothesis: {"class": "edit_distance"} or {"class": "bleu"}, with options of that loss
    :param loss_kind: must be "error"; these losses have no cost
    :param norm_scores: whether the p of all hypotheses sum up to 1; otherwise they are those of the search
    :param norm_scores_stop_gradient: whether that sum is a constant for the gradient
    :param divide_beam_size: whether the cost is divided by the number of hypotheses
    :param subtract_average_loss: whether the mean error is subtracted, which lowers the variance of the gradient
    :param loss_correction_grad_only: whether it is subtracted for the gradient only, and not in the cost
    """

    needs_search: ClassVar = True

    loss: dict | None = None
    loss_kind: str | None = None
    norm_scores: bool = True
    norm_scores_stop_gradient: bool = True
    divide_beam_size: bool = True
    subtract_average_loss: bool = True
    loss_correction_grad_only: bool = False

    @property
    def has_error(self) -> bool:
        return False

    def output_dim(self, target: Template) -> int | None:
        return None

    def check(self, output: Template, target: Template) -> str | None:
        name = (self.loss or {}).get("class")
        if name not in _ERRORS:
            return (
                "loss 'expected_loss' needs 'loss': {'class': 'edit_distance'} or {'class': 'bleu'} in 'loss_opts', found "
                f"{self.loss!r}{nearest(str(name), _ERRORS)}"
            )
        try:
            error = self._error
        except NetworkError as problem:
            return str(problem)
        if error.scale != 1 or error.use_normalized_loss or error.custom_inv_norm_factor:
            return (
                "'loss' takes no 'scale', 'use_normalized_loss' and 'custom_inv_norm_factor'; expected them beside it"
            )
        if self.loss_kind != "error":
            return f"'loss_kind' must be 'error', since loss {name!r} has no cost, found {self.loss_kind!r}"
        beam = output.axis(BEAM)
        if beam is None:
            return f"loss 'expected_loss' needs the hypotheses of a search, before 'decide', but the output is {output}"
        of_one = Template(tuple(axis for axis in output.axes if axis != beam), output.dtype, output.sparse_dim)
        return problem_of_labels("expected_loss", of_one, target) or error.check(of_one, target)

    @property
    def _error(self) -> LabelError:
        options = {option: value for option, value in (self.loss or {}).items() if option != "class"}
        return parse(_ERRORS[(self.loss or {})["class"]], options, "'loss' of 'expected_loss'")

    def compute(self, run: LayerRun, output: Tensor, target: Tensor) -> LossValue:
        beam = output.template.required(BEAM)
        scores = run.beam_scores[beam]
        errors = self._errors(run, output, target, beam)
        weights = tf.exp(scores - self._log_sum(scores))
        corrected = errors
        if self.subtract_average_loss:
            corrected -= tf.reduce_mean(errors, axis=1, keepdims=True)
        expected = tf.reduce_sum(corrected * weights)
        if self.loss_correction_grad_only:
            expected += tf.stop_gradient(tf.reduce_sum((errors - corrected) * weights))
        if self.divide_beam_size:
            expected /= beam.known_size
        labels = beam.known_size * tf.reduce_sum(run.length(target.template.required(TIME)))
        nothing = tf.constant(0.0)
        return LossValue(expected, nothing, tf.cast(labels, tf.float32), left_out=nothing)

    def _log_sum(self, scores: TFTensor) -> TFTensor:
        if not self.norm_scores:
            return tf.zeros_like(scores[:, :1])
        log_sum = tf.reduce_logsumexp(scores, axis=1, keepdims=True)
        return tf.stop_gradient(log_sum) if self.norm_scores_stop_gradient else log_sum

    def _errors(self, run: LayerRun, output: Tensor, target: Tensor, beam: Axis) -> TFTensor:
        """:return: float32 [B, beam]"""
        shape = run.shape((Batch, beam))

        def labels(x: Tensor) -> tuple[TFTensor, TFTensor]:
            time = x.template.required(TIME)
            values = x.ordered((Batch, beam, time) if beam in x.axes else (Batch, time))
            if beam not in x.axes:
                values = values[:, None]
            values = tf.broadcast_to(values, tf.concat([shape, tf.shape(values)[2:]], 0))
            lengths = tf.broadcast_to(run.length_over((Batch, beam), time), shape)
            return tf.reshape(values, [-1, tf.shape(values)[2]]), tf.reshape(lengths, [-1])

        return tf.reshape(self._error.errors(*labels(output), *labels(target)), shape)
