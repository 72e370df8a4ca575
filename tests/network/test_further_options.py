"""Options that few setups use: their effect, and the messages about wrong values."""

import numpy as np
import pytest
import tensorflow as tf

from boulder.network import describe, run_network
from boulder.network.initializers import initial_value
from boulder.returnn.provided.dims import SpatialDim

LENGTHS = [30] * 30


@pytest.mark.parametrize(
    ("options", "shared"),
    [
        ({"dropout_axis": "F"}, (True, True, False)),
        ({"dropout_axis": "T"}, (True, False, True)),
        ({"dropout_axis": ["T", "F"]}, (True, False, False)),
        ({"dropout_axis": "*"}, (False, False, False)),
        ({"dropout_noise_shape": {"BT": None}}, (False, False, False)),
        ({"dropout_noise_shape": {"*": "x", "static": None}}, (True, True, False)),
    ],
)
def test_dropout_axis_names_the_axes_with_independent_choices(options, shared, run, values, random_batch):
    data, lengths = random_batch(LENGTHS)
    data["data"][:] = 1
    net = {"output": {"class": "dropout", "from": "data", "dropout": 0.5, **options}}
    steps = [values(run(net, data, lengths, train=True, step=step)) for step in range(8)]
    constant = [[(found == found.take([0], axis)).all() for axis in range(3)] for found in steps]
    assert tuple(np.all(constant, axis=0)) == shared
    assert set(np.unique(steps)) == {0, 2}


def test_frames_and_spaces_share_a_choice_unless_the_options_say_otherwise(run, values, random_batch):
    """As in RETURNN, all axes but the features do, such as the frequencies of a convolution."""
    data, lengths = random_batch(LENGTHS)
    data["data"][:] = 1
    split = {"class": "split_dims", "from": "data", "axis": "F", "dims": (5, 1)}
    tiled = {"class": "tile", "from": "split", "multiples": {"F": 9}}
    net = {"split": split, "tiled": tiled, "output": {"class": "dropout", "from": "tiled", "dropout": 0.5}}
    found = values(run(net, data, lengths, train=True, step=3))
    assert (found == found[:1, :1, :1]).all()
    assert set(np.unique(found)) == {0, 2}


def test_a_large_gradient_of_a_sequence_is_left_out(run, random_batch):
    data, lengths = random_batch([2, 3])
    x = tf.constant(data["data"])
    for threshold, left in ((1e9, [True, True]), (1e-9, [False, False])):
        net = {"output": {"class": "linear", "from": "data", "n_out": 2, "grad_filter": threshold}}
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = run(net, data | {"data": x}, lengths).layers["output"].value
        gradient = tape.gradient(y, x).numpy()
        assert [bool(np.abs(row).max() > 0) for row in gradient] == left


def test_layers_of_extra_deps_exist():
    net = {
        "other": {"class": "linear", "from": "data", "n_out": 2},
        "constant": {"class": "constant", "value": 1.0, "shape_deps": ["third"]},
        "third": {"class": "copy", "from": "data"},
        "output": {"class": "copy", "from": "data", "extra_deps": ["other", "constant"]},
    }
    assert set(describe(net, {"data": {"dim": 3}}).layers) == set(net)


def test_a_variable_begins_with_the_values_of_a_layer():
    net = {
        "pi": {"class": "constant", "value": [3.0, 1.0, 4.0]},
        "one": {"class": "constant", "value": 1},
        "normal": {"class": "random", "shape": [2, 3], "distribution": "normal", "mean": 5.0, "stddev": 0.1},
        "a": {"class": "variable", "shape": [3], "init_by_layer": "pi", "is_output_layer": True},
        "b": {"class": "variable", "shape": [3], "init_by_layer": "one", "is_output_layer": True},
        "c": {"class": "variable", "shape": [2, 3], "init_by_layer": "normal", "is_output_layer": True},
        "output": {"class": "copy", "from": "data"},
    }
    params = describe(net, {"data": {"dim": 3}}).params
    a, b, c = (initial_value(params[path].init, params[path].shape, 1, path) for path in ("a/a", "b/b", "c/c"))
    assert a.tolist() == [3, 1, 4]
    assert b.tolist() == [1, 1, 1]
    assert (np.abs(c - 5) < 1).all()
    assert len(np.unique(c)) == 6


