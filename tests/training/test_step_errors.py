"""A step that fails is told with its place, the layer, the reason in one line, and the sequences with their lengths."""

import numpy as np
import pytest

from boulder.data import HdfWriter
from boulder.search.forward import forward_to_hdf
from boulder.training.step_errors import BatchContents, StepError
from tests.tiny import phase

EXTERN_DATA = {"data": {"dim": 2}, "classes": {"dim": 3, "sparse": True}}
OF_FRAMES = "tf.shape(source(0))[1]"
FAILS_ABOVE_5 = f"source(0) + tf.cast(tf.gather(tf.zeros([6]), {OF_FRAMES}), 'float32')"
HUGE = f"source(0) + tf.reduce_sum(tf.random.uniform([{OF_FRAMES} * 20000000, 1000000]))"


def net(code):
    return {
        "loop": {
            "class": "subnetwork",
            "from": "data",
            "subnetwork": {"output": {"class": "eval", "from": "data", "eval": code}},
        },
        "output": {"class": "softmax", "from": "loop", "loss": "ce", "target": "classes"},
    }


@pytest.fixture
def write(tmp_path):
    """:return: function (name, lengths) that writes a file"""

    def made(name, lengths):
        with HdfWriter(tmp_path / name, EXTERN_DATA) as file:
            for number, frames in enumerate(lengths):
                file.write(f"s-{number}", {"data": np.ones((frames, 2)), "classes": np.zeros(frames, "int32")})
        return tmp_path / name

    return made


def one(code, **config):
    return phase(0, range(1, 3), net(code), **{"batching": "default", "batch_size": 100, "max_seqs": 2} | config)


@pytest.fixture
def fails(training):
    """:return: function (code of the network, train=…, dev=…) → message of the error"""

    def run(code, **data):
        with pytest.raises(StepError) as caught:
            training([one(code)], extern_data=EXTERN_DATA, **data)
        message = str(caught.value)
        assert "\n" not in message
        assert "Graph execution" not in message
        assert caught.value.__cause__ is not None  # for the log
        return message

    return run


def test_a_step_of_the_training(write, fails):
    message = fails(FAILS_ABOVE_5, train=[write("train.hdf", [3, 4, 2, 7, 5])], dev=[])
    assert message.startswith(
        "epoch 1, batch 1: layer 'loop/output': InvalidArgumentError: indices = 7 is not in [0, 6) (in the operation "
    )
    assert message.endswith("; on the sequences 's-2' (data 2, classes 2), 's-3' (data 7, classes 7)")


def test_a_step_of_the_evaluation(write, fails):
    message = fails(FAILS_ABOVE_5, train=[write("train.hdf", [3])], dev=[write("dev.hdf", [1, 2, 6])])
    assert message.startswith("epoch 1, scores of dev, batch 1: layer 'loop/output': InvalidArgumentError: indices = 6")
    assert "; on the sequence 's-2' (" in message


def test_code_that_fails_while_the_network_is_built_names_the_layer(write, fails, monkeypatch):
    from boulder.network.layers.combine import Eval

    monkeypatch.setattr(Eval, "compute", lambda *_: 1 / 0)
    message = fails("source(0)", train=[write("train.hdf", [3])], dev=[])
    assert message.startswith(
        "epoch 1, batch 0: layer 'loop/output': ZeroDivisionError: division by zero; on the sequence"
    )


def test_too_little_memory_is_told_with_the_size_of_the_batch(write, fails):
    message = fails(HUGE, train=[write("train.hdf", [3, 4])], dev=[])
    assert message.startswith("epoch 1, batch 0: out of memory with a batch of 2 sequences, padded to ")
    assert "'data' [2, 4, 2]" in message
    assert "the longest 's-1' (" in message
    assert "layer 'loop/output': ResourceExhaustedError: OOM when allocating tensor" in message
    for advice in ("'batch_size'", "'max_seqs'", "'max_seq_length'", "'accum_grad_multiple_step'", "'recompute'"):
        assert advice in message


def test_a_pass_over_data(write, tmp_path):
    from types import SimpleNamespace

    from boulder.search.data_pass import DataPass

    network = {"output": {"class": "eval", "from": "data", "eval": FAILS_ABOVE_5}}
    checkpoint = SimpleNamespace(network=network, params={})
    data_pass = DataPass(checkpoint, EXTERN_DATA, write("data.hdf", [3, 8, 2]), 5, mode="eval")
    with pytest.raises(StepError) as caught:
        forward_to_hdf(data_pass, {"data": "output"}, tmp_path / "out.hdf")
    assert str(caught.value).startswith("batch 1: layer 'output': InvalidArgumentError: indices = 8 is not in [0, 6)")
    assert str(caught.value).endswith("; on the sequence 's-1' (data 8)")


def test_many_sequences_are_not_all_named():
    contents = BatchContents([f"s-{i}" for i in range(9)], {"s-0": {"data": 5}}, {"data": [9, 5]}, 2)
    assert str(contents) == "sequences 's-0' (data 5), 's-1', 's-2', … (9 sequences)"
    assert contents.sizes() == "9 sequences on 2 devices, padded to 'data' [9, 5], the longest 's-0' (data 5)"
    assert contents.rows(1) == ["s-2", "s-3"]
