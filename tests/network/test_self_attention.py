"""`self_attention`, `positional_encoding` and `relative_positional_encoding` against NumPy."""

import numpy as np
import pytest

from boulder.network import describe, run_network

ATTENTION = {"class": "self_attention", "from": "data", "num_heads": 2, "total_key_dim": 4, "n_out": 6}


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def attention(x, qkv, heads, key_dim, left_only=False, shift=None):
    """:return: [T, n_out] of one sequence [T, F]"""
    d, result = key_dim // heads, []
    for head in np.split(x @ qkv, heads, -1):
        q, k, v = head[:, :d], head[:, d : 2 * d], head[:, 2 * d :]
        energy = q @ k.T
        if shift is not None:
            energy = energy + np.einsum("qd,qkd->qk", q, shift)
        energy = energy / np.sqrt(d)
        if left_only:
            energy = np.where(np.tri(len(x), dtype=bool), energy, -np.inf)
        result.append(softmax(energy) @ v)
    return np.concatenate(result, -1)


@pytest.mark.parametrize("left_only", [False, True])
def test_heads_attend_to_the_frames_of_their_sequence(left_only, extern_data, random_params, random_batch, values):
    spec = describe({"output": ATTENTION | {"attention_left_only": left_only}}, extern_data)
    params, (data, lengths) = random_params(spec), random_batch((4, 2, 0))
    found = values(run_network(spec, params, data, lengths))
    for row, x, n in zip(found[:2], data["data"], (4, 2), strict=False):
        expected = attention(x[:n], params["output/QKV"], 2, 4, left_only)
        np.testing.assert_allclose(row[:n], expected, rtol=1e-4, atol=1e-5)
    assert np.isfinite(found).all()


def test_columns_of_the_parameter_are_split_by_head(extern_data):
    net = {"other": {"class": "linear", "n_out": 3}, "output": ATTENTION | {"from": ["data", "other"]}}
    param = describe(net, extern_data).params["output/QKV"]
    assert (param.shape, param.returnn_splits) == ((8, 14), ((8,), (4, 4, 6)))
    assert [(part.label, part.size) for part in param.splits[0]] == [("data:data", 5), ("other", 3)]
    assert [(part.label, part.size) for part in param.splits[1]] == [
        ("q0", 2), ("k0", 2), ("v0", 3), ("q1", 2), ("k1", 2), ("v1", 3),
    ]  # fmt: skip


def relative(clipping, **options):
    return {
        "distance": {
            "class": "relative_positional_encoding",
            "from": "data",
            "n_out": 2,
            "clipping": clipping,
            **options,
        },
        "output": ATTENTION | {"key_shift": "distance"},
    }


def test_key_shift_adds_relative_positions_to_the_keys(extern_data, random_params, random_batch, values):
    spec = describe(relative(2), extern_data)
    params, (data, lengths) = random_params(spec), random_batch((5, 3))
    result = run_network(spec, params, data, lengths)
    distance = np.clip(np.arange(5) - np.arange(5)[:, None], -2, 2) + 2
    shift = params["distance/encoding_matrix"][distance]
    np.testing.assert_array_equal(values(result, "distance"), shift)
    for row, x, n in zip(values(result), data["data"], (5, 3), strict=True):
        expected = attention(x[:n], params["output/QKV"], 2, 4, shift=shift[:n, :n])
        np.testing.assert_allclose(row[:n], expected, rtol=1e-4, atol=1e-5)


def sinusoids(positions, size):
    m = size // 2
    angles = np.asarray(positions)[..., None] / 1e4 ** (np.arange(m) / max(1, m - 1))
    result = np.concatenate([np.sin(angles), np.cos(angles)], -1)
    return np.concatenate([result, np.zeros((*result.shape[:-1], size % 2))], -1)


@pytest.mark.parametrize("size", [2, 3, 6, 7])
def test_positions_are_sinusoids(size, run, random_batch, values):
    output = values(
        run({"output": {"class": "positional_encoding", "from": "data", "n_out": size}}, *random_batch((4, 2)))
    )
    np.testing.assert_allclose(output, np.broadcast_to(sinusoids(np.arange(4), size), (2, 4, size)), atol=1e-6)


def test_options_of_positional_encoding(run, random_batch, values):
    encoding = {"class": "positional_encoding", "from": "data"}
    data, lengths = random_batch((4, 2))
    added = run({"output": encoding | {"add_to_input": True}}, data, lengths)
    np.testing.assert_allclose(values(added) - data["data"], np.stack([sinusoids(np.arange(4), 5)] * 2), atol=1e-6)
    constant = run({"output": encoding | {"n_out": 6, "constant": 3}}, data, lengths)
    np.testing.assert_allclose(values(constant), np.broadcast_to(sinusoids(3, 6), (2, 4, 6)), atol=1e-6)
    shifted = run({"output": encoding | {"n_out": 6, "offset": "data:topic"}}, data, lengths)
    np.testing.assert_allclose(values(shifted), sinusoids(np.arange(4) + data["topic"][:, None], 6), atol=1e-6)


