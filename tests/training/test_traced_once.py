"""Phases whose networks differ in values of `loss_scale` alone are traced once in a process, and end in the same bits."""

import logging

import numpy as np
import pytest

from boulder.lazy import tf
from boulder.training.model import Model
from boulder.training.models import Models
from tests.tiny import network, phase


def net(scale: float, width: int = 4) -> dict:
    result = network(1, width, dropout=0.1)
    result["letters"] = {
        "class": "softmax", "from": ["fw0", "bw0"], "loss": "ctc", "target": "classes", "loss_scale": scale,
    }  # fmt: skip
    return result


def phases(*scales: float, **config) -> list[dict]:
    return [phase(i, range(i + 1, i + 2), net(scale), **config) for i, scale in enumerate(scales)]


@pytest.fixture
def made(monkeypatch):
    """:return: the models of a training"""
    models: list[Model] = []
    make = Model.__init__

    def noted(self, *arguments, **others):
        models.append(self)
        make(self, *arguments, **others)

    monkeypatch.setattr(Model, "__init__", noted)
    return models


def test_a_schedule_of_a_scale_traces_once(training, made):
    training(phases(0.1, 0.5, 1.0, 1.0))
    (model,) = made
    assert model.compiled_step.experimental_get_tracing_count() == 1
    assert model.compiled_evaluate.experimental_get_tracing_count() == 1


@pytest.mark.parametrize(
    "others",
    [
        [phase(1, range(2, 3), net(0.0))],  # only a score: the graph lacks its gradient
        [phase(1, range(2, 3), net(0.1, width=5))],
        [phase(1, range(2, 3), net(0.1), gradient_clip=1.0)],
        [phase(1, range(2, 3), net(0.1)) | {"trainable_layers": ["output"]}],
    ],
)
def test_another_graph_is_traced(training, made, others):
    training([*phases(0.1), *others])
    assert len(made) == 2


@pytest.mark.parametrize(
    "config",
    [
        {"optimizer": {"class": "adam"}, "accum_grad_multiple_step": 2},
        {"ema": 0.5, "optimizer": {"class": "rmsprop"}, "mixed_precision": "float16"},
    ],
)
def test_a_process_for_each_phase_ends_in_the_same_bits(training, tmp_path, config):
    every = phases(0.1, 0.7, 0.3, **config)
    together = training(every)
    previous = None
    for number, one in enumerate(every):
        apart = training([one], f"apart{number}", previous=previous)
        previous = tmp_path / f"apart{number}" / "checkpoint.h5"
    assert (tmp_path / "run" / "checkpoint.h5").read_bytes() == previous.read_bytes()
    assert together.history == apart.history
    assert {record["scales"]["letters"] for record in together.history} == {0.1, 0.7, 0.3}
    assert all(np.isfinite(value).all() for value in together.params.values())


def test_tensorflows_advice_on_frequent_traces_is_not_in_the_log_of_a_job():
    """Its own condition, more than 5 traces of one function, holds for any job of several phases."""
    said = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())
    logging.getLogger("tensorflow").addHandler(handler)
    try:
        Models()
        for width in range(8):
            tf.function(lambda x: x + 1, autograph=False)(tf.zeros([width]))
        tf.get_logger().warning("something else")
    finally:
        logging.getLogger("tensorflow").removeHandler(handler)
    assert said == ["something else"]
