"""`gradient_noise`: noise on the gradients."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from boulder.lazy import TFTensor, tf
from boulder.training.update.parameter_options import ParameterOptions
from boulder.training.update.stage import Stage, Update


@dataclass(frozen=True)
class AddNoise(Stage):
    """g ← g + ε, with ε from a normal distribution that is cut off at two standard deviations"""

    deviations: Mapping[str, float]
    seed: int

    @classmethod
    def from_options(cls, options: ParameterOptions) -> AddNoise | None:
        deviations = options.of("gradient_noise")
        return cls(deviations, options.training.random_seed) if deviations else None

    def __call__(self, update: Update) -> Update:
        noise = {path: self._noise(path, value, update) for path, value in self.deviations.items()}
        return update.mapped(lambda gradient, added: tf.convert_to_tensor(gradient) + added, noise)

    def _noise(self, path: str, deviation: float, update: Update) -> TFTensor:
        digest = hashlib.sha256(f"{self.seed}: gradient of {path}".encode()).digest()
        seed = tf.stack([tf.constant(int.from_bytes(digest[:7], "big"), tf.int64), update.step])
        shape = update.variables[path].shape
        return tf.random.stateless_truncated_normal(shape, seed=seed, stddev=deviation)
