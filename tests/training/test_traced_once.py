"""Phases that differ in numbers such as a dropout rate alone are traced once in a process, and end in the same bits."""

import logging
from dataclasses import fields
from types import SimpleNamespace

import numpy as np
import pytest

from boulder.data import open_dataset
from boulder.lazy import tf
from boulder.network import describe
from boulder.training import TrainingPhase
from boulder.training.model import Model
from boulder.training.models import Models
from boulder.training.replicas import OneReplica
from boulder.training.trace_key import OUTSIDE_OF_GRAPHS, trace_key
from boulder.training.training_options import TrainingOptions
from tests.tiny import EXTERN_DATA, network, phase


def net(scale: float, width: int = 4, dropout: float = 0.1) -> dict:
    result = network(1, width, dropout)
    result["letters"] = {
        "class": "softmax", "from": ["fw0", "bw0"], "loss": "ctc", "target": "classes", "loss_scale": scale,
    }  # fmt: skip
    return result


def numbers(index: int, **config) -> dict:
    """:return: a phase with each number that a schedule may change, at a value of its own"""
    factor = 0.01 * (index + 1)
    net = network(1, 4, dropout=0.1 + factor)
    net["fw0"] |= {"L2": factor, "param_dropout": factor, "dropout_noise_shape": {"*": None}}
    net["output"] |= {"from": "attention", "loss_scale": 1 + factor}
    net["attention"] = {
        "class": "self_attention", "from": ["fw0", "bw0"], "n_out": 8, "total_key_dim": 4, "num_heads": 2,
        "attention_dropout": 0.1 + factor, "darc1": factor,
    }  # fmt: skip
    net["grid"] = {
        "class": "linear", "from": ["fw0", "bw0"], "n_out": 9, "spatial_smoothing": factor, "param_variational_noise": factor,
        "is_output_layer": True,
    }  # fmt: skip
    options = {"param_variational_noise": factor, "param_dropout": 0.1 + factor, "batch_size": 40 + 10 * index}
    return phase(index, range(index + 1, index + 2), net, **options, **config)


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


def test_ten_phases_with_other_rates_of_dropout_and_scales_trace_once(training, made):
    every = [phase(i, range(i + 1, i + 2), net(scale=0.1 * (i + 1), dropout=0.05 * (i + 1))) for i in range(10)]
    training(every)
    (model,) = made
    assert model.compiled_step.experimental_get_tracing_count() == 1
    assert model.compiled_evaluate.experimental_get_tracing_count() == 1


def check_processes_of_their_own(training, every, together, tmp_path):
    """`together` is the result of one process for `every` phase, in tmp_path/run."""
    previous = None
    for number, one in enumerate(every):
        apart = training([one], f"apart{number}", previous=previous)
        previous = tmp_path / f"apart{number}" / "checkpoint.h5"
    assert (tmp_path / "run" / "checkpoint.h5").read_bytes() == previous.read_bytes()
    assert together.history == apart.history


def test_every_number_at_once_traces_once_and_ends_in_the_bits_of_processes_of_their_own(training, made, tmp_path):
    every = [numbers(index) for index in range(2)]
    together = training(every)
    assert len(made) == 1
    check_processes_of_their_own(training, every, together, tmp_path)


def test_no_graph_reads_an_option_that_may_change_without_a_trace(training, monkeypatch):
    read = set()

    class Watched(TrainingOptions):
        def __getattribute__(self, name):
            if tf.executing_eagerly() is False:
                read.add(name)
            return super().__getattribute__(name)

    monkeypatch.setattr("boulder.training.phase.TrainingOptions", Watched)
    training(phases(0.1, decouple_constraints=True, gradient_clip=1.0, accum_grad_multiple_step=2, ema=0.5))
    assert {"random_seed", "stop_on_nonfinite_train_score", "use_normalized_loss"} <= read
    assert not read & OUTSIDE_OF_GRAPHS
    assert {option.name for option in fields(TrainingOptions)} >= OUTSIDE_OF_GRAPHS


def test_another_graph_is_traced(training, made):
    training([*phases(0.1), phase(1, range(2, 3), net(0.0))])  # only a score: the graph lacks its gradient
    assert len(made) == 2


def key(of_phase: dict, data) -> str:
    of_phase = TrainingPhase.from_json({"train": [data / "train.hdf"]} | of_phase)
    spec = describe(of_phase.network, EXTERN_DATA).trained_only(of_phase.trainable_layers)
    run = SimpleNamespace(train_data=open_dataset(of_phase.train, EXTERN_DATA), replicas=OneReplica())
    return trace_key(of_phase, spec, run)


@pytest.mark.parametrize(
    "other",
    [
        phase(1, range(2, 3), net(0.0)),
        phase(1, range(2, 3), net(0.1, width=5)),
        phase(1, range(2, 3), net(0.1, dropout=0.0)),  # it lacks the random numbers
        phase(1, range(2, 3), net(0.1), gradient_clip=1.0),
        phase(1, range(2, 3), net(0.1), param_variational_noise=0.1),
        phase(1, range(2, 3), net(0.1)) | {"trainable_layers": ["output"]},
        phase(1, range(2, 3), dict(reversed(net(0.1).items()))),
    ],
)
def test_what_changes_the_graph_changes_the_key(data, other):
    assert key(other, data) != key(*phases(0.1), data)
    assert key(other, data) == key(other | {"index": 2}, data)


def test_a_decoupled_constraint_is_a_constant(data):
    first, second = (numbers(index, decouple_constraints=True) for index in range(2))
    assert key(first, data) != key(second, data)
    assert key(numbers(0), data) == key(numbers(1), data)


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
    check_processes_of_their_own(training, every, together, tmp_path)
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
