"""`tf` in net dicts: TensorFlow 2, with the names and calls of TensorFlow 1 that published configs use."""

import sys

import numpy as np
import pytest

from boulder.errors import NetworkError
from boulder.network.code.tensorflow_names import tensorflow_module

LENGTHS = [3, 3]


@pytest.fixture(scope="module")
def tf():
    return tensorflow_module()


@pytest.fixture
def evaluated(run, random_batch, values):
    """:return: function (expression of "data" with 5 features, options of the layer) → its value"""

    def evaluate(expression, **options):
        data, lengths = random_batch(LENGTHS)
        net = {"output": {"class": "eval", "from": "data", "eval": expression, **options}}
        return values(run(net, data, lengths)), data["data"]

    return evaluate


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("tf.to_float(tf.to_int32(source(0)))", np.trunc),
        ("tf.log(tf.exp(source(0)))", lambda x: x),
        ("tf.div(source(0), 2.0)", lambda x: x / 2),
        ("tf.where(tf.is_nan(source(0)), tf.zeros_like(source(0)), source(0))", lambda x: x),
        ("tf.check_numerics(source(0), 'finite')", lambda x: x),
        ("tf.Print(source(0), [], 'said')", lambda x: x),
        ("source(0) - tf.reduce_mean(source(0), axis=-1, keep_dims=True)", lambda x: x - x.mean(-1, keepdims=True)),
        ("source(0) - tf.reduce_mean(source(0), axis=-1, keepdims=True)", lambda x: x - x.mean(-1, keepdims=True)),
        ("source(0) * tf.reduce_sum(tf.nn.softmax(source(0), dim=-1), 2, keep_dims=True)", lambda x: x),
        ("tf.concat(2, tf.split(2, 5, source(0)))", lambda x: x),
        ("tf.concat(tf.split(source(0), [2, 3], -1), -1)", lambda x: x),
        ("tf.concat(tf.split(value=source(0), num_split=5, split_dim=2), axis=2)", lambda x: x),
        ("tf.squeeze(tf.expand_dims(source(0), dim=0), squeeze_dims=[0])", lambda x: x),
        ("tf.cond(tf.constant(True), fn1=lambda: source(0), fn2=lambda: -source(0))", lambda x: x),
        ("tf.cond(False, lambda: -source(0), lambda: source(0))", lambda x: x),
        ("tf.compat.v1.to_float(source(0))", lambda x: x),
        ("where_bc(source(0) > 0, source(0), 0.0)", lambda x: np.maximum(x, 0)),
        ("safe_log(source(0))", lambda x: np.log(np.maximum(x, 1e-20))),
        ("safe_exp(100.0 * source(0))", lambda x: np.clip(np.exp(100 * x.astype("float64")), 1e-20, 1e20)),
        ("tf.reshape(source(0), get_shape(source(0)))", lambda x: x),
        ("tf.matmul(source(0), tf.matrix_band_part(tf.eye(5), 0, 0))", lambda x: x),
    ],
)
def test_names_and_arguments_of_tensorflow_1_keep_their_meaning(evaluated, expression, expected):
    value, x = evaluated(expression)
    np.testing.assert_allclose(value, expected(x), rtol=1e-5, atol=1e-6)


def test_argmax_accepts_dimension(evaluated):
    value, x = evaluated("tf.argmax(source(0), dimension=-1)", out_type={"sparse": True, "dim": 5, "dtype": "int64"})
    assert (value == x.argmax(-1)).all()


def test_where_selects_rows_by_a_vector_and_still_broadcasts(tf):
    rows = tf.where(tf.constant([True, False]), tf.ones([2, 2]), tf.zeros([2, 2]))
    assert rows.numpy().tolist() == [[1, 1], [0, 0]]
    columns = tf.where(tf.constant([True, False]), tf.ones([3, 2]), tf.zeros([3, 2]))
    assert columns.numpy().tolist() == [[1, 0]] * 3
    assert tf.where(tf.constant([[True], [False]]), 1.0, tf.zeros([2, 2])).numpy().tolist() == [[1, 1], [0, 0]]
    assert tf.where([False, True]).numpy().tolist() == [[1]]