def test_scatter_nd_to_a_dim():
    net = {
        "at": {"class": "reinterpret_data", "from": "data:letters", "set_sparse": False, "size_base": "data"},
        "output": {
            "class": "scatter_nd", "from": "data", "position": "at", "position_axis": "T", "filter_invalid_indices": True,
            "out_spatial_dim": SpatialDim("places", 4),
        },
    }  # fmt: skip
    spec = describe(net, {"data": {"dim": 3}, "letters": {"dim": 9, "sparse": True}})
    data = {"data": tf.ones([1, 3, 3]), "letters": tf.constant([[1, 1, 7]])}
    found = run_network(spec, {}, data, dict.fromkeys(data, tf.constant([3]))).layers["output"]
    assert found.template.axes[1].size == 4
    assert found.value.numpy()[0, :, 0].tolist() == [0, 2, 0, 0]


def test_numbers_of_static_axes_and_of_classes():
    net = {
        "f": {"class": "range_in_axis", "from": "data", "axis": "F", "sparse": True},
        "c": {"class": "range_in_axis", "from": "data:letters", "axis": "sparse_dim"},
        "ef": {"class": "linear", "from": "f", "n_out": 2, "is_output_layer": True},
        "output": {"class": "copy", "from": "c"},
    }
    layers = describe(net, {"data": {"dim": 3}, "letters": {"dim": 9, "sparse": True}}).layers
    assert str(layers["f"].template) == "[spatial:3], 3 classes int32"
    assert str(layers["c"].template) == "[feature:9] int32"
    assert str(layers["ef"].template) == "[spatial:3, feature:2] float32"


def test_a_layer_gives_the_number_of_entries_of_top_k():
    net = {
        "two": {"class": "constant", "value": 2},
        "top": {"class": "top_k", "from": "data", "axis": "F", "k": "two"},
        "output": {"class": "copy", "from": "top/indices"},
    }
    spec = describe(net, {"data": {"dim": 3}})
    data = {"data": tf.constant([[[1.0, 5.0, 3.0], [9.0, 1.0, 2.0]]])}
    found = run_network(spec, {}, data, {"data": tf.constant([2])}).layers
    assert found["top"].value.numpy().tolist() == [[[5, 3], [9, 2]]]
    assert found["output"].value.numpy().tolist() == [[[1, 2], [0, 2]]]


