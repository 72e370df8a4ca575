"""The objective of a training, from the losses and regularizers of a batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from boulder.lazy import TFTensor, tf
from boulder.network import NetworkSpec
from boulder.network.loss import LossValue
from boulder.training.training_options import TrainingOptions

Losses = dict[str, LossValue]
"""Layer name → sums over a batch."""


Dumped = dict[str, list[TFTensor]]


class BatchOutput(NamedTuple):
    """
    What a network says of a batch, or of a replica's share of it: all are sums over its frames.

    :param magnitudes: layer name → float32 [units], for `darc1`, see `boulder.network.regularizers`
    :param roughness: layer name → scalar, for `spatial_smoothing`, likewise
    :param dumped: name of an `hdf_dump` layer → tensors to write, see `boulder.training.dumps`; these are no sums
    """

    losses: Losses
    magnitudes: dict[str, TFTensor]
    roughness: dict[str, TFTensor]
    dumped: Dumped


def objective(
    own: BatchOutput,
    joint: BatchOutput,
    variables: Mapping[str, TFTensor],
    spec: NetworkSpec,
    options: TrainingOptions,
    num_replicas: int,
    factors: Mapping[tuple[str, ...], TFTensor] | None = None,
) -> TFTensor:
    """
    RETURNN's objective: Σ over losses of scale · cost, Σ over layers of darc1 · max over units of the magnitude, and of
    spatial_smoothing · roughness, and Σ over parameters of L2 · Σ w². The cost is a sum over frames or, with
    `use_normalized_loss` of the config or of the loss, their mean; the other terms are sums in any case.

    :param own: of one replica's share
    :param joint: of all shares
    :param variables: path → variable
    :param factors: those of `factors_of`, or tensors in their place; None: those of `factors_of`
    :return: this replica's term; the objective is the sum over replicas
    """
    factors = factors_of(spec, options, num_replicas) if factors is None else factors
    total = tf.constant(0.0)
    for layer, loss in own.losses.items():
        of_layer, frames = spec.losses[layer], joint.losses[layer].frames
        if not of_layer.scale:
            continue  # 0 · NaN would be NaN
        normalized = options.use_normalized_loss or of_layer.loss.use_normalized_loss
        total += factors["loss_scale", layer] * (tf.math.divide_no_nan(loss.cost, frames) if normalized else loss.cost)
    for layer, magnitudes in own.magnitudes.items():
        largest = tf.argmax(joint.magnitudes[layer])
        total += factors["darc1", layer] * magnitudes[largest]
    for layer, roughness in own.roughness.items():
        total += factors["spatial_smoothing", layer] * roughness
    for path in () if options.decouple_constraints else l2_factors(spec):
        total += factors["L2", path] * tf.reduce_sum(tf.square(variables[path]))
    return total


def factors_of(spec: NetworkSpec, options: TrainingOptions, num_replicas: int) -> dict[tuple[str, ...], float]:
    """:return: (option, layer or path of a parameter) → factor of a replica's term of the objective, where it is not 0"""
    found: dict[tuple[str, ...], float] = {
        ("loss_scale", name): loss.scale for name, loss in spec.losses.items() if loss.scale
    }
    for option in ("darc1", "spatial_smoothing"):
        found |= {
            (option, name): factor for name, layer in spec.layers.items() if (factor := getattr(layer.layer, option))
        }
    if not options.decouple_constraints:
        found |= {("L2", path): factor / num_replicas for path, factor in l2_factors(spec).items()}
    return found


def l2_factors(spec: NetworkSpec, decoupled: bool = False) -> dict[str, float]:
    """
    :param decoupled: for `decouple_constraints`: `L2` of a layer replaces that of the loops around it, as in RETURNN
    :return: path of a trained parameter → `L2` of its layer, and of the loops and subnetworks around, where it is not 0
    """
    layers = list(spec.all_layers())
    given = {layer.name: layer.layer.L2 for layer in layers if layer.layer.L2}
    result: dict[str, float] = {}
    for layer in layers:
        parts = layer.name.split("/")
        names = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
        factors = [given[name] for name in names if name in given]
        factor = sum(factors[-1:] if decoupled else factors)
        for param in layer.params:
            if factor and param.trainable:  # a layer of an extra net adds its own factor
                result[param.path] = factor if decoupled else result.get(param.path, 0.0) + factor
    return result
