"""`window`, `transposed_conv`, `norm`, `math_norm`, `batch_softmax`, `weighted_sum` and `variable`: formulas and messages."""

import numpy as np
import pytest

from boulder.network import describe, run_network

LENGTHS = (4, 0, 2)


def frames(values, output, layer="output"):
    """:return: frames of each sequence"""
    time = output.layers[layer].template.time
    return [row[:n] for row, n in zip(values(output, layer), output.lengths[time].numpy(), strict=True)]


@pytest.mark.parametrize(("size", "left", "stride"), [(3, 1, 1), (4, 1, 1), (4, 1, 2), (3, 0, 2), (3, 2, 3)])
def test_a_window_has_zeros_before_and_after_each_sequence(run, random_batch, values, size, left, stride):
    data, lengths = random_batch(LENGTHS)
    net = {"output": {"class": "window", "from": "data", "window_size": size, "window_left": left, "stride": stride}}
    output = run(net, data, lengths)
    for row, x, n in zip(frames(values, output), data["data"], LENGTHS, strict=True):
        padded = np.concatenate([np.zeros((left, 5)), x[:n], np.zeros((size, 5))])
        expected = [padded[t : t + size] for t in range(0, n, stride)]
        np.testing.assert_allclose(row, np.reshape(expected, (len(expected), size, 5)), rtol=1e-6)


def test_a_valid_window_needs_all_its_frames(run, random_batch, values):
    data, lengths = random_batch(LENGTHS)
    output = run({"output": {"class": "window", "from": "data", "window_size": 3, "padding": "valid"}}, data, lengths)
    found = frames(values, output)
    assert [len(row) for row in found] == [2, 0, 0]
    np.testing.assert_allclose(found[0], [data["data"][0, :3], data["data"][0, 1:4]], rtol=1e-6)


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize(("size", "stride"), [(3, 2), (2, 3), (3, 1), (4, 2)])
def test_a_transposed_convolution_spreads_each_frame(run, extern_data, random_batch, values, size, stride, padding):
    layer = {"class": "transposed_conv", "filter_size": [size], "strides": [stride], "padding": padding, "n_out": 2}
    spec, rng = describe({"output": layer}, extern_data), np.random.default_rng(0)
    params = {path: rng.normal(size=param.shape).astype("float32") for path, param in spec.params.items()}
    data, lengths = random_batch(LENGTHS)
    output = run_network(spec, params, data, lengths)
    for row, x, n in zip(frames(values, output), data["data"], LENGTHS, strict=True):
        whole = np.zeros((max(0, (n - 1) * stride + size) if n else 0, 2))
        for t in range(n):
            whole[t * stride : t * stride + size] += np.einsum(
                "kof,f->ko", params["output/W_native_transposed_conv"][:, 0], x[t]
            )
        cut = max(0, size - stride) // 2 if padding == "same" else 0
        count = n * stride + (max(0, size - stride) if padding == "valid" and n else 0)
        expected = np.concatenate([whole, np.zeros((stride, 2))])[cut : cut + count] + params["output/bias"]
        np.testing.assert_allclose(row, expected, rtol=1e-4, atol=1e-5)


