"""`via_layer`: the cost and the gradient that another layer gives, such as a soft alignment."""

from dataclasses import dataclass
from typing import ClassVar

from boulder.errors import NetworkError
from boulder.lazy import tf
from boulder.network.alignments.sequence_losses import with_gradient
from boulder.network.axes import BEAM, LOOP, TIME, Batch
from boulder.network.layer_run import LayerRun
from boulder.network.loss import Loss, LossValue, count_of, loss_class
from boulder.network.losses.frames import further_axes
from boulder.network.template import Template
from boulder.network.tensor import Tensor


@loss_class("via_layer")
@dataclass(frozen=True, kw_only=True)
class ViaLayer(Loss):
    """The cost of the sequences of layer `fast_bw`, with a gradient that is not its derivative. RETURNN: ViaLayerLoss.

    A sequence without a path has no gradient, and does not count in cost and frames.

    :param align_layer: a `fast_bw`, or a `copy` of one: the gradient is the output minus its posterior
    :param error_signal_layer: in place of it, a `copy` of a `fast_bw`, which is the gradient itself
    :param loss_wrt_to_act_in: whether it is the gradient with respect to the logits of the softmax, rather than to the output; True
        or "softmax"
    """

    needs_target: ClassVar[bool] = False
    left_out: ClassVar[str] = "for which the automaton has no path"

    align_layer: str | None = None
    error_signal_layer: str | None = None
    loss_wrt_to_act_in: bool | str = False

    @property
    def has_error(self) -> bool:
        return False

    def layers(self) -> dict[str, str]:
        options = {"align_layer": self.align_layer, "error_signal_layer": self.error_signal_layer}
        return {option: name for option, name in options.items() if name}

    def output_dim(self, target: Template) -> int | None:
        return None

    def check(self, output: Template, target: Template | None) -> str | None:
        if len(self.layers()) != 1:
            return "loss 'via_layer' needs one of 'align_layer' and 'error_signal_layer' in 'loss_opts'"
        if self.loss_wrt_to_act_in not in (True, False, "softmax"):
            return f"'loss_wrt_to_act_in' must be True, False or 'softmax', found {self.loss_wrt_to_act_in!r}"
        if output.feature is None or output.time is None or further_axes(output) or output.axis(BEAM):
            return f"loss 'via_layer' needs batch, time and feature axes and no others, but the output is {output}"
        return None

    def check_layers(self, output: Template, layers: dict[str, Template]) -> str | None:
        ((option, template),) = layers.items()
        if template.axis(LOOP) or set(template.axes) != set(output.axes):
            return f"{option!r} is {template}, expected the axes of the output, {output}"
        return None

    def compute(self, run: LayerRun, output: Tensor, target: None, *layers: Tensor) -> LossValue:
        (given,) = layers
        if given.sequence_cost is None:
            (name,) = self.layers().values()
            raise NetworkError(
                f"{run.where}: loss 'via_layer': layer {name!r} has no cost, expected a 'fast_bw' or a 'copy' of one"
            )
        if self.loss_wrt_to_act_in and output.logits is None:
            raise NetworkError(f"{run.where}: loss 'via_layer': 'loss_wrt_to_act_in' needs an output of a softmax")
        time, axes = output.template.required(TIME), output.axes
        x = output.logits if self.loss_wrt_to_act_in else output.value
        signal, found = given.ordered(axes), tf.math.is_finite(given.sequence_cost)
        if self.align_layer:
            signal = output.value - signal
        there = run.mask_over(axes, time) & Tensor(found, (Batch,), Template((Batch,), "bool")).ordered(axes)
        others = [i for i, axis in enumerate(axes) if axis != Batch]
        cost = with_gradient(tf.where(found, given.sequence_cost, 0.0), x, tf.where(there, signal, 0.0), others)
        frames = tf.reduce_sum(tf.cast(tf.where(found, run.length(time), 0), tf.float32))
        return LossValue(tf.reduce_sum(cost), tf.constant(0.0), frames, count_of(~found))
