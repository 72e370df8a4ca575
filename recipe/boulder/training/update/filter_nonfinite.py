"""`gradient_nan_inf_filter`: entries that are not finite become 0."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from boulder.lazy import tf
from boulder.training.update.parameter_options import ParameterOptions
from boulder.training.update.stage import Stage, Update


@dataclass(frozen=True)
class FilterNonFinite(Stage):
    """g ← g where it is finite, else 0"""

    paths: Mapping[str, bool]

    @classmethod
    def from_options(cls, options: ParameterOptions) -> FilterNonFinite | None:
        paths = options.of("gradient_nan_inf_filter")
        return cls(paths) if paths else None

    def filtered(self) -> Collection[str]:
        return self.paths

    def __call__(self, update: Update) -> Update:
        return update.mapped_entries(lambda g, _: tf.where(tf.math.is_finite(g), g, tf.zeros_like(g)), self.paths)
