"""Messages for options of a wrong type or out of range."""

import math

import pytest

from boulder.errors import BoulderError, DataError, NetworkError
from boulder.network import describe

NAN, INF = math.nan, math.inf

# layer class, options, message after the name of the layer
BAD_LAYERS = [
    ("linear", {"n_out": "12"}, "option 'n_out' must be an int or None, found '12'"),
    ("linear", {"n_out": 3.0}, "option 'n_out' must be an int or None, found 3.0"),
    ("linear", {"n_out": True}, "option 'n_out' must be an int or None, found True"),
    ("linear", {"n_out": 0}, "'n_out' must be at least 1, found 0"),
    ("linear", {"n_out": -2}, "'n_out' must be at least 1, found -2"),
    ("linear", {"n_out": 3, "with_bias": 1}, "option 'with_bias' must be True or False, found 1"),
    ("linear", {"n_out": 3, "activation": 3}, "option 'activation' must be a string or None, found 3"),
    ("linear", {"n_out": 3, "activation": "rleu"}, "unknown activation 'rleu'; did you mean 'relu'?"),
    ("linear", {"n_out": 3, "dropout": "0.1"}, "option 'dropout' must be a number, found '0.1'"),
    ("linear", {"n_out": 3, "dropout": True}, "option 'dropout' must be a number, found True"),
    ("linear", {"n_out": 3, "dropout": -0.1}, "'dropout' must be a number from 0 to below 1, found -0.1"),
    ("linear", {"n_out": 3, "dropout": 1}, "'dropout' must be a number from 0 to below 1, found 1"),
    ("linear", {"n_out": 3, "dropout": 1.5}, "'dropout' must be a number from 0 to below 1, found 1.5"),
    ("linear", {"n_out": 3, "dropout": NAN}, "option 'dropout' must be a number, found nan"),
    ("linear", {"n_out": 3, "L2": -1}, "'L2' must be 0 or more, found -1"),
    ("linear", {"n_out": 3, "L2": "x"}, "option 'L2' must be a number or None, found 'x'"),
    ("linear", {"n_out": 3, "L2": True}, "option 'L2' must be a number or None, found True"),
    ("linear", {"n_out": 3, "trainable": "no"}, "option 'trainable' must be True or False or None, found 'no'"),
    (
        "linear", {"n_out": 3, "forward_weights_init": "glorot"},
        "unknown initializer 'glorot'; did you mean 'glorot_normal'?",
    ),
    (
        "linear", {"n_out": 3, "bias_init": None},
        "option 'bias_init' must be a string or a number or a dict, found None",
    ),
    (
        "linear", {"n_out": 3, "dropout_noise_shape": {"X": 1}},
        "axis 'X' is not a valid description; expected 'B', 'T', 'F', 'spatial', 'spatial:0', 'dyn', 'static:-1', 'dim:N', "
        "'except_time', 'stag:NAME' or an int, for [batch, time:data, feature:5] float32",
    ),
    (
        "linear", {"n_out": 3, "dropout_noise_shape": {"T": 2}},
        "'dropout_noise_shape' gives each axis the value 1 or None, found {'T': 2}",
    ),
    (
        "linear", {"n_out": 3, "dropout_noise_shape": [1]},
        "option 'dropout_noise_shape' must be a dict or None, found [1]",
    ),
    ("linear", {"n_out": 3, "is_output_layer": "yes"}, "option 'is_output_layer' must be True or False, found 'yes'"),
    (
        "linear", {"n_out": 3, "dropout": 0.1, "from": "data:letters"},
        "dropout needs float values, but its input is [batch, time:letters], 6 classes int32",
    ),
    ("rec", {"n_out": 3, "direction": 2}, "option 'direction' must be 1 or -1, found 2"),
    ("rec", {"n_out": 3, "direction": True}, "option 'direction' must be 1 or -1, found True"),
    ("rec", {"n_out": 3, "direction": "1"}, "option 'direction' must be 1 or -1, found '1'"),
    ("rec", {"n_out": 3, "unit": "lsmt"}, "unknown unit 'lsmt'; did you mean 'lstm'?"),
    ("rec", {"n_out": 3, "unit": 3}, "option 'unit' must be a string, found 3"),
    (
        "rec", {"n_out": 3, "unit": {"outptu": {"class": "linear"}}},
        "its subnetwork needs a layer 'output'; did you mean 'outptu'?",
    ),
    (
        "rec", {"n_out": 3, "unit_opts": {"forget_bias": 1}},
        "this unit adds no 'forget_bias', found 1; unit 'StandardLSTM' does",
    ),
    (
        "rec", {"n_out": 3, "unit_opts": {"rec_weight_dropout": "0.1"}},
        "'unit_opts': option 'rec_weight_dropout' must be a number, found '0.1'",
    ),
    (
        "rec", {"n_out": 3, "unit_opts": {"rec_weight_dropout": -1}},
        "'rec_weight_dropout' must be a number from 0 to below 1, found -1",
    ),
    ("rec", {"n_out": 3, "unit_opts": {3: 1}}, "'unit_opts': unknown option 3"),
    ("rec", {"n_out": 3, "unit_opts": []}, "option 'unit_opts' must be a dict or None, found []"),
]  # fmt: skip


@pytest.mark.parametrize(("class_name", "options", "message"), BAD_LAYERS)
def test_message_of_a_layer(class_name, options, message, check_message):
    check_message({"output": {"class": class_name, **options}}, f"layer 'output' ({class_name}): {message}")


@pytest.mark.parametrize("value", [None, 3, "x", [], {}, (1, 2), -1, True, object(), b"x", {"class": "linear"}])
@pytest.mark.parametrize(
    "class_name", ["linear", "softmax", "rec", "copy", "dropout", "activation", "eval", "combine", "repeat"]
)
def test_any_value_of_any_option_is_accepted_or_refused_with_one_line(class_name, value, extern_data):
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
def test_message_of_time_dim_axis(axis):
    with pytest.raises(DataError) as caught:
        describe({"output": {"class": "copy"}}, {"data": {"dim": 3}, "x": {"dim": 3, "time_dim_axis": axis}})
    assert str(caught.value) == f"extern_data['x']: 'time_dim_axis' must be 0, 1 or None, found {axis!r}"


def test_message_of_an_unknown_mode():
    with pytest.raises(NetworkError, match=r"^mode must be 'train', 'eval' or 'search', found 'test'$"):
        describe({}, {}, mode="test")
