"""`Models`: makes the models of the phases of a job. A phase whose network the one before had, too, continues with its model."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import numpy

from boulder.lazy import tf
from boulder.network import NetworkSpec
from boulder.private_api import forget_custom_gradients
from boulder.training.model import Model
from boulder.training.phase import TrainingPhase
from boulder.training.run import TrainingRun
from boulder.training.trace_key import trace_key


class Models:
    """
    TensorFlow traces and compiles a network when its first batch comes. That takes seconds, or minutes if it is large. Numbers such as
    a `loss_scale`, a `dropout` or an `L2` are no constants of what is traced (see `trace_key`), so phases that differ in these alone
    are traced once in a process.
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
        key = trace_key(phase, spec, run)
        if self._last and self._last[0] == key:
            model = self._last[1]
            model.begin(spec, params, phase.options, averages, loss_scale)
            return model
        self._last = None
        forget_custom_gradients()
        model = Model(spec, params, phase.options, run.train_data, run.replicas, averages, loss_scale)
        self._last = key, model
        return model


def _is_no_advice_on_traces(record: logging.LogRecord) -> bool:
    """:return: False for TensorFlow's warning that functions are traced often, which each phase with another network needs"""
    return "triggered tf.function retracing" not in str(record.msg)
