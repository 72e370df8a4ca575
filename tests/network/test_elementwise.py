"""`eval`, `combine`, `activation`, `copy`, `repeat`, `linear`: values, broadcasting and memory layouts."""

import numpy as np
import pytest

from boulder.errors import NetworkError

LENGTHS = [3, 3]  # values in the padding do not matter
# `rec` returns time-major tensors and `linear` batch-major ones: sources of one layer in both layouts
BOTH_ORDERS = {
    "lstm": {"class": "rec", "n_out": 5},
    "dense": {"class": "linear", "n_out": 5, "activation": "tanh"},
    "speaker": {"class": "linear", "n_out": 5, "from": "data:speaker"},
    "one": {"class": "linear", "n_out": 1},
}
COMBINATIONS = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "truediv": lambda a, b: a / b,
    "floordiv": lambda a, b: a // b,
    "mod": lambda a, b: a % b,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "squared_difference": lambda a, b: (a - b) ** 2,
    "average": lambda a, b: (a + b) / 2,
}


def broadcast(value):
    return value[:, None] if value.ndim == 2 else value


@pytest.mark.parametrize(
    "sources", [("lstm", "dense"), ("dense", "lstm"), ("speaker", "lstm"), ("dense", "speaker"), ("one", "lstm")]
)
@pytest.mark.parametrize("kind", COMBINATIONS)
def test_combine(kind, sources, run, values, random_batch):
    net = BOTH_ORDERS | {"output": {"class": "combine", "kind": kind, "from": sources}}
    result = run(net, *random_batch(LENGTHS))
    a, b = (broadcast(values(result, source)) for source in sources)
    np.testing.assert_allclose(values(result), COMBINATIONS[kind](a, b), rtol=1e-4, atol=1e-5)


def test_combine_applies_from_left_to_right(run, values, random_batch):
    net = BOTH_ORDERS | {"output": {"class": "combine", "kind": "sub", "from": ["lstm", "dense", "speaker"]}}
    result = run(net, *random_batch(LENGTHS))
    lstm, dense, speaker = (broadcast(values(result, name)) for name in ("lstm", "dense", "speaker"))
    np.testing.assert_allclose(values(result), lstm - dense - speaker, atol=1e-6)


def test_combine_of_bools_and_powers(run, values, random_batch):
    net = {
        "yes": {"class": "eval", "from": "data", "eval": "source(0) > 0", "out_type": {"dtype": "bool"}},
        "large": {"class": "eval", "from": "data", "eval": "source(0) > 1", "out_type": {"dtype": "bool"}},
        "and": {"class": "combine", "kind": "logical_and", "from": ["yes", "large"], "is_output_layer": True},
        "or": {"class": "combine", "kind": "logical_or", "from": ["yes", "large"], "is_output_layer": True},
        "abs": {"class": "activation", "activation": "abs", "from": "data"},
        "output": {"class": "combine", "kind": "pow", "from": ["abs", "abs"]},
    }
    data, lengths = random_batch(LENGTHS)
    result, x = run(net, data, lengths), data["data"]
    assert (values(result, "and") == (x > 1)).all()
    assert (values(result, "or") == (x > 0)).all()
    np.testing.assert_allclose(values(result), np.abs(x) ** np.abs(x), rtol=1e-5)


@pytest.mark.parametrize("sources", [("lstm", "dense"), ("dense", "lstm"), ("speaker", "dense"), ("dense", "speaker")])
def test_eval_gets_its_sources_in_one_layout(sources, run, values, random_batch):
    for layer in ({"class": "eval"}, {"class": "combine", "kind": "eval"}):
        net = BOTH_ORDERS | {
            "output": layer
            | {"from": sources, "eval": " tf.tanh(source(0)) + a * source(1)", "eval_locals": {"a": 2.0}}
        }
        result = run(net, *random_batch(LENGTHS))
        a, b = (broadcast(values(result, source)) for source in sources)
        np.testing.assert_allclose(values(result), np.tanh(a) + 2 * b, rtol=1e-5, atol=1e-6)


def test_eval_as_a_function_and_with_a_nested_scope(run, values, random_batch):
    def double(source, factor):
        return factor * source(0)

    net = {
        "f": {"class": "eval", "eval": double, "eval_locals": {"factor": 2.0}},
        "output": {
            "class": "eval",
            "from": ["f", "data"],
            "eval": "sum([a * source(i) for i in range(2)])",
            "eval_locals": {"a": 0.5},
            "activation": "relu",
        },
    }
    data, lengths = random_batch(LENGTHS)
    np.testing.assert_allclose(values(run(net, data, lengths)), np.maximum(1.5 * data["data"], 0), rtol=1e-6)


