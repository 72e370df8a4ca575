"""`reinterpret_data`: axis roles, lengths and classes change, values do not."""

import numpy as np
import pytest

from boulder.errors import NetworkError
from boulder.network import describe, run_network

H = {"h": {"class": "linear", "from": "data", "n_out": 6, "activation": "tanh"}}
HEADS = H | {"s": {"class": "split_dims", "from": "h", "axis": "F", "dims": (2, 3)}}
VECTOR = {
    "v": {"class": "linear", "from": "data:speaker", "n_out": 6, "activation": None},
    "s": {"class": "expand_dims", "from": "v", "axis": "T", "dim": 2},
}
PAIRS = {  # of labels and letters
    "q": {"class": "linear", "from": "data:classes", "n_out": 4},
    "k": {"class": "linear", "from": "data:letters", "n_out": 4},
    "s": {"class": "dot", "from": ["q", "k"], "red1": "F", "red2": "F", "var1": "T", "var2": "T"},
}


def of(layers, **options):
    return layers | {"output": {"class": "reinterpret_data", "from": "s", "is_output_layer": True, **options}}


AXES = [
    (HEADS, {"set_axes": {"F": "dim:2"}}, "[batch, time:data, feature:2, spatial:3]"),
    (HEADS, {"set_axes": {"F": None}}, "[batch, time:data, spatial:2, spatial:3]"),
    (HEADS, {"set_axes": {"T": "dim:2"}}, "[batch, time:2, time:data, feature:3]"),
    (HEADS, {"set_axes": {"T": "T", "B": "B", "F": "F"}}, "[batch, time:data, spatial:2, feature:3]"),
    (HEADS, {"set_axes": {"F": 2}, "enforce_batch_major": True}, "[batch, time:data, feature:2, spatial:3]"),
    (HEADS, {"set_axes": {"T": 0}, "enforce_time_major": True}, "[batch, time:data, spatial:2, feature:3]"),
    (HEADS, {"switch_axes": "tf"}, "[batch, feature:data, spatial:2, time:3]"),
    (HEADS, {"set_axes": {"f": "t"}}, "[batch, feature:data, spatial:2, spatial:3]"),
    (HEADS, {"set_axes": {"f": "dim:2", "t": "t"}}, "[batch, time:data, feature:2, spatial:3]"),
    (VECTOR, {"switch_axes": "TF"}, "[batch, feature:2, time:6]"),
    (VECTOR, {"switch_axes": ["time_dim_axis", "F"]}, "[batch, feature:2, time:6]"),
    (VECTOR, {"set_axes": {"T": None}}, "[batch, spatial:2, feature:6]"),
    (VECTOR, {"set_axes": {"F": "T"}}, "[batch, feature:2, spatial:6]"),
    (PAIRS, {"set_axes": {"T": "spatial:1"}}, "[batch, time:letters, time:classes]"),
    (PAIRS, {"size_base": "s"}, "[batch, time:classes, time:letters]"),
]


@pytest.mark.parametrize(("layers", "options", "template"), AXES)
def test_axis_roles_change_and_values_do_not(layers, options, template, run, random_batch):
    output = run(of(layers | {"s": layers["s"] | {"is_output_layer": True}}, **options), *random_batch((4, 2)))
    before, after = output.layers["s"], output.layers["output"]
    assert str(after.template) == f"{template} float32"
    turned = "enforce_time_major" in options  # the order in memory, which code in an `eval` sees
    np.testing.assert_array_equal(after.value, np.swapaxes(before.value, 0, 1) if turned else before.value)
    sizes = {str(axis): size for axis, size in zip(after.axes, after.value.shape, strict=True)}
    assert all(sizes[str(axis)] == axis.size for axis in after.axes if axis.size is not None)


def test_size_base_replaces_the_dynamic_axes_in_order(run, random_batch, values):
    net = PAIRS | {
        "t": PAIRS["s"] | {"from": ["k", "q"]},
        "output": {"class": "reinterpret_data", "from": "t", "size_base": "t2", "is_output_layer": True},
        "t2": {"class": "dot", "from": ["a", "q"], "red1": "F", "red2": "F", "var1": "T", "var2": "T"},
        "a": {"class": "linear", "from": "data:align", "n_out": 4},
    }
    net["t"]["is_output_layer"] = True
    output = run(net, *random_batch((4, 2)))
    assert str(output.layers["output"].template) == "[batch, time:align, time:classes] float32"
    np.testing.assert_array_equal(values(output), values(output, "t"))


