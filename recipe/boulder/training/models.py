"""`Models`: makes the models of the phases of a job. A phase whose network the one before had, too, continues with its model."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import numpy

from boulder import strict_json
from boulder.data import share_spec
from boulder.lazy import tf
from boulder.network import NetworkSpec
from boulder.private_api import forget_custom_gradients
from boulder.schedule.canonical import canonical
from boulder.training.model import Model
from boulder.training.phase import TrainingPhase
from boulder.training.run import TrainingRun


class Models:
    """
    TensorFlow traces and compiles a network when its first batch comes. That takes seconds, or minutes if it is large. Values of
    `loss_scale` are no constants of what is traced, so phases that differ in these alone are traced once in a process.
    """

    def __init__(self) -> None:
        self._last: tuple[str, Model] | None = None
        tf.get_logger().addFilter(_is_no_advice_on_traces)

    def make(
        self,
        phase: TrainingPhase,
        spec: NetworkSpec,
        params: Mapping[str, numpy.ndarray],
        run: TrainingRun,
        averages: Mapping[str, numpy.ndarray] | None = None,
        loss_scale: tuple[float, int] | None = None,
    ) -> Model:
        """
        For the other parameters see `Model`.

        :return: a model with a new optimizer. The one that was made before must not be used any more
        """
        key = _key(phase, spec, run)
        if self._last and self._last[0] == key:
            model = self._last[1]
            model.begin(spec, params, averages, loss_scale)
            return model
        self._last = None
        forget_custom_gradients()
        model = Model(spec, params, phase.options, run.train_data, run.replicas, averages, loss_scale)
        self._last = key, model
        return model


def _is_no_advice_on_traces(record: logging.LogRecord) -> bool:
    """:return: False for TensorFlow's warning that functions are traced often, which each phase with another network needs"""
    return "triggered tf.function retracing" not in str(record.msg)


def _key(phase: TrainingPhase, spec: NetworkSpec, run: TrainingRun) -> str:
    """:return: equal for phases with the same graph. The order of layers is part of it: sums depend on it in the last bits."""
    streams = repr(share_spec(run.train_data, run.replicas.count))
    scored_only = [layer for layer, loss in spec.losses.items() if not loss.scale]
    network = _without_scales(canonical(phase.network))
    return strict_json.dumps([network, canonical(phase.config), phase.trainable_layers, scored_only, streams])


def _without_scales(network: object) -> object:
    """:return: canonical net dict, without the `loss_scale`s of layers, also of those in loops and subnetworks"""
    if isinstance(network, list):
        return [_without_scales(item) for item in network]
    if not isinstance(network, dict):
        return network
    is_layer = isinstance(network.get("class"), str) and isinstance(network.get("loss_scale"), int | float)
    return {key: _without_scales(item) for key, item in network.items() if not (is_layer and key == "loss_scale")}