def test_eval_declares_a_different_dtype_or_size_in_out_type(run, values, random_batch):
    net = {
        "one_hot": {"class": "eval", "from": "data:letters", "eval": "tf.one_hot(source(0), 6)", "out_type": {"sparse": False, "dtype": "float32"}},
        "lstm": {"class": "rec", "n_out": 2},
        "output": {"class": "eval", "from": "lstm", "eval": "tf.concat([source(0)] * 2, -1)", "n_out": 4},
        "whole": {"class": "eval", "from": "data:number", "eval": "tf.cast(source(0), tf.int32)", "out_type": {"dtype": "int32"}, "is_output_layer": True},
        "best": {"class": "eval", "from": "data", "eval": "tf.argmax(source(0), -1)", "out_type": {"dtype": "int64", "sparse": True}, "is_output_layer": True},
        "embedding": {"class": "linear", "from": "one_hot", "n_out": 3, "is_output_layer": True},
    }  # fmt: skip
    data, lengths = random_batch(LENGTHS)
    result = run(net, data, lengths)
    assert (values(result, "one_hot").argmax(-1) == data["letters"]).all()
    assert (values(result) == np.concatenate([values(result, "lstm")] * 2, -1)).all()
    assert (values(result, "whole") == data["number"].astype("int32")).all()
    assert (values(result, "best") == data["data"].argmax(-1)).all()
    assert result.layers["best"].template.sparse_dim == 5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"eval": "tf.concat([source(0)] * 2, -1)"},
            r"the result is float32 of shape \(2, 3, 10\), but the network was planned with float32 \[batch, time:data, "
            r"feature:5\]; declare the result in 'out_type', e\.g\. \{'dim': 5, 'dtype': 'int32'\}",
        ),
        ({"eval": "tf.argmax(source(0), -1)"}, r"the result is int64 of shape \(2, 3\), but .* 'out_type'"),
        ({"eval": "source(0) > 0"}, r"the result is bool of shape \(2, 3, 5\), but .* 'out_type'"),
        (
            {"eval": "source(0)", "out_type": {"dim": 7}},
            r"the result is float32 of shape \(2, 3, 5\), but .* 'out_type'",
        ),
        ({"eval": "tf.reduce_mean(source(0), axis=1, keepdims=True)"}, r".* of shape \(2, 1, 5\), but .* 'out_type'"),
        ({"eval": "1.0"}, r"the result is float32 of shape \(\), but .* 'out_type'"),
        ({"eval": "tf.nosuch(source(0))"}, r"'eval' failed: neither TensorFlow 2 nor 1 has tf\.nosuch"),
        ({"eval": "source(1)"}, r"'eval' failed: source\(1\): there are 1 sources"),
        ({"eval": "source(0) + tf.ones([7])"}, r"'eval' failed with InvalidArgumentError: "),
        ({"eval": "None"}, r"'eval' failed with ValueError: "),
    ],
)
@pytest.mark.parametrize("compiled", [False, True])
def test_eval_that_contradicts_its_template_fails_at_the_first_build(options, message, compiled, run, random_batch):
    import tensorflow as tf

    data, lengths = random_batch(LENGTHS)

    def build(data, lengths):
        return run({"output": {"class": "eval", "from": "data", **options}}, data, lengths).layers["output"].value

    if compiled:  # sizes of batch and time are unknown while tracing
        types = [
            {
                key: tf.TensorSpec([None] * value.ndim if value.ndim < 3 else [None, None, 5], value.dtype)
                for key, value in d.items()
            }
            for d in (data, lengths)
        ]
        types[0]["speaker"] = tf.TensorSpec([None, 3])
        build = tf.function(build, input_signature=types, autograph=False)
        message = message.replace(r"\(2, 3, ", r"\(None, None, ").replace(r"\(2, 3\)", r"\(None, None\)")
        message = message.replace(r"\(2, 1, 5\)", r"\(None, 1, 5\)").replace("InvalidArgumentError", "ValueError")
    with pytest.raises(NetworkError, match=r"^layer 'output' \(eval\): " + message) as caught:
        build(data, lengths)
    assert "\n" not in str(caught.value)


ACTIVATIONS = {
    "relu": lambda x: np.maximum(x, 0),
    "elu": lambda x: np.where(x > 0, x, np.exp(x) - 1),
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "log_sigmoid": lambda x: -np.log1p(np.exp(-x)),
    "softplus": lambda x: np.log1p(np.exp(x)),
    "swish": lambda x: x / (1 + np.exp(-x)),
    "exp": np.exp,
    "abs": np.abs,
    "square": np.square,
    "safe_log": lambda x: np.log(np.maximum(x, 1e-20)),
    "softmax": lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True),
    "log_softmax": lambda x: x - np.log(np.exp(x).sum(-1, keepdims=True)),
    "identity": lambda x: x,
    "none": lambda x: x,
    None: lambda x: x,
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(name, run, values, random_batch):
    net = {
        "lstm": {"class": "rec", "n_out": 4},
        "output": {"class": "activation", "from": ["lstm", "data"], "activation": name},
        "linear": {"class": "linear", "n_out": 3, "activation": name, "is_output_layer": True},
    }
    data, lengths = random_batch(LENGTHS)
    result = run(net, data, lengths)
    x = np.concatenate([values(result, "lstm"), data["data"]], -1)
    np.testing.assert_allclose(values(result), ACTIVATIONS[name](x), rtol=1e-5, atol=1e-6)