BAD = [
    ({"class": "copy", "state": "x"}, "option 'state' is not supported: only recurrent units take their state from other "
     "layers; expected 'eval' with 'prev:…'; found 'x'"),
    ({"class": "eval", "eval": "source(0)", "kind": "eval"},
     "option 'kind' is not supported: the class says it; expected no 'kind', or class 'combine'; found 'eval'"),
    ({"class": "dropout", "dropout": 0.1, "dropout_axis": "F", "dropout_noise_shape": {"F": 1}},
     "'dropout_axis' and 'dropout_noise_shape' cannot be given together"),
    ({"class": "dropout", "dropout": 0.1, "dropout_noise_shape": {"T": 1, "BT": None}},
     "'dropout_noise_shape' names the axis time:data twice"),
    ({"class": "dropout", "dropout": 0.1, "mask": "unity"},
     "'mask': 'unity' contradicts 'dropout': 0.1; remove 'mask', which has no effect"),
    ({"class": "linear", "n_out": 3, "grad_filter": -1.0}, "'grad_filter' must be 0 or more, found -1.0"),
    ({"class": "linear", "n_out": 3, "out_type": {"dim": 4}},
     "'dim' in 'out_type' is 4, but its output is [batch, time:data, feature:3] float32"),
    ({"class": "linear", "n_out": 3, "out_type": {"shape": (3,)}},
     "'shape' in 'out_type' is (3,), but its output is [batch, time:data, feature:3] float32"),
    ({"class": "linear", "n_out": 3, "out_type": {"dtype": "int32"}},
     "'dtype' in 'out_type' is 'int32', but its output is [batch, time:data, feature:3] float32"),
    ({"class": "linear", "n_out": 3, "out_type": {"sparse": True}},
     "'sparse' in 'out_type' is True, but its output is [batch, time:data, feature:3] float32"),
    ({"class": "linear", "n_out": 3, "out_type": {"dims": 3}}, "'out_type' takes the keys 'dim', 'shape', 'dtype', 'sparse', "
     "'batch_dim_axis', 'time_dim_axis', 'feature_dim_axis', found 'dims'; did you mean 'dim'?"),
    ({"class": "conv", "filter_size": [3], "padding": "same", "n_out": 4, "filter": "m"},
     "'filter' must be float32 [3, 5, 4], but 'm' is [spatial:3, spatial:5, feature:5] float32"),
    ({"class": "conv", "filter_size": [3], "padding": "same", "n_out": 4, "bias": "m"},
     "'bias' must be float32 with a feature axis of size 4 alone, but 'm' is [spatial:3, spatial:5, feature:5] float32"),
    ({"class": "conv", "filter_size": [3], "padding": "same", "n_out": 4, "filter_perm": {"F": "F"}},
     "'filter_perm' needs a 'filter'"),
    ({"class": "range_in_axis", "axis": "T", "sparse": True},
     "'sparse' needs ints and a static axis, found int32 and time:data of [batch, time:data, feature:5] float32"),
    ({"class": "range_in_axis", "axis": "sparse_dim"},
     "'axis': 'sparse_dim' needs class indices, found [batch, time:data, feature:5] float32"),
    ({"class": "range_in_axis", "axis": "F", "keepdims": True}, "option 'keepdims' is not supported: RETURNN fails; expected "
     "none, since layers broadcast by axis; found True"),
    ({"class": "top_k", "axis": "F", "k": "m"},
     "'k' must be an int, or a layer 'constant' with one, but 'm' is [spatial:3, spatial:5, feature:5] float32"),
    ({"class": "resize", "axis": "T", "factor": "m"},
     "'factor' must be a single int32 or float32, but 'm' is [spatial:3, spatial:5, feature:5] float32"),
    ({"class": "combine", "kind": "add", "eval_for_output_loss": True}, "option 'eval_for_output_loss' is not supported: a loss "
     "is no layer; expected 'eval' of layers with loss 'as_is'; found True"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "message"), BAD)
def test_messages_about_wrong_values(options, message, check_message):
    net = {"m": {"class": "variable", "shape": [3, 5, 5]}, "output": {"from": "data", **options}}
    check_message(net, f"layer 'output' ({options['class']}): {message}")


def test_messages_about_variables(check_message):
    def check(message, **options):
        layers = {"c": {"class": "constant", "value": [1.0, 2.0]}, "x": {"class": "copy", "from": "data"}}
        net = {**layers, "v": {"class": "variable", "shape": [3], **options}}
        net["output"] = {"class": "combine", "kind": "add", "from": ["data", "v"]}
        check_message(net, f"layer 'v' (variable): {message}")

    check("takes either 'init' or 'init_by_layer'", init=1, init_by_layer="c")
    check(
        "'init_by_layer' must give numbers of shape (3,), or one number, but 'c' is [feature:2] float32",
        init_by_layer="c",
    )
    check(
        "'init_by_layer' must be a layer 'constant', or 'random' without layers, but 'x' is [batch, time:data, feature:5] float32",
        init_by_layer="x",
    )


def test_refused_options_may_have_the_value_that_means_nothing():
    net = {
        "output": {
            "class": "combine", "kind": "add", "from": ["data", "data"], "eval_for_output_loss": False, "with_bias": False,
            "copy_output_loss_from_source_idx": None, "state": None,
        }
    }  # fmt: skip
    assert describe(net, {"data": {"dim": 3}}).num_params == 0
