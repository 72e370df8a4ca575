"""Messages for options of a wrong type or out of range."""

import math

import pytest

from boulder.errors import BoulderError, DataError, NetworkError
from boulder.network import describe

NAN, INF = math.nan, math.inf

# net dict, message
BAD_NETWORKS = [
    (
        {"output": {"class": "linear", "n_out": "12"}},
        "layer 'output' (linear): option 'n_out' must be an int or None, found '12'",
    ),
    (
        {"output": {"class": "linear", "n_out": 3.0}},
        "layer 'output' (linear): option 'n_out' must be an int or None, found 3.0",
    ),
    (
        {"output": {"class": "linear", "n_out": True}},
        "layer 'output' (linear): option 'n_out' must be an int or None, found True",
    ),
    ({"output": {"class": "linear", "n_out": 0}}, "layer 'output' (linear): 'n_out' must be at least 1, found 0"),
    ({"output": {"class": "linear", "n_out": -2}}, "layer 'output' (linear): 'n_out' must be at least 1, found -2"),
    (
        {"output": {"class": "linear", "n_out": 3, "with_bias": 1}},
        "layer 'output' (linear): option 'with_bias' must be True or False, found 1",
    ),
    (
        {"output": {"class": "linear", "n_out": 3, "activation": 3}},
        "layer 'output' (linear): option 'activation' must be a string or None, found 3",
    ),
    (
        {"output": {"class": "linear", "n_out": 3, "activation": "rleu"}},
        "layer 'output' (linear): unknown activation 'rleu'; did you mean 'relu'?",
    ),
    (
        {"output": {"class": "linear", "n_out": 3, "dropout": "0.1"}},
        "layer 'output' (linear): option 'dropout' must be a number, found '0.1'",
    ),
    (
        {"output": {"class": "linear", "n_out": 3, "dropout": True}},
        "layer 'output' (linear): option 'dropout' must be a number, found True",
    ),
    (
        {"output": {"class": "linear", "n_out": 3, "dropout": -0.1}},
        "layer 'output' (linear): 'dropout' must be a number from 0 to below 1, found -0.1",
    ),
    (
        {"output": {"class": "linear", "n_out": 3, "dropout": 1}},
        "layer 'output' (linear): 'dropout' must be a number from 0 to below 1, found 1",
    ),
    (
        {"output": {"class": "linear", "n_out": 3, "dropout": 1.5}},
        "layer 'output' (linear): 'dropout' must be a number from 0 to below 1, found 1.5",
    ),
    (
        {"output": {"class": "linear", "n_out": 3, "dropout": NAN}},
        "layer 'output' (linear): option 'dropout' must be a number, found nan",
    ),
    (
        {"output": {"class": "linear", "n_out": 3, "L2": -1}},
        "layer 'output' (linear): 'L2' must be 0 or more, found -1",
    ),
    (
        {"output": {"class": "linear", "n_out": 3, "L2": "x"}},
        "layer 'output' (linear): option 'L2' must be a number or None, found 'x'",
    ),
    (
        {"output": {"class": "linear", "n_out": 3, "L2": True}},
        "layer 'output' (linear): option 'L2' must be a number or None, found True",
    ),
    (
        {"output": {"class": "linear", "n_out": 3, "trainable": "no"}},
        "layer 'output' (linear): option 'trainable' must be True or False or None, found 'no'",
    ),
    (
        {"output": {"class": "linear", "n_out": 3, "forward_weights_init": "glorot"}},
        "layer 'output' (linear): unknown initializer 'glorot'; did you mean 'glorot_normal'?",
    ),
    (
        {"output": {"class": "linear", "n_out": 3, "bias_init": None}},
        "layer 'output' (linear): option 'bias_init' must be a string or a number or a dict, found None",
    ),
    (
        {"output": {"class": "linear", "n_out": 3, "dropout_noise_shape": {"X": 1}}},
        "layer 'output' (linear): 'dropout_noise_shape' gives '*', 'B', 'T' or 'F' the value 1 or None, found {'X': 1}",
    ),
    (
        {"output": {"class": "linear", "n_out": 3, "dropout_noise_shape": {"T": 2}}},
        "layer 'output' (linear): 'dropout_noise_shape' gives '*', 'B', 'T' or 'F' the value 1 or None, found {'T': 2}",
    ),
    (
        {"output": {"class": "linear", "n_out": 3, "dropout_noise_shape": [1]}},
        "layer 'output' (linear): option 'dropout_noise_shape' must be a dict or None, found [1]",
    ),
    (
        {"output": {"class": "linear", "n_out": 3, "is_output_layer": "yes"}},
        "layer 'output' (linear): option 'is_output_layer' must be True or False, found 'yes'",
    ),
    (
        {"output": {"class": "linear", "n_out": 3, "dropout": 0.1, "from": "data:letters"}},
        "layer 'output' (linear): dropout needs float values, but its input is [batch, time:letters], 6 classes int32",
    ),
    (
        {"output": {"class": "rec", "n_out": 3, "direction": 2}},
        "layer 'output' (rec): option 'direction' must be 1 or -1, found 2",
    ),
    (
        {"output": {"class": "rec", "n_out": 3, "direction": True}},
        "layer 'output' (rec): option 'direction' must be 1 or -1, found True",
    ),
    (
        {"output": {"class": "rec", "n_out": 3, "direction": "1"}},
        "layer 'output' (rec): option 'direction' must be 1 or -1, found '1'",
    ),
    (
        {"output": {"class": "rec", "n_out": 3, "unit": "lsmt"}},
        "layer 'output' (rec): unknown unit 'lsmt'; did you mean 'lstmblock'?",
    ),
    (
        {"output": {"class": "rec", "n_out": 3, "unit": 3}},
        "layer 'output' (rec): option 'unit' must be a string, found 3",
    ),
    (
        {"output": {"class": "rec", "n_out": 3, "unit": {"outptu": {"class": "linear"}}}},
        "layer 'output' (rec): its subnetwork needs a layer 'output'; did you mean 'outptu'?",
    ),
    (
        {"output": {"class": "rec", "n_out": 3, "unit_opts": {"forget_bias": 1}}},
        "layer 'output' (rec): this unit adds no 'forget_bias', found 1; unit 'StandardLSTM' does",
    ),
    (
        {"output": {"class": "rec", "n_out": 3, "unit_opts": {"rec_weight_dropout": "0.1"}}},
        "layer 'output' (rec): 'unit_opts': option 'rec_weight_dropout' must be a number, found '0.1'",
    ),
    (
        {"output": {"class": "rec", "n_out": 3, "unit_opts": {"rec_weight_dropout": -1}}},
        "layer 'output' (rec): 'rec_weight_dropout' must be a number from 0 to below 1, found -1",
    ),
    (
        {"output": {"class": "rec", "n_out": 3, "unit_opts": {3: 1}}},
        "layer 'output' (rec): 'unit_opts': unknown option 3",
    ),
    (
        {"output": {"class": "rec", "n_out": 3, "unit_opts": []}},
        "layer 'output' (rec): option 'unit_opts' must be a dict or None, found []",
    ),
]