@pytest.mark.parametrize("options", [{}, {"axis": 0}, {"dim": 0}], ids=str)
def test_labels_that_do_not_sum_to_1_have_the_gradient_of_tensorflows_operation(tf, options):
    import tensorflow

    logits = tensorflow.random.stateless_normal([3, 3], [0, 1])
    labels = tensorflow.random.stateless_uniform([3, 3], [2, 3])

    def operation(logits, labels):
        if options:
            logits, labels = tensorflow.transpose(logits), tensorflow.transpose(labels)
        return tensorflow.raw_ops.SoftmaxCrossEntropyWithLogits(features=logits, labels=labels).loss

    def gradients(cross_entropy, **given):
        with tensorflow.GradientTape() as tape:
            tape.watch([logits, labels])
            total = tensorflow.reduce_sum(cross_entropy(labels=labels, logits=logits, **given) ** 2)
        return tape.gradient(total, [logits, labels])

    found, expected = gradients(tf.nn.softmax_cross_entropy_with_logits, **options), gradients(operation)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    assert gradients(tf.compat.v1.nn.softmax_cross_entropy_with_logits)[1] is None


def test_other_names_are_those_of_tensorflow_2(tf):
    import tensorflow

    assert tf.Tensor is tensorflow.Tensor
    assert tf.float32 is tensorflow.float32
    assert tf.add is tensorflow.add
    assert tf.nn.relu is tensorflow.nn.relu
    assert tf.keras.layers.Dense is tensorflow.keras.layers.Dense
    assert tf.__version__ == tensorflow.__version__
    assert not hasattr(tf, "contrib")
    assert tf.compat.v1.placeholder_with_default is tensorflow.compat.v1.placeholder_with_default


def test_loops_return_what_they_return_in_tensorflow_2(tf):
    pair = tf.while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, x * 2), (0, 1.0))
    assert [float(value) for value in pair] == [3, 8]
    assert [int(v) for v in tf.while_loop(lambda i: i < 3, lambda i: i + 1, [0])] == [3]
    assert int(tf.compat.v1.while_loop(lambda i: i < 3, lambda i: i + 1, [0])) == 3
    grown = tf.while_loop(
        lambda x: tf.size(x) < 4, lambda x: [tf.concat([x, x], 0)], [tf.ones([1])],
        shape_invariants=[tf.TensorShape([None])],
    )  # fmt: skip
    assert grown[0].shape == [4]
    doubled = tf.map_fn(lambda pair: pair[0] * pair[1], (tf.constant([1, 2]), tf.constant([3, 4])), dtype=tf.int32)
    assert doubled.numpy().tolist() == [3, 8]


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("tf.contrib.layers.layer_norm(source(0))", "'eval' failed: tf.contrib: TensorFlow has it no longer"),
        ("tf.reduce_summ(source(0))", "'eval' failed: neither TensorFlow 2 nor 1 has tf.reduce_summ; did you mean"),
        (
            "tf.nn.sofmax(source(0))",
            "'eval' failed: neither TensorFlow 2 nor 1 has tf.nn.sofmax; did you mean 'softmax'",
        ),
        ("tf.get_variable('v', [5]) + source(0)", "'eval' failed: tf.get_variable: it would create a parameter that"),
        (
            "tf.layers.dense(source(0), 5)",
            "'eval' failed: tf.layers: they would create parameters that belong to no layer",
        ),
        (
            "tf.nn.dropout(source(0), 0.9)",
            "'eval' failed: tf.nn.dropout: found a second argument without a name, expected",
        ),
        ("tf.random.Generator.from_seed(1)", "'eval' failed: tf.random.Generator draws from a state of the process"),
        ("tf.image.random_hue(source(0), 0.1)", "'eval' failed: tf.image.random_hue draws from a state of the process"),
        ("tf.reduce_sum(source(0), no_such=1)", "'eval' failed with TypeError: "),
    ],
)
def test_an_unavailable_name_is_an_error_that_names_the_layer(evaluated, expression, message):
    with pytest.raises(NetworkError) as caught:
        evaluated(expression)
    assert str(caught.value).startswith(f"layer 'output' (eval): {message}")
    assert "\n" not in str(caught.value)


def test_imports_of_the_process_are_unaffected(evaluated):
    evaluated("tf.to_float(source(0))")
    assert type(sys.modules["tensorflow"]).__name__ == "module"
