"""`softmax_over_spatial` and `generic_attention`."""

import numpy as np
import pytest

from boulder.network import describe

WEIGHTS = {
    "energy": {"class": "linear", "from": "data", "n_out": 2, "activation": None},
    "weights": {"class": "softmax_over_spatial", "from": "energy"},
}


def softmax(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def weights_of(run, random_batch, values, lengths=(4, 2), **options):
    """:return: energies [B, T, 2], weights [B, 2, T]"""
    net = {**WEIGHTS, "output": WEIGHTS["weights"] | options}
    output = run(net, *random_batch(lengths))
    return values(output, "energy"), values(output)


def test_weights_are_a_softmax_over_the_frames_of_a_sequence(run, random_batch, values):
    energy, weights = weights_of(run, random_batch, values, energy_factor=0.5)
    np.testing.assert_allclose(weights[0], softmax(0.5 * energy[0], 0).T, rtol=1e-5)
    np.testing.assert_allclose(weights[1, :, :2], softmax(0.5 * energy[1, :2], 0).T, rtol=1e-5)
    assert (weights[1, :, 2:] == 0).all()


def test_without_the_mask_padding_has_weight(run, random_batch, values):
    energy, weights = weights_of(run, random_batch, values, use_time_mask=False)
    np.testing.assert_allclose(weights[1], softmax(energy[1], 0).T, rtol=1e-5)


def test_a_static_axis_has_no_padding(run, random_batch, values):
    energy, weights = weights_of(run, random_batch, values, axis="F")
    np.testing.assert_allclose(weights, softmax(energy, -1), rtol=1e-5)


def test_in_log_space_padding_is_finite_and_its_exponential_0(run, random_batch, values):
    energy, weights = weights_of(run, random_batch, values, log_space=True)
    np.testing.assert_allclose(np.exp(weights[1, :, :2]), softmax(energy[1, :2], 0).T, rtol=1e-5)
    assert np.isfinite(weights[1, :, 2:]).all()
    assert not np.exp(weights[1, :, 2:]).any()


def test_frames_outside_the_window_have_weight_0(run, random_batch, values):
    energy, weights = weights_of(run, random_batch, values, window_start=1, window_size=2)
    np.testing.assert_allclose(weights[0, :, 1:3], softmax(energy[0, 1:3], 0).T, rtol=1e-5)
    assert (weights[0][:, [0, 3]] == 0).all()
    assert weights[1, :, 1].tolist() == [1, 1]


def test_start_and_window_from_layers(run, random_batch, values):
    energy, weights = weights_of(run, random_batch, values, (4, 4, 4), start="data:topic")
    starts = random_batch((4, 4, 4))[0]["topic"]
    for row, e, start in zip(weights, energy, starts, strict=True):
        np.testing.assert_allclose(row[:, start:], softmax(e[start:], 0).T, rtol=1e-5)
        assert (row[:, :start] == 0).all()
    _, window = weights_of(run, random_batch, values, (4, 4, 4), window_start="data:topic", window_size=1)
    np.testing.assert_allclose(window, np.eye(4)[starts][:, None].repeat(2, 1), rtol=1e-6)


def test_an_empty_sequence_has_no_nan_in_weights_and_gradients(extern_data, random_batch, random_params):
    import tensorflow as tf

    from boulder.network import run_network

    net = {**WEIGHTS, "output": {"class": "generic_attention", "base": "data", "weights": "weights"}}
    spec = describe(net, extern_data)
    params = {path: tf.Variable(value) for path, value in random_params(spec).items()}
    with tf.GradientTape() as tape:
        value = run_network(spec, params, *random_batch((3, 0))).layers["output"].value
        total = tf.reduce_sum(value)
    assert (value[1].numpy() == 0).all()
    assert all(np.isfinite(g).all() for g in tape.gradient(total, list(params.values())))


def test_attention_is_a_weighted_sum_per_head(run, random_batch, values):
    net = {**WEIGHTS, "output": {"class": "generic_attention", "base": "data", "weights": "weights"}}
    data, lengths = random_batch((4, 2))
    output = run(net, data, lengths)
    expected = np.einsum("bht,btf->bhf", values(output, "weights"), data["data"])
    assert str(output.layers["output"].template) == "[batch, spatial:2, feature:5] float32"
    np.testing.assert_allclose(values(output), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("squeeze", [True, False])
def test_auto_squeeze_removes_the_axis_of_a_single_head(squeeze, run, random_batch, values):
    net = {
        "energy": {"class": "linear", "from": "data", "n_out": 1, "activation": None},
        "weights": {"class": "softmax_over_spatial", "from": "energy"},
        "output": {"class": "generic_attention", "base": "data", "weights": "weights", "auto_squeeze": squeeze},
    }
    output = values(run(net, *random_batch((4, 2))))
    assert output.shape == ((2, 5) if squeeze else (2, 1, 5))


def test_padding_is_masked_even_if_its_weight_is_not_0(run, random_batch, values):
    net = {
        "weights": {"class": "linear", "from": "data", "n_out": 1, "activation": None},
        "output": {"class": "generic_attention", "base": "data", "weights": "weights"},
    }
    data, lengths = random_batch((4, 2))
    output = run(net, data, lengths)
    expected = np.einsum("bth,btf->bf", values(output, "weights")[1:, :2], data["data"][1:, :2])
    np.testing.assert_allclose(values(output)[1:], expected, rtol=1e-4)


def test_weights_over_another_time_axis_need_the_same_lengths(run, random_batch):
    import tensorflow as tf

    net = {
        "energy": {"class": "linear", "from": "data:letters", "n_out": 1},
        "weights": {"class": "softmax_over_spatial", "from": "energy"},
        "output": {"class": "generic_attention", "base": "data", "weights": "weights"},
    }
    data, lengths = random_batch((4, 2))
    assert run(net, data, lengths).layers["output"].value.shape == (2, 5)
    with pytest.raises(
        tf.errors.InvalidArgumentError,
        match=r"'output' \(generic_attention\): 'base' and 'weights' have different numbers",
    ):
        run(net, data, lengths | {"letters": np.array([3, 2], "int32")})


ATTENTION = {"class": "generic_attention", "base": "data", "weights": "weights"}
BAD = [
    (
        {**WEIGHTS, "output": ATTENTION | {"from": "data"}},
        "layer 'output' (generic_attention): takes its sources from 'base' and 'weights', but 'from' is 'data'",
    ),
    (
        {**WEIGHTS, "output": ATTENTION | {"base": "data:speaker"}},
        "layer 'output' (generic_attention): needs a base with a time axis and a feature axis, and weights of its float type: "
        "'data:speaker' is [batch, feature:3] float32, 'weights' is [batch, feature:2, time:data] float32",
    ),
    (
        {"output": ATTENTION | {"weights": "data:speaker"}},
        "layer 'output' (generic_attention): the weights need the time axis of the base, time:data: "
        "'data:data' is [batch, time:data, feature:5] float32, 'data:speaker' is [batch, feature:3] float32",
    ),
    ({"output": {"class": "generic_attention", "base": "data"}}, "layer 'output' (generic_attention): option 'weights' is missing"),
    (
        {"output": {"class": "softmax_over_spatial", "from": "data:speaker"}},
        "layer 'output' (softmax_over_spatial): needs a time axis, but its input is [batch, feature:3] float32",
    ),
    (
        {"output": {"class": "softmax_over_spatial", "from": "data:letters"}},
        "layer 'output' (softmax_over_spatial): needs float values, but its input is [batch, time:letters], 6 classes int32",
    ),
    (
        {"output": {"class": "softmax_over_spatial", "from": "data", "window_start": 3}},
        "layer 'output' (softmax_over_spatial): 'window_start' and 'window_size' must be given together",
    ),
    (
        {"output": {"class": "softmax_over_spatial", "from": "data", "axis": "F", "use_time_mask": True}},
        "layer 'output' (softmax_over_spatial): a mask or a window needs an axis with padding and 'use_time_mask', found "
        "feature:5",
    ),
    (
        {"output": {"class": "softmax_over_spatial", "from": "data", "start": "data:speaker"}},
        "layer 'output' (softmax_over_spatial): 'start' must have one number per sequence of [batch, time:data, feature:5] "
        "float32, but 'data:speaker' is [batch, feature:3] float32",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("network", "message"), BAD)
def test_message(network, message, check_message):
    check_message(network, message)


def test_a_window_may_begin_at_a_float_and_depend_on_the_weights_before(run, values, random_batch):
    unit = {
        "start": {
            "class": "eval", "from": "prev:weights", "out_type": {"shape": (), "batch_dim_axis": 0},
            "eval": "tf.cast(tf.argmax(source(0, auto_convert=False)[:, 0], axis=-1), tf.float32) + 0.5",
        },
        "energy": {"class": "linear", "from": "base:data:data", "n_out": 1},
        "weights": {"class": "softmax_over_spatial", "from": "energy", "window_start": "start", "window_size": 2.5},
        "output": {"class": "copy", "from": "weights"},
    }  # fmt: skip
    data, lengths = random_batch([6])
    out = run({"output": {"class": "rec", "from": "data", "unit": unit}}, data, lengths)
    weights, position = np.asarray(out.layers["output"].value).reshape(6, 6), 0  # frames of the loop first
    for row in weights:
        frames = [t for t in range(6) if position + 0.5 <= t < position + 3]
        assert np.flatnonzero(row).tolist() == frames
        position = int(row.argmax())
