"""`param_variational_noise`: noise on parameters, wherever the network reads them in training (Graves 2011)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from boulder.lazy import TFTensor, tf
from boulder.network import NetworkSpec
from boulder.training.training_options import TrainingOptions


def noise_deviations(options: TrainingOptions, spec: NetworkSpec) -> dict[str, float]:
    """:return: path → standard deviation, where it is not 0. As in RETURNN, that of a loop is not that of the layers in it."""
    result: dict[str, float] = {}
    for layer in spec.all_layers():
        own = layer.layer.param_variational_noise
        deviation = options.param_variational_noise if own is None else own
        if deviation:
            result |= {param.path: deviation for param in layer.params if not param.statistic}
    return result


def with_noise(
    variables: Mapping[str, TFTensor], deviations: Mapping[str, TFTensor], seed: int, step: TFTensor
) -> dict[str, TFTensor]:
    """
    :param variables: path → variable
    :param deviations: path → standard deviation, a float32 scalar
    :param step: number of batches before this one, an int64 scalar
    :return: path → variable, or its value with noise, which depends on seed, step and path
    """
    result = dict(variables)
    for path, deviation in deviations.items():
        digest = hashlib.sha256(f"{seed}: noise on {path}".encode()).digest()
        stateless = tf.stack([tf.constant(int.from_bytes(digest[:7], "big"), tf.int64), step])
        noise = tf.random.stateless_normal(variables[path].shape, seed=stateless, stddev=deviation)
        result[path] = variables[path] + noise
    return result