def test_size_base_has_no_effect_without_dynamic_axes(extern_data):
    spec = describe(VECTOR | {"output": {"class": "reinterpret_data", "from": "v", "size_base": "data"}}, extern_data)
    assert str(spec.layers["output"].template) == "[batch, feature:6] float32"


def test_a_loss_uses_the_logits_of_the_source(extern_data):
    """In float32 the target's probability is 0, and its log probability -200."""
    softmax = {"class": "softmax", "from": "data", "n_out": 3, "with_bias": False}
    net = {
        "p": softmax,
        "output": {
            "class": "reinterpret_data",
            "from": "p",
            "size_base": "data:align",
            "loss": "ce",
            "target": "align",
        },
    }
    spec = describe(net, extern_data | {"align": {"dim": 3, "sparse": True}})
    weights = np.zeros((5, 3), "float32")
    weights[0] = [200, 0, 0]
    data = {"data": np.eye(5, dtype="float32")[None, :2] * [[[1.0], [0.0]]], "align": np.array([[1, 1]])}
    lengths = {"data": np.array([2], "int32"), "align": np.array([1], "int32")}
    loss = run_network(spec, {"p/W": weights}, data, lengths).losses["output"]
    assert float(loss.cost) == pytest.approx(200)
    assert float(loss.frames) == 1


def test_time_as_the_features_keeps_its_lengths(run, random_batch):
    net = H | {
        "f": {"class": "reinterpret_data", "from": "h", "set_axes": {"f": "t"}},
        "mean": {"class": "reduce", "from": "f", "mode": "mean", "axes": "F", "is_output_layer": True},
        "t": {"class": "reinterpret_data", "from": "f", "set_axes": {"t": "f"}},
        "output": {"class": "reduce", "from": "t", "mode": "mean", "axes": "T", "is_output_layer": True},
        "wanted": {"class": "reduce", "from": "h", "mode": "mean", "axes": "T", "is_output_layer": True},
    }
    layers = run(net, *random_batch((4, 2))).layers
    assert str(layers["t"].template) == "[batch, time:data, spatial:6] float32"
    for name in ("mean", "output"):
        np.testing.assert_allclose(layers[name].value, layers["wanted"].value, rtol=1e-6)


def test_a_softmax_over_frames_as_features_is_refused(extern_data):
    net = H | {
        "f": {"class": "reinterpret_data", "from": "h", "set_axes": {"F": "T"}},
        "output": {"class": "activation", "from": "f", "activation": "softmax"},
    }
    with pytest.raises(
        NetworkError, match="'softmax' would include the padding of feature:data; expected 'softmax_over_spatial'"
    ):
        describe(net, extern_data)


BAD = [
    (HEADS, {"switch_axes": "BT"}, "'switch_axes' can only swap time with the feature axis, found 'BT'"),
    (HEADS, {"set_axes": {"B": "T"}}, "'set_axes': the batch axis cannot change, so 'B' cannot be time:data"),
    (HEADS, {"set_axes": {"T": "B"}}, "'set_axes': the batch axis cannot change, so 'T' cannot be batch"),
    (HEADS, {"set_axes": {"T": None}}, "'set_axes': the dynamic axis time:data must stay a time axis"),
    (VECTOR, {"set_axes": {"T": "F"}}, "'set_axes': feature:6 cannot also become time"),
    (
        HEADS, {"enforce_batch_major": True, "enforce_time_major": True},
        "'enforce_batch_major' and 'enforce_time_major' are mutually exclusive",
    ),
    (
        VECTOR, {"from": "v", "set_axes": {"F": 0}, "enforce_time_major": True},
        "'enforce_time_major' needs a time axis, but its input is [batch, feature:6] float32",
    ),
    (
        PAIRS, {"size_base": "data"},
        "'size_base' must have as many dynamic axes as its input, [batch, time:classes, time:letters] float32, but it is "
        "[batch, time:data, feature:5] float32",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("layers", "options", "message"), BAD)
def test_message(layers, options, message, extern_data):
    with pytest.raises(NetworkError) as caught:
        describe(of(layers, **options), extern_data)
    assert str(caught.value).startswith(f"layer 'output' (reinterpret_data): {message}")
    assert "\n" not in str(caught.value)