def test_gelu_is_the_erf_form(run, values, random_batch):
    """RETURNN defines the tanh form as gelu, but finds TensorFlow's 0.5 · x · (1 + erf(x / √2)) first."""
    data, lengths = random_batch([2])
    data["data"][0] = [[-2, -1, 0, 1, 2], [0.5, 0.5, 0.5, 0.5, 0.5]]
    found = values(run({"output": {"class": "activation", "activation": "gelu"}}, data, lengths))
    np.testing.assert_allclose(found[0, 0], [-0.04550026, -0.15865526, 0, 0.8413447, 1.9544997], rtol=1e-5)


@pytest.mark.parametrize("name", ["relu", "exp"])
def test_activation_of_a_scalar_per_frame(name, run, values, random_batch):
    data, lengths = random_batch(LENGTHS)
    net = {"output": {"class": "activation", "from": "data:number", "activation": name}}
    np.testing.assert_allclose(values(run(net, data, lengths)), ACTIVATIONS[name](data["number"]), rtol=1e-5)


@pytest.mark.parametrize(
    "sources", [("speaker", "lstm"), ("lstm", "speaker"), ("dense", "lstm"), ("speaker", "speaker")]
)
def test_copy_concatenates_and_broadcasts(sources, run, values, random_batch):
    net = BOTH_ORDERS | {"output": {"class": "copy", "from": sources}}
    result = run(net, *random_batch(LENGTHS))
    parts = [values(result, source) for source in sources]
    if any(part.ndim == 3 for part in parts):
        parts = [np.broadcast_to(broadcast(part), (2, 3, 5)) for part in parts]
    assert (values(result) == np.concatenate(parts, -1)).all()


def test_repeat_copies_each_frame_and_multiplies_lengths(run, values, random_batch):
    net = {
        "lstm": {"class": "rec", "n_out": 2},
        "twice": {"class": "repeat", "from": "lstm", "repetitions": 2},
        "four": {"class": "repeat", "from": "twice", "repetitions": 2},
        "direct": {"class": "repeat", "from": "lstm", "repetitions": 4, "axis": "time"},
        "output": {"class": "combine", "kind": "sub", "from": ["four", "direct"]},
        "labels": {"class": "repeat", "from": "data:letters", "repetitions": 2, "is_output_layer": True},
    }
    data, lengths = random_batch(LENGTHS)
    result = run(net, data, lengths)
    assert (values(result, "four") == np.repeat(values(result, "lstm"), 4, axis=1)).all()
    assert not values(result).any()
    assert (values(result, "labels") == np.repeat(data["letters"], 2, axis=1)).all()
    assert np.array_equal(result.lengths[result.layers["output"].template.time], [12, 12])


def test_linear_of_class_indices_is_an_embedding_lookup(run, values, random_batch, random_params, extern_data):
    from boulder.network import describe

    net = {"output": {"class": "linear", "from": "data:letters", "n_out": 3, "activation": "tanh"}}
    params = random_params(describe(net, extern_data))
    data, lengths = random_batch(LENGTHS)
    expected = np.tanh(params["output/W"][data["letters"]] + params["output/b"])
    np.testing.assert_allclose(values(run(net, data, lengths, params)), expected, rtol=1e-5)


def test_linear_multiplies_the_concatenated_sources(run, values, random_batch, random_params, extern_data):
    from boulder.network import describe

    net = BOTH_ORDERS | {"output": {"class": "linear", "from": ["speaker", "lstm", "data"], "n_out": 3}}
    params = random_params(describe(net, extern_data))
    data, lengths = random_batch(LENGTHS)
    result = run(net, data, lengths, params)
    speaker = np.broadcast_to(values(result, "speaker")[:, None], (2, 3, 5))
    x = np.concatenate([speaker, values(result, "lstm"), data["data"]], -1)
    np.testing.assert_allclose(values(result), x @ params["output/W"] + params["output/b"], rtol=1e-4, atol=1e-5)


def test_a_stream_whose_rank_contradicts_extern_data_is_refused(run, random_batch):
    data, lengths = random_batch(LENGTHS)
    data["speaker"] = data["speaker"][:, None]
    message = (
        r"data stream 'speaker' should be \[batch, feature:3\] float32, but a batch of it has the shape \(2, 1, 3\)"
    )
    with pytest.raises(NetworkError, match=message):
        run({"output": {"class": "linear", "from": "data:speaker", "n_out": 2}}, data, lengths)