def test_norms_and_softmax_over_frames_leave_out_the_padding(run, extern_data, random_batch, values):
    net = {
        "softmax": {"class": "batch_softmax", "from": "data"},
        "norm": {"class": "norm", "from": "data", "axes": ["T", "F"], "scale": False, "bias": False, "epsilon": 0.0},
        "size": {"class": "math_norm", "from": "data", "axis": "T", "p": 3},
        "output": {"class": "copy", "from": ["softmax", "norm", "size"]},
    }
    data, lengths = random_batch((4, 1, 2))
    output = run(net, data, lengths)
    for i, n in enumerate(lengths["data"]):
        x = data["data"][i, :n]
        np.testing.assert_allclose(values(output, "softmax")[i, :n], np.exp(x) / np.exp(x).sum(), rtol=1e-5)
        np.testing.assert_allclose(values(output, "norm")[i, :n], (x - x.mean()) / x.std(), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(values(output, "size")[i], (abs(x) ** 3).sum(0) ** (1 / 3), rtol=1e-5)


def test_the_gradient_of_a_norm_is_finite_where_all_entries_are_0(extern_data):
    import tensorflow as tf

    spec = describe({"output": {"class": "math_norm", "from": "data", "axis": "F", "p": 2}}, extern_data)
    data = tf.Variable(tf.zeros([1, 3, 5]))
    with tf.GradientTape() as tape:
        output = run_network(spec, {}, {"data": data}, {"data": np.array([3], "int32")})
        total = tf.reduce_sum(output.layers["output"].value)
    assert (tape.gradient(total, data).numpy() == 0).all()


def test_complex_numbers_alternate_with_their_imaginary_parts(run, random_batch, values):
    net = {
        "both": {"class": "copy", "from": ["data", "data:speaker"]},
        "complex": {"class": "alternating_real_to_complex", "from": "both"},
        "output": {"class": "complex_to_alternating_real", "from": "complex"},
    }
    output = run(net, *random_batch((4, 2)))
    pairs = values(output, "both")
    np.testing.assert_array_equal(values(output, "complex"), pairs[..., ::2] + 1j * pairs[..., 1::2])
    np.testing.assert_array_equal(values(output), pairs)


def layer(cls, **options):
    return {"class": cls, "from": "data", **options}


INPUT = "[batch, time:data, feature:5] float32"
BAD = [
    (layer("norm"), "needs either 'axes' or 'axis'"),
    (layer("norm", axes="BT"), "cannot normalize over the batch, found batch, time:data; see 'batch_norm'"),
    (layer("norm", axes="F", param_shape="T"), f"'param_shape' must name different static axes of {INPUT}, found 'T'"),
    (layer("norm", axes="F", epsilon=-1), "'epsilon' must be 0 or more, found -1"),
    (layer("math_norm", p=0, axis="F"), "'p' must be above 0, found 0"),
    (layer("math_norm", p=2), "needs either 'axes' or 'axis'"),
    (layer("math_norm", axis="F"), "option 'p' is missing"),
    (
        layer("batch_softmax", **{"from": "data:speaker"}),
        "needs a time axis, but its input is [batch, feature:3] float32",
    ),
    (layer("window", window_size=0), "'window_size' and 'stride' must be at least 1, found 0 and 1"),
    (
        layer("window", window_size=3, window_left=1, window_right=0),
        "'window_left' + 'window_right' + 1 must be 'window_size', 3, found 1 and 0",
    ),
    (layer("window", window_size=3, axis="F"), "a window needs an axis of time or space, found feature:5"),
    (
        layer("window", window_size=2, window_left=0, padding="valid"),
        "padding 'valid' takes no 'window_left' and 'window_right'",
    ),
    (layer("transposed_conv", n_out=2), "option 'filter_size' is missing"),
    (
        layer("transposed_conv", filter_size=[2, 2, 2], n_out=2),
        "'filter_size' must have one or two sizes, found [2, 2, 2]",
    ),
    (
        layer("transposed_conv", filter_size=[2, 2], n_out=2),
        f"2 sizes of filters need as many axes of the input {INPUT}, found time:data",
    ),
    (
        layer("transposed_conv", filter_size=[3], strides=[2], output_padding=2, n_out=2),
        "'output_padding' 2 does not fit a filter of size 3 with stride 2",
    ),
    (
        layer("transposed_conv", filter_size=[3], remove_padding=[1, 2], n_out=2),
        "'remove_padding' must have 1 entry of at least 0, found [1, 2]",
    ),
    (
        layer("transposed_conv", filter_size=[3], n_out=2, **{"from": "data:letters"}),
        "needs float32 values with a feature axis, but its input is [batch, time:letters], 6 classes int32",
    ),
    (layer("weighted_sum", axes="T"), "needs static axes or a 'size', found time:data"),
    (layer("weighted_sum", axes="F", keep_dims=True), "'keep_dims' must be False without 'size'"),
    (layer("weighted_sum", axes="T", size=[2]), "'size' needs a 'padding'"),
    (
        layer("weighted_sum", axes="F", size=[2], padding="same"),
        "a window slides along axes of time or space, found the feature axis",
    ),
    (layer("window", window_size=None), "needs a 'window_size', or a 'window_dim' of known size"),
    (
        layer("stft", frame_shift=2, frame_size=4),
        f"needs float32 samples, with a feature axis of size 1 or none, but its input is {INPUT}",
    ),
    (
        layer("stft", frame_shift=2, frame_size=4, fft_size=2, **{"from": "data:number"}),
        "'frame_shift' and 'frame_size' must be at least 1, and 'fft_size' at least 'frame_size', found 2, 4 and 2",
    ),
    (
        layer("istft", frame_shift=2, frame_size=4),
        f"needs complex64 values with 3 features, but its input is {INPUT}",
    ),
    (
        layer("mel_filterbank", fft_size=16),
        f"'fft_size' 16 makes 9 bins of a spectrum, but its input is {INPUT}",
    ),
    (
        layer("mel_filterbank", fft_size=8, f_min=9000),
        "needs a filter, and 0 ≤ 'f_min' < 'f_max' ≤ 8000.0, found 80, 9000, 8000.0",
    ),
    (layer("alternating_real_to_complex"), f"needs an even number of features, but its input is {INPUT}"),
    (
        layer("complex_to_alternating_real"),
        f"needs complex64 values with a feature axis of known size, but its input is {INPUT}",
    ),
    (layer("dct", type=5), "option 'type' must be 1 or 2 or 3 or 4, found 5"),
    (layer("dct", type=1, norm="ortho"), "type 1 has no 'norm'"),
    (
        layer("self_attention", num_heads=1, total_key_dim=2, n_out=2, initial_state="keep_over_epoch"),
        "'initial_state' must be None, 0 or 'zeros', no frame before the first, found 'keep_over_epoch'",
    ),
    (layer("variable", shape=[2]), "takes no sources, but has a 'from'"),
    ({"class": "variable"}, "option 'shape' is missing"),
    ({"class": "variable", "shape": [0]}, "'shape' must have static sizes of at least 1, found [0]"),
    ({"class": "variable", "shape": [2], "dtype": "int32"}, "'dtype' must be 'float32', found 'int32'"),
    ({"class": "variable", "shape": [2], "saveable": False}, "'saveable' must be True: each parameter is in the checkpoint"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "message"), BAD)
def test_message(options, message, check_message):
    check_message({"output": options}, f"layer 'output' ({options['class']}): {message}")


def test_a_window_in_a_loop_must_not_see_later_iterations(check_message):
    unit = {
        "window": {"class": "window", "from": "data:source", "window_size": 3},
        "flat": {"class": "merge_dims", "from": "window", "axes": "static"},
        "output": {"class": "linear", "from": ["flat", "prev:output"], "n_out": 3},
    }
    check_message(
        {"output": {"class": "rec", "from": "data", "unit": unit}},
        "layer 'output/unit/window' (window): in a loop, a window must end with the current iteration: 'window_right' 0, "
        "without 'stride'",
    )