@pytest.mark.parametrize(("network", "message"), BAD_NETWORKS)
def test_message(network, message, check_message):
    check_message(network, message)


@pytest.mark.parametrize("value", [None, 3, "x", [], {}, (1, 2), -1, True, object(), b"x", {"class": "linear"}])
@pytest.mark.parametrize(
    "class_name", ["linear", "softmax", "rec", "copy", "dropout", "activation", "eval", "combine", "repeat"]
)
def test_no_value_of_any_option_gets_anything_but_an_error_of_ours(class_name, value, extern_data):
    from boulder.network.layer import LAYERS
    from boulder.network.option_parsing import known_options

    required = {"activation": {"activation": "relu"}, "eval": {"eval": "source(0)"}, "repeat": {"repetitions": 2}}
    required["combine"] = {"kind": "add"}
    for option in ["class", *known_options(LAYERS[class_name])]:
        layer = {"class": class_name, "n_out": 5, "loss": "ce", **required.get(class_name, {}), option: value}
        message = None
        try:
            describe({"output": layer}, extern_data)
        except BoulderError as error:
            message = str(error)
        assert message is None or ("layer 'output'" in message and "\n" not in message)


@pytest.mark.parametrize("axis", [2, False, "T"])
def test_time_dim_axis_of_a_data_stream(axis):
    with pytest.raises(DataError) as caught:
        describe({"output": {"class": "copy"}}, {"data": {"dim": 3}, "x": {"dim": 3, "time_dim_axis": axis}})
    assert str(caught.value) == f"extern_data['x']: 'time_dim_axis' must be 0, 1 or None, found {axis!r}"


def test_mode():
    with pytest.raises(NetworkError, match=r"^mode must be 'train', 'eval' or 'search', found 'test'$"):
        describe({}, {}, mode="test")
