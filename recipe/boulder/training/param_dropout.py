"""`param_dropout`: dropout of parameters, wherever the network reads them in training (Wan et al. 2013)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from boulder.lazy import TFTensor, tf
from boulder.network import NetworkSpec
from boulder.training.training_options import TrainingOptions


def param_dropout_rates(options: TrainingOptions, spec: NetworkSpec) -> dict[str, float]:
    """
    :return: path → probability with which an entry is set to 0, where it is not 0. As in RETURNN, options of a layer take
        precedence, and parameters with fewer axes than `param_dropout_min_ndim` have none
    """
    result: dict[str, float] = {}
    for layer in spec.all_layers():
        own, own_min = layer.layer.param_dropout, layer.layer.param_dropout_min_ndim
        rate = options.param_dropout if own is None else own
        axes = options.param_dropout_min_ndim if own_min is None else own_min
        for param in layer.params:
            if rate and not param.statistic and param.dtype.startswith("float") and len(param.shape) >= axes:
                result[param.path] = rate
    return result


def with_param_dropout(
    variables: Mapping[str, TFTensor], rates: Mapping[str, TFTensor], seed: int, step: TFTensor
) -> dict[str, TFTensor]:
    """
    :param variables: path → variable or value
    :param rates: path → rate, a float32 scalar
    :param step: number of batches before this one, an int64 scalar
    :return: path → variable, or its value with entries of 0, which depend on seed, step and path; others are divided by
        1 − rate
    """
    result = dict(variables)
    for path, rate in rates.items():
        digest = hashlib.sha256(f"{seed}: dropout of {path}".encode()).digest()
        stateless = tf.stack([tf.constant(int.from_bytes(digest[:7], "big"), tf.int64), step])
        value = tf.convert_to_tensor(variables[path])
        kept = tf.random.stateless_uniform(value.shape, stateless, dtype=value.dtype) >= tf.cast(rate, value.dtype)
        result[path] = tf.where(kept, value / tf.cast(1 - rate, value.dtype), tf.zeros_like(value))
    return result
