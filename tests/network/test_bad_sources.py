"""Messages for sources whose sizes, axes or dtypes do not fit."""

import pytest

DATA = "[batch, time:data, feature:5] float32"
TWICE = "[batch, time:repeat(data, 2), feature:5] float32"
LETTERS = "[batch, time:letters], 6 classes int32"
SPEAKER = "[batch, feature:3] float32"
KINDS = (
    "'add' or 'sub' or 'mul' or 'truediv' or 'floordiv' or 'mod' or 'pow' or 'maximum' or 'minimum' or "
    "'logical_and' or 'logical_or' or 'squared_difference' or 'average' or 'eval' or 'logical_xor' or 'logaddexp' or 'atan2' or "
    "'divide_no_nan' or 'multiply_no_nan' or '+' or '-' or '*' or '/' or '//' or 'subtract' or 'multiply' or 'divide' or 'floormod'"
)
# layer class, options, message after the name of the layer
BAD_LAYERS = [
    ("repeat", {"repetitions": True}, "option 'repetitions' must be an int or a string, found True"),
    ("repeat", {"repetitions": 0}, "'repetitions' must be at least 1, found 0"),
    ("repeat", {"repetitions": 2, "axis": "B"}, f"cannot repeat along axis batch of {DATA}"),
    ("repeat", {"repetitions": 2, "from": "data:speaker"}, f"axis 'T': there is no such axis in {SPEAKER}"),
    ("repeat", {"repetitions": 2, "n_out": 3}, f"'n_out' is 3, but its output is {TWICE}"),
    ("copy", {"n_out": 3}, f"'n_out' is 3, but its output is {DATA}"),
    ("activation", {"activation": "relu", "n_out": 3}, f"'n_out' is 3, but its output is {DATA}"),
    (
        "combine", {"kind": "add", "from": ["data", "data:speaker"]},
        f"sources with features of sizes 5 and 3 cannot be combined: 'data:data' is {DATA}, 'data:speaker' is {SPEAKER}",
    ),
    (
        "copy", {"from": ["data", "data:letters"]},
        f"source 'data:letters' is {LETTERS}, without a feature axis of known size, so it cannot be concatenated",
    ),
    (
        "copy", {"from": ["data", "data:ints"]},
        f"sources of different types, float32 and int32, cannot be concatenated: 'data:data' is {DATA}, 'data:ints' is [batch, time:ints, feature:5] int32",
    ),
    (
        "rec", {"n_out": 3, "unit": "GRU", "from": "data:letters"},
        f"needs float32 values with a feature axis, but its input is {LETTERS}",
    ),
    ("rec", {"n_out": 3, "from": "data:speaker"}, f"needs a time axis, but its input is {SPEAKER}"),
    (
        "linear", {"n_out": 3, "from": "data:number"},
        "needs float32 values with a feature axis, but its input is [batch, time:number] float32",
    ),
    (
        "linear", {"n_out": 3, "from": "data:ints"},
        "needs float32 values with a feature axis, but its input is [batch, time:ints, feature:5] int32",
    ),
    (
        "linear", {"n_out": 3, "from": "data:unknown"},
        "needs to know the size of its input's feature axis, but its input is [batch, time:unknown, feature] float32",
    ),
    (
        "copy", {"from": ["data:unknown", "data:unknown"]},
        "source 'data:unknown' is [batch, time:unknown, feature] float32, without a feature axis of known size, so it cannot be concatenated",
    ),
    (
        "activation", {"activation": "tanh", "from": "data:letters"},
        f"activation 'tanh' needs float values, found {LETTERS}",
    ),
    (
        "activation", {"activation": "softmax", "from": "data:number"},
        "activation 'softmax' needs a feature axis, found [batch, time:number] float32",
    ),
    (
        "eval", {"eval": "source(0)", "activation": "softmax", "from": "data:number"},
        "activation 'softmax' needs a feature axis, found [batch, time:number] float32",
    ),
    ("eval", {"eval": "source(0)", "activation": "tnah"}, "unknown activation 'tnah'; did you mean 'tanh'?"),
    ("combine", {"kind": "ad"}, f"option 'kind' must be {KINDS}, found 'ad'; did you mean 'add'?"),
    ("combine", {"kind": None}, f"option 'kind' must be {KINDS}, found None"),
    ("combine", {"kind": "add", "from": []}, "needs a source in 'from', or 'eval' with 'out_type' that says what the result is"),
    ("eval", {"eval": "1.0", "from": [], "out_type": {"dtype": "bool"}}, "without a source in 'from', 'out_type' needs a 'shape', such as ()"),
    (
        "combine", {"kind": "add", "from": ["data", "data:letters"]},
        "its sources must have one dtype, found float32 and, from 'data:letters', int32",
    ),
    ("combine", {"kind": "logical_and"}, "kind 'logical_and' does not apply to float32, the dtype of 'data:data'"),
    (
        "combine", {"kind": "average", "from": ["data:letters"]},
        f"kind 'average' needs float values, but 'data:letters' is {LETTERS}",
    ),
    ("combine", {"kind": "add", "eval": "source(0)"}, "option 'eval' and kind 'eval' must be given together"),
    ("combine", {"kind": "eval"}, "option 'eval' and kind 'eval' must be given together"),
    ("eval", {"eval": "sorce(0)"}, "'eval' names 'sorce', which is unknown, in 'sorce(0)'; did you mean 'source'?"),
    ("eval", {"eval": "[source(0) * fct for i in range(2)]"}, "'eval' names 'fct', which is unknown, in '[source(0) * fct for i in range(2)]'"),
    ("combine", {"kind": "add", "eval_locals": {"a": 5}}, "option 'eval_locals' needs kind 'eval', found kind 'add'"),
    ("eval", {"eval": "source(0"}, "'eval' is not an expression: '(' was never closed in 'source(0'"),
    ("eval", {"eval": 3}, "option 'eval' must be a string or a function, found 3"),
    ("eval", {"eval": "source(0)", "eval_locals": 3}, "option 'eval_locals' must be a dict or None, found 3"),
    ("eval", {"eval": "source(0)", "out_type": 3}, "option 'out_type' must be a dict or a function or None, found 3"),
    (
        "eval", {"eval": "source(0)", "out_type": {"dim": "5"}},
        "'dim' in 'out_type' must be an int of at least 1, found '5'",
    ),
    (
        "eval", {"eval": "source(0)", "out_type": {"dim": 0}},
        "'dim' in 'out_type' must be an int of at least 1, found 0",
    ),
    (
        "eval", {"eval": "source(0)", "out_type": {"dtype": "float"}},
        "'dtype' in 'out_type' must be one of float32, float64, float16, int32, int64, int16, int8, uint8, uint16, bool, complex64, found 'float'",
    ),
    (
        "eval", {"eval": "source(0)", "out_type": {"shape": 9}},
        "'shape' in 'out_type' must be a tuple such as (None, 5), found 9",
    ),
    ("eval", {"eval": "source(0)", "out_type": {"sparse": 1}}, "'sparse' in 'out_type' must be True or False, found 1"),
    ("combine", {"kind": "add", "n_out": 3}, f"'n_out' is 3, but its output is {DATA}"),
    (
        "eval", {"eval": "source(0)", "n_out": 3, "out_type": {"dim": 9}},
        "'n_out' is 3, but its output is [batch, time:data, feature:9] float32",
    ),
]  # fmt: skip
# net dict, message
BAD_NETWORKS = [
    (
        {"output": {"class": "combine", "kind": "add", "from": ["data", "a"]}, "a": {"class": "repeat", "repetitions": 2}},
        f"layer 'output' (combine): sources with different time axes, time:data and time:repeat(data, 2), cannot be combined: 'data:data' is {DATA}, 'a' is {TWICE}",
    ),
    (
        {"a": {"class": "repeat", "repetitions": 2}, "output": {"class": "copy", "from": ["data", "a"]}},
        f"layer 'output' (copy): sources with different time axes, time:data and time:repeat(data, 2), cannot be combined: 'data:data' is {DATA}, 'a' is {TWICE}",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("class_name", "options", "message"), BAD_LAYERS)
def test_message_of_a_layer(class_name, options, message, check_message):
    check_message({"output": {"class": class_name, **options}}, f"layer 'output' ({class_name}): {message}")


@pytest.mark.parametrize(("network", "message"), BAD_NETWORKS)
def test_message_of_a_network(network, message, check_message):
    check_message(network, message)
