"""The base class of losses. A loss gives the sums of costs and of errors over a batch, and the number of target frames."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from boulder.lazy import TFTensor, tf
from boulder.network import foreign_names
from boulder.network.axes import DYNAMIC, Batch
from boulder.network.layer_run import LayerRun
from boulder.network.registry import Registry
from boulder.network.template import Template
from boulder.network.tensor import Tensor

_REFUSED = {
    "sprint": "needs a running RASR, which computes it; expected 'fast_bw' (full sum over automata that are data, see docs/data.md), or "
    "'via_layer'",
}
"""losses that RETURNN knows → why they do not exist here"""

LOSSES: Registry[Loss] = Registry("loss", "loss", _REFUSED, foreign_names.LOSSES)
loss_class = LOSSES.register


class LossValue(NamedTuple):
    """
    Float32 scalars for a batch: sums of cost and error, and the number of frames that normalizes both.

    :param left_out: number of sequences that count in none of them; `compute` may leave it to `normalized`
    :param sequences: number of sequences; given by `normalized`
    """

    cost: TFTensor
    error: TFTensor
    frames: TFTensor
    left_out: TFTensor = None
    sequences: TFTensor = None


@dataclass(frozen=True, kw_only=True)
class Loss:
    """
    The fields of a subclass are further `loss_opts`.

    :param scale: another name of the layer's `loss_scale`
    :param custom_inv_norm_factor: layer whose sum over the batch, without padding, normalizes cost and error, in place of the number
        of frames
    :param use_flatten_frames: has no effect: how RETURNN leaves out the padding
    :param use_normalized_loss: whether the objective divides the cost by the number of frames; the trainer's option of that
        name does this for all losses
    """

    class_name: ClassVar[str]
    needs_target: ClassVar[bool] = True
    is_framewise: ClassVar[bool] = False
    """Whether output and target must have the same lengths."""

    left_out: ClassVar[str] = "which have no frames there"
    """Which sequences the loss leaves out, for people."""

    needs_search: ClassVar[bool] = False
    """Whether the output must be that of a search: hypotheses, or one of them."""

    refused: ClassVar[Mapping[str, str]] = {
        "custom_norm_factor": "the same for batches of all sizes, it would depend on the number of replicas; expected "
        "'custom_inv_norm_factor' with a layer, or 'loss_scale'"
    }
    """options of RETURNN's loss that this one does not have → why; a subclass adds its own"""

    scale: float = 1.0
    use_normalized_loss: bool = False
    custom_inv_norm_factor: str | None = None
    use_flatten_frames: bool = True

    def layers(self) -> dict[str, str]:
        """
        :return: option → name of a layer that `compute` reads beside the output, or "target:NAME" for what NAME is as a value of
            the option `target`
        """
        return {}

    def all_layers(self) -> dict[str, str]:
        """:return: option → name of a layer that the loss reads beside the output"""
        norm = self.custom_inv_norm_factor
        return self.layers() | ({} if norm is None else {"custom_inv_norm_factor": norm})

    @property
    def needs_frame_per_label(self) -> bool:
        """:return: whether sequences do not count whose target has more labels than their output has frames"""
        return False

    @property
    def has_cost(self) -> bool:
        """:return: whether the cost is a score; otherwise it is 0"""
        return True

    @property
    def has_error(self) -> bool:
        """:return: whether the error is a score; otherwise it is 0"""
        return True

    def is_error_telling(self, target: Template | None) -> bool:
        """:return: whether the error says how well the task is solved, rather than how often two largest features differ"""
        return self.has_error

    def output_dim(self, target: Template) -> int | None:
        """:return: size that the output's feature axis must have for this target"""
        raise NotImplementedError

    def check(self, output: Template, target: Any) -> str | None:
        """
        :param target: `Template` of the data stream, None if the loss needs none; subclasses declare which
        :return: a message if the output and the target do not fit together, or None
        """
        wanted = self.output_dim(target)
        if output.feature is None or output.dim != wanted:
            return (
                f"loss {self.class_name!r} needs an output with a feature axis of size {wanted} for its target {target}, "
                f"found {output}"
            )
        return None

    def check_params(self, names: Collection[str]) -> str | None:
        """
        :param names: of the layer's parameters
        :return: a message if they do not suffice, or None
        """
        return None

    def check_layers(self, output: Template, layers: dict[str, Template]) -> str | None:
        """
        :param layers: option → template, of `layers()`
        :return: a message if they do not fit, or None
        """
        return None

    def check_all_layers(self, output: Template, layers: dict[str, Template]) -> str | None:
        """
        :param layers: option → template, of `all_layers()`
        :return: a message if they do not fit, or None
        """
        given = dict(layers)
        norm = given.pop("custom_inv_norm_factor", None)
        if norm and (norm.sparse_dim is not None or norm.dtype == "bool"):
            return f"'custom_inv_norm_factor' must be numbers, but {self.custom_inv_norm_factor!r} is {norm}"
        return self.check_layers(output, given)

    def compute(self, run: LayerRun, output: Tensor, target: Any) -> LossValue:
        """
        :param run: parameters, sequence lengths, random numbers of the layer
        :param output: output of the layer
        :param target: `Tensor` of the data stream, None if the loss needs none; subclasses declare which

        A subclass that overrides `layers` takes a `Tensor` for each of them as further arguments.
        """
        raise NotImplementedError

    def normalized(self, run: LayerRun, output: Tensor, target: Any, layers: Sequence[Tensor]) -> LossValue:
        """
        :param layers: values of `all_layers()`
        :return: `compute`, with the sum of `custom_inv_norm_factor` as the number of frames, and the numbers of sequences
        """
        if self.custom_inv_norm_factor is None:
            return self._counted(run, output, self.compute(run, output, target, *layers))
        *given, norm = layers
        value = tf.cast(norm.value, tf.float32)
        for axis in norm.axes:
            if axis.kind in DYNAMIC and axis.size is None:
                value = tf.where(run.mask_over(norm.axes, axis), value, 0.0)
        result = self.compute(run, output, target, *given)._replace(frames=tf.reduce_sum(value))
        return self._counted(run, output, result)

    @staticmethod
    def _counted(run: LayerRun, output: Tensor, result: LossValue) -> LossValue:
        left_out, time = result.left_out, output.template.time
        if left_out is None and time is not None and time.size is None:
            of_hypotheses = [i for i, axis in enumerate(run.length_axes(time)) if axis != Batch]
            left_out = count_of(tf.reduce_max(run.length(time), axis=of_hypotheses) == 0)
        sequences = tf.cast(run.batch_size, tf.float32)
        return result._replace(left_out=tf.constant(0.0) if left_out is None else left_out, sequences=sequences)


def count_of(where: TFTensor) -> TFTensor:
    """
    :param where: bool [B]
    :return: float32 scalar, number of True
    """
    return tf.reduce_sum(tf.cast(where, tf.float32))
