"""The graph of a training step is small: each operation costs time, when it is traced and in each step."""

import pytest
import tensorflow as tf

from boulder.network import describe, run_network
from boulder.network.random_stream import uniform

EXTERN_DATA = {"data": {"dim": 3}, "classes": {"dim": 4, "sparse": True}}


def operations(layers: int, train: bool, read_states: bool = False) -> int:
    """:return: number of operations of a stack of bidirectional LSTMs"""
    net, source = {}, ["data"]
    for layer in range(layers):
        options = {"class": "rec", "unit": "nativelstm2", "n_out": 2, "from": source, "dropout": 0.1}
        source = [f"fw{layer}", f"bw{layer}"]
        net |= {name: options | {"direction": direction} for name, direction in zip(source, (1, -1), strict=True)}
    net["output"] = {"class": "softmax", "from": source, "loss": "ce", "target": "classes"}
    if read_states:
        net["last"] = {"class": "get_last_hidden_state", "from": "fw0", "key": "h", "n_out": 2, "is_output_layer": True}
    spec = describe(net, EXTERN_DATA)
    params = {path: tf.Variable(tf.zeros(param.shape)) for path, param in spec.params.items()}
    data = {"data": tf.TensorSpec([None, None, 3]), "classes": tf.TensorSpec([None, None], tf.int32)}
    lengths = dict.fromkeys(data, tf.TensorSpec([None], tf.int32))

    @tf.function(autograph=False)
    def run(data: dict, lengths: dict) -> tf.Tensor:
        return run_network(spec, params, data, lengths, train=train).losses["output"].cost

    return len(run.get_concrete_function(data, lengths).graph.get_operations())


@pytest.mark.parametrize(("train", "most"), [(True, 110), (False, 68)])
def test_a_further_layer_adds_few_operations(train, most):
    assert operations(3, train) - operations(2, train) <= most


def test_states_after_the_last_frame_are_computed_where_they_are_read():
    assert operations(1, train=False) < operations(1, train=False, read_states=True) - 5


@pytest.mark.parametrize("dtype", [tf.float32, tf.float64, tf.float16])
def test_uniform_numbers_are_those_of_tensorflows_public_function(dtype):
    seed = tf.constant([-3, 2**40], tf.int64)
    expected = tf.random.stateless_uniform([3, 500], seed, dtype=dtype)
    assert (uniform([3, 500], seed, dtype).numpy() == expected.numpy()).all()
