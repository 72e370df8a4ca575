"""`grad_norm_to_clip_to_zero`: no update where the gradients are too large."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from boulder.lazy import TFTensor, tf
from boulder.training.update.clip_by_global_norm import joint_norms, joint_paths
from boulder.training.update.parameter_options import ParameterOptions
from boulder.training.update.stage import Stage, Update


@dataclass(frozen=True)
class ZeroHighNorm(Stage):
    """
    g ← 0 if the joint norm before all stages is above the limit, or not finite

    :param limits: path → limit
    :param joint: path → paths of the parameters in its norm, where these are not all
    """

    limits: Mapping[str, float]
    joint: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def from_options(cls, options: ParameterOptions) -> ZeroHighNorm | None:
        limits = options.of("grad_norm_to_clip_to_zero")
        return cls(limits, joint_paths(options, "global_norm_tag")) if limits else None

    def filtered(self) -> Collection[str]:
        return self.limits

    def __call__(self, update: Update) -> Update:
        norms = joint_norms(update, self.joint, self.limits)

        def kept(gradient: TFTensor, low: TFTensor) -> TFTensor:
            gradient = tf.convert_to_tensor(gradient)
            return tf.where(low, gradient, tf.zeros_like(gradient))

        return update.mapped(kept, {path: norms[path] <= limit for path, limit in self.limits.items()})
