"""`gradient_clip_global_norm`: scale all gradients down by their joint norm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from boulder.lazy import TFTensor, tf
from boulder.training.update.parameter_options import ParameterOptions
from boulder.training.update.stage import Stage, Update


@dataclass(frozen=True)
class ClipByGlobalNorm(Stage):
    """
    g ← g · limit / max(limit, n) with n = √(Σ over parameters of ‖g‖²) before all other stages, as in RETURNN (Pascanu et
    al. 2013)

    :param limits: path → limit
    :param joint: path → paths of the parameters in its norm, where these are not all
    """

    limits: Mapping[str, float]
    joint: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def from_options(cls, options: ParameterOptions) -> ClipByGlobalNorm | None:
        limits = options.of("gradient_clip_global_norm")
        return cls(limits, joint_paths(options, "gradient_clip_global_norm_tag", "global_norm_tag")) if limits else None

    def __call__(self, update: Update) -> Update:
        norms = joint_norms(update, self.joint, self.limits)
        clipped = {
            path: tf.clip_by_global_norm([update.gradients[path]], limit, use_norm=norms[path])[0][0]
            for path, limit in self.limits.items()
        }
        return update.mapped(lambda _, gradient: gradient, clipped)


def joint_paths(options: ParameterOptions, *names: str) -> dict[str, tuple[str, ...]]:
    """
    :param names: options with a tag; the first counts that a parameter has
    :return: path → paths of all parameters with its tag
    """
    tags: dict[str, str] = {}
    for name in reversed(names):
        tags |= options.of(name)
    return {path: tuple(options.tagged(tag)) for path, tag in tags.items()}


def joint_norms(
    update: Update, joint: Mapping[str, tuple[str, ...]], paths: Mapping[str, object]
) -> dict[str, TFTensor]:
    """:return: for each of `paths`, the norm that counts for it, a scalar"""
    groups = {joint.get(path) for path in paths}
    norms = {group: update.norm(group) for group in sorted(groups, key=lambda group: group or ())}
    return {path: norms[joint.get(path)] for path in paths}
