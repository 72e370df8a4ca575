"""Random numbers in net dicts are a function of the seed, the step, the layer and the number of the call."""

import numpy as np
import pytest

from boulder.errors import NetworkError
from boulder.network import describe, run_network
from boulder.network.code.running import code_of
from boulder.network.code.tensorflow_names import tensorflow_module
from boulder.network.random_stream import RandomStream

SHAPE = [2, 3, 5]
EXPRESSIONS = [
    "tf.random_uniform(tf.shape(source(0)))",
    "tf.random.uniform(tf.shape(source(0)), -1, 1)",
    "tf.random.uniform(tf.shape(source(0)), minval=0, maxval=100, dtype=tf.int32)",
    "tf.random_normal(tf.shape(source(0)), stddev=2.0)",
    "tf.random.normal(tf.shape(source(0)))",
    "tf.truncated_normal(tf.shape(source(0)))",
    "tf.random.gamma(tf.shape(source(0)), 1.5)",
    "tf.random_poisson(3.0, tf.shape(source(0)))",
    "tf.compat.v1.random_uniform(tf.shape(source(0)))",
    "tf.nn.dropout(source(0), rate=0.5)",
    "tf.nn.dropout(source(0), keep_prob=0.5)",
    "tf.compat.v1.nn.dropout(source(0), 0.5)",
    "dropout(source(0), 0.5)",
    "tf.random_shuffle(tf.reshape(source(0), [-1]))",
    "tf.random.categorical(tf.reshape(source(0), [6, 5]), 7)",
    "tf.multinomial(tf.reshape(source(0), [6, 5]), 7)",
    "tf.random_crop(source(0), [1, 2, 2])",
]


def drawn(expression: str, step=0, name="layer", compiled=True):
    """:return: numbers of two calls in one layer"""
    from boulder.network.code.expression import Expression

    tf = tensorflow_module()
    x = tf.constant(np.random.default_rng(0).normal(size=SHAPE).astype("float32"))

    def both():
        with code_of(RandomStream(name, seed=0, update=step, train=True)):
            call = Expression(expression)
            return call(source=lambda i: x), call(source=lambda i: x)

    return [value.numpy() for value in (tf.function(both, autograph=False) if compiled else both)()]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_numbers_depend_on_the_call_the_step_and_the_layer(expression):
    one, two = drawn(expression)
    assert (one == drawn(expression)[0]).all()
    assert (one == drawn(expression, compiled=False)[0]).all()
    for other in (two, drawn(expression, step=1)[0], drawn(expression, name="other")[0]):
        assert one.shape == other.shape
        assert (one != other).any()


def test_calls_with_the_same_seed_draw_the_same_numbers():
    same = "tf.random_uniform([20], seed=3)"
    one, two = drawn(same)
    assert (one == two).all()
    assert (one != drawn("tf.random_uniform([20], seed=4)")[0]).any()


def test_numbers_have_the_expected_distribution():
    (ints, _), (normal, _) = drawn("tf.random_uniform([2000], 1, 4, tf.int32)"), drawn("tf.random_normal([2000], 3.0)")
    assert set(ints) == {1, 2, 3}
    assert abs(normal.mean() - 3) < 0.1
    kept = drawn("tf.nn.dropout(tf.ones([100, 40]), keep_prob=0.8, noise_shape=[100, 1])")[0]
    assert set(np.unique(kept)) == {0, np.float32(1.25)}
    assert (kept == kept[:, :1]).all()
    assert 0.65 < (kept > 0).mean() < 0.95


@pytest.mark.parametrize(
    "loop",
    [
        "tf.while_loop(lambda i, x: i < 4, lambda i, x: (i + 1, tf.tensor_scatter_nd_update("
        "x, [[i]], tf.random_uniform([1, 3]))), (0, tf.zeros([4, 3])))[1]",
        "tf.map_fn(lambda x: x + tf.random_uniform([3]), tf.zeros([4, 3]))",
        "tf.map_fn(lambda x: tf.random_uniform([3]), tf.range(4), dtype=tf.float32)",
        "tf.map_fn(lambda x: tf.random_uniform([3]), tf.range(4), fn_output_signature=tf.float32)",
    ],
)
def test_each_iteration_of_a_loop_draws_other_numbers(loop):
    one, two = drawn(loop)
    assert len(np.unique(np.concatenate([one, two]))) == 24
    assert (one == drawn(loop)[0]).all()


def test_a_loop_whose_iterations_are_not_counted_is_refused():
    with pytest.raises(
        NetworkError, match=r"the same in each iteration of this loop, expected tf\.while_loop or tf\.map_fn"
    ):
        drawn("tf.scan(lambda a, x: a + tf.random_uniform([3]), tf.zeros([4, 3]))")


@pytest.mark.long
def test_a_compiled_function_draws_other_numbers_in_each_step():
    tf = tensorflow_module()

    @tf.function
    def noise(x):
        return x + tf.random_uniform([5])

    def compute(source):
        return noise(source(0))

    spec = describe({"output": {"class": "eval", "from": "data", "eval": compute}}, {"data": {"dim": 5}})
    data, lengths = {"data": np.zeros([1, 1, 5], "float32")}, {"data": np.array([1], "int32")}

    def step(step, train):
        return run_network(spec, {}, data, lengths, train=train, step=step).layers["output"].value

    types = [tf.TensorSpec([], tf.int64)]
    trained = tf.function(lambda number: step(number, True), input_signature=types)
    evaluated = tf.function(lambda number: step(number, False), input_signature=types)
    one, two = trained(tf.constant(1, tf.int64)), trained(tf.constant(2, tf.int64))
    assert (one != two).numpy().any()
    assert (evaluated(tf.constant(1, tf.int64)) == one).numpy().all()


def test_the_original_is_called_outside_of_layers():
    tf = tensorflow_module()
    draws = [
        tf.random_uniform([20], seed=1) for _ in range(2)
    ]  # a test of `train` may have made TensorFlow demand a seed
    assert (draws[0] != draws[1]).numpy().any()


def test_a_function_that_imports_tensorflow_draws_from_the_layers_stream():
    import sys

    def compute(source):
        import tensorflow as tf

        return source(0) + tf.random.uniform([5]) * tf.to_float(1)

    spec = describe({"output": {"class": "eval", "from": "data", "eval": compute}}, {"data": {"dim": 5}})
    data, lengths = {"data": np.zeros([1, 1, 5], "float32")}, {"data": np.array([1], "int32")}
    before = sys.modules["tensorflow"]
    one, two = [run_network(spec, {}, data, lengths).layers["output"].value.numpy() for _ in range(2)]
    assert (one == two).all()
    assert sys.modules["tensorflow"] is before