def test_fixed_relative_positions_are_sinusoids_of_the_clipped_distance(run, random_batch, values):
    net = {
        "output": {"class": "relative_positional_encoding", "from": "data", "n_out": 4, "clipping": 1, "fixed": True}
    }
    output = values(run(net, *random_batch((3,))))
    np.testing.assert_allclose(output, sinusoids([[1, 2, 2], [0, 1, 2], [0, 0, 1]], 4), atol=1e-6)


def test_causal_attention_gives_the_same_outside_a_loop_moved_out_of_it_and_step_by_step(random_params):
    import tensorflow as tf

    def layers(source):
        return {
            "place": {"class": "positional_encoding", "from": source, "add_to_input": True},
            "distance": {"class": "relative_positional_encoding", "from": source, "n_out": 2, "clipping": 2},
            "att": ATTENTION | {"from": "place", "attention_left_only": True, "key_shift": "distance"},
            "output": {"class": "linear", "from": ["att", "place"], "n_out": 3, "activation": "tanh"},
        }

    def results(net):
        spec = describe(net, {"data": {"dim": 5}})
        variables = {path: tf.Variable(value) for path, value in sorted(random_params(spec).items())}

        @tf.function(autograph=False)
        def step():
            with tf.GradientTape() as tape:
                x = run_network(spec, variables, {"data": data}, {"data": lengths}).layers["output"]
                value = x.ordered(x.template.axes) * mask
                total = tf.reduce_sum(value**2)
            return value, tape.gradient(total, list(variables.values()))

        return step()

    data, lengths = np.random.default_rng(0).normal(size=(2, 5, 5)).astype("float32"), np.array([5, 3], "int32")
    mask = (np.arange(5) < lengths[:, None]).astype("float32")[..., None]
    loop = {"class": "rec", "from": "data", "unit": layers("data:source")}
    expected, gradients = results(layers("data"))
    for net in ({"output": loop}, {"output": loop | {"optimize_move_layers_out": False}}):
        found, found_gradients = results(net)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
        for a, b in zip(found_gradients, gradients, strict=True):
            np.testing.assert_allclose(tf.convert_to_tensor(a), tf.convert_to_tensor(b), rtol=1e-3, atol=1e-4)


def test_attention_dropout_is_applied_in_training_only(run, random_batch, values):
    net = {"output": ATTENTION | {"attention_dropout": 0.5}}
    batch = random_batch((4, 2))
    plain = values(run({"output": ATTENTION}, *batch))
    np.testing.assert_array_equal(values(run(net, *batch)), plain)
    assert np.abs(values(run(net, *batch, train=True)) - plain).max() > 0.1


BAD = [
    (ATTENTION | {"n_out": 5}, "(self_attention): 'n_out', 5, must be a multiple of 'num_heads', 2"),
    (ATTENTION | {"total_key_dim": 3}, "(self_attention): 'total_key_dim', 3, must be a multiple of 'num_heads', 2"),
    (ATTENTION | {"attention_dropout": 1}, "(self_attention): 'attention_dropout' must be a number from 0 to below 1, found 1"),
    (
        ATTENTION | {"from": "data:speaker"},
        "(self_attention): needs a time axis, but its input is [batch, feature:3] float32",
    ),
    (
        ATTENTION | {"key_shift": "data:speaker"},
        "(self_attention): 'key_shift' must be [time:data, time:keys(data), feature:2] float32, but 'data:speaker' is "
        "[batch, feature:3] float32",
    ),
    ({"class": "positional_encoding", "from": "data"}, "(positional_encoding): 'n_out' is missing, and there is no target to take it from"),
    (
        {"class": "positional_encoding", "from": "data", "n_out": 4, "axis": "F"},
        "(positional_encoding): 'axis' must be a time or spatial axis, found 'F' of [batch, time:data, feature:5] float32",
    ),
    (
        {"class": "positional_encoding", "from": "data", "n_out": 4, "offset": "data:speaker"},
        "(positional_encoding): 'offset' must have an int per sequence or frame of [batch, time:data, feature:5] float32, "
        "but 'data:speaker' is [batch, feature:3] float32",
    ),
    (
        {"class": "relative_positional_encoding", "from": "data", "n_out": 4, "clipping": 0},
        "(relative_positional_encoding): 'clipping' must be at least 1, found 0",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("layer", "message"), BAD)
def test_message(layer, message, check_message):
    check_message({"output": layer}, f"layer 'output' {message}")


def test_attention_in_a_loop_must_be_causal(check_message):
    net = {"output": {"class": "rec", "from": "data", "unit": {"output": ATTENTION | {"from": "data:source"}}}}
    check_message(
        net,
        "layer 'output/unit/output' (self_attention): in a loop, 'attention_left_only' must be True: "
        "a frame cannot see later frames",
    )
