"""Messages for sources whose sizes, axes or dtypes do not fit."""

import pytest

# net dict, message
BAD_NETWORKS = [
    (
        {"output": {"class": "repeat", "repetitions": True}},
        "layer 'output' (repeat): option 'repetitions' must be an int, found True",
    ),
    (
        {"output": {"class": "repeat", "repetitions": 0}},
        "layer 'output' (repeat): 'repetitions' must be at least 1, found 0",
    ),
    (
        {"output": {"class": "repeat", "repetitions": 2, "axis": "F"}},
        "layer 'output' (repeat): only the time axis can be repeated: 'axis' must be 'T', found 'F'",
    ),
    (
        {"output": {"class": "repeat", "repetitions": 2, "from": "data:speaker"}},
        "layer 'output' (repeat): needs a time axis, but its input is [batch, feature:3] float32",
    ),
    (
        {"output": {"class": "repeat", "repetitions": 2, "n_out": 3}},
        "layer 'output' (repeat): 'n_out' is 3, but its output is [batch, time:repeat(data, 2), feature:5] float32",
    ),
    (
        {"output": {"class": "copy", "n_out": 3}},
        "layer 'output' (copy): 'n_out' is 3, but its output is [batch, time:data, feature:5] float32",
    ),
    (
        {"output": {"class": "activation", "activation": "relu", "n_out": 3}},
        "layer 'output' (activation): 'n_out' is 3, but its output is [batch, time:data, feature:5] float32",
    ),
    (
        {"output": {"class": "combine", "kind": "add", "from": ["data", "data:speaker"]}},
        "layer 'output' (combine): sources with features of sizes 5 and 3 cannot be combined: 'data:data' is [batch, time:data, feature:5] float32, 'data:speaker' is [batch, feature:3] float32",
    ),
    (
        {
            "output": {"class": "combine", "kind": "add", "from": ["data", "a"]},
            "a": {"class": "repeat", "repetitions": 2},
        },
        "layer 'output' (combine): sources with different time axes, time:data and time:repeat(data, 2), cannot be combined: 'data:data' is [batch, time:data, feature:5] float32, 'a' is [batch, time:repeat(data, 2), feature:5] float32",
    ),
    (
        {"output": {"class": "copy", "from": ["data", "data:letters"]}},
        "layer 'output' (copy): source 'data:letters' is [batch, time:letters], 6 classes int32, without a feature axis of known size, so it cannot be concatenated",
    ),
    (
        {"output": {"class": "copy", "from": ["data", "data:ints"]}},
        "layer 'output' (copy): sources of different types, float32 and int32, cannot be concatenated: 'data:data' is [batch, time:data, feature:5] float32, 'data:ints' is [batch, time:ints, feature:5] int32",
    ),
    (
        {"a": {"class": "repeat", "repetitions": 2}, "output": {"class": "copy", "from": ["data", "a"]}},
        "layer 'output' (copy): sources with different time axes, time:data and time:repeat(data, 2), cannot be combined: 'data:data' is [batch, time:data, feature:5] float32, 'a' is [batch, time:repeat(data, 2), feature:5] float32",
    ),
    (
        {"output": {"class": "rec", "n_out": 3, "from": "data:letters"}},
        "layer 'output' (rec): needs float32 values with a feature axis, but its input is [batch, time:letters], 6 classes int32",
    ),
    (
        {"output": {"class": "rec", "n_out": 3, "from": "data:speaker"}},
        "layer 'output' (rec): needs a time axis, but its input is [batch, feature:3] float32",
    ),
    (
        {"output": {"class": "linear", "n_out": 3, "from": "data:number"}},
        "layer 'output' (linear): needs float32 values with a feature axis, but its input is [batch, time:number] float32",
    ),
    (
        {"output": {"class": "linear", "n_out": 3, "from": "data:ints"}},
        "layer 'output' (linear): needs float32 values with a feature axis, but its input is [batch, time:ints, feature:5] int32",
    ),
    (
        {"output": {"class": "linear", "n_out": 3, "from": "data:unknown"}},
        "layer 'output' (linear): needs to know the size of its input's feature axis, but its input is [batch, time:unknown, feature] float32",
    ),
    (
        {"output": {"class": "copy", "from": ["data:unknown", "data:unknown"]}},
        "layer 'output' (copy): source 'data:unknown' is [batch, time:unknown, feature] float32, without a feature axis of known size, so it cannot be concatenated",
    ),
    (
        {"output": {"class": "activation", "activation": "tanh", "from": "data:letters"}},
        "layer 'output' (activation): activation 'tanh' needs float values, found [batch, time:letters], 6 classes int32",
    ),
    (
        {"output": {"class": "activation", "activation": "softmax", "from": "data:number"}},
        "layer 'output' (activation): activation 'softmax' needs a feature axis, found [batch, time:number] float32",
    ),
    (
        {"output": {"class": "eval", "eval": "source(0)", "activation": "softmax", "from": "data:number"}},
        "layer 'output' (eval): activation 'softmax' needs a feature axis, found [batch, time:number] float32",
    ),
    (
        {"output": {"class": "eval", "eval": "source(0)", "activation": "tnah"}},
        "layer 'output' (eval): unknown activation 'tnah'; did you mean 'tanh'?",
    ),
    (
        {"output": {"class": "combine", "kind": "ad"}},
        "layer 'output' (combine): option 'kind' must be 'add' or 'sub' or 'mul' or 'truediv' or 'floordiv' or 'mod' or 'pow' or 'maximum' or 'minimum' or 'logical_and' or 'logical_or' or 'squared_difference' or 'average' or 'eval', found 'ad'; did you mean 'add'?",
    ),
    (
        {"output": {"class": "combine", "kind": None}},
        "layer 'output' (combine): option 'kind' must be 'add' or 'sub' or 'mul' or 'truediv' or 'floordiv' or 'mod' or 'pow' or 'maximum' or 'minimum' or 'logical_and' or 'logical_or' or 'squared_difference' or 'average' or 'eval', found None",
    ),
    ({"output": {"class": "combine", "kind": "add", "from": []}}, "layer 'output' (combine): needs a source in 'from'"),
    (
        {"output": {"class": "combine", "kind": "add", "from": ["data", "data:letters"]}},
        "layer 'output' (combine): its sources must have one dtype, found float32 and, from 'data:letters', int32",
    ),
    (
        {"output": {"class": "combine", "kind": "logical_and"}},
        "layer 'output' (combine): kind 'logical_and' does not apply to float32, the dtype of 'data:data'",
    ),
    (
        {"output": {"class": "combine", "kind": "average", "from": ["data:letters"]}},
        "layer 'output' (combine): kind 'average' needs float values, but 'data:letters' is [batch, time:letters], 6 classes int32",
    ),
    (
        {"output": {"class": "combine", "kind": "add", "eval": "source(0)"}},
        "layer 'output' (combine): option 'eval' and kind 'eval' must be given together",
    ),
    (
        {"output": {"class": "combine", "kind": "eval"}},
        "layer 'output' (combine): option 'eval' and kind 'eval' must be given together",
    ),
    (
        {"output": {"class": "combine", "kind": "add", "out_type": {"dim": 5}}},
        "layer 'output' (combine): option 'out_type' needs kind 'eval', found kind 'add'",
    ),
    (
        {"output": {"class": "eval", "eval": "source(0"}},
        "layer 'output' (eval): 'eval' is not an expression: '(' was never closed in 'source(0'",
    ),
    (
        {"output": {"class": "eval", "eval": 3}},
        "layer 'output' (eval): option 'eval' must be a string or a function, found 3",
    ),
    (
        {"output": {"class": "eval", "eval": "source(0)", "eval_locals": 3}},
        "layer 'output' (eval): option 'eval_locals' must be a dict or None, found 3",
    ),
    (
        {"output": {"class": "eval", "eval": "source(0)", "out_type": 3}},
        "layer 'output' (eval): option 'out_type' must be a dict or None, found 3",
    ),
    (
        {"output": {"class": "eval", "eval": "source(0)", "out_type": {"time_dim_axis": 1}}},
        "layer 'output' (eval): 'out_type' takes the keys 'dim', 'dtype', 'shape' and 'sparse', found 'time_dim_axis'",
    ),
    (
        {"output": {"class": "eval", "eval": "source(0)", "out_type": {"dim": "5"}}},
        "layer 'output' (eval): 'dim' in 'out_type' must be an int of at least 1, found '5'",
    ),
    (
        {"output": {"class": "eval", "eval": "source(0)", "out_type": {"dim": 0}}},
        "layer 'output' (eval): 'dim' in 'out_type' must be an int of at least 1, found 0",
    ),
    (
        {"output": {"class": "eval", "eval": "source(0)", "out_type": {"dtype": "float"}}},
        "layer 'output' (eval): 'dtype' in 'out_type' must be one of float32, float64, float16, int32, int64, int16, int8, uint8, uint16, bool, found 'float'",
    ),
    (
        {"output": {"class": "eval", "eval": "source(0)", "out_type": {"dim": 9, "shape": (9,)}}},
        "layer 'output' (eval): 'shape' in 'out_type' must be (None, 9), since the sources give [batch, time:data, feature:9] float32, found (9,)",
    ),
    (
        {"output": {"class": "eval", "eval": "source(0)", "out_type": {"shape": 9}}},
        "layer 'output' (eval): 'shape' in 'out_type' must be a tuple such as (None, 5), found 9",
    ),
    (
        {"output": {"class": "eval", "eval": "source(0)", "out_type": {"sparse": 1}}},
        "layer 'output' (eval): 'sparse' in 'out_type' must be True or False, found 1",
    ),
    (
        {"output": {"class": "combine", "kind": "add", "n_out": 3}},
        "layer 'output' (combine): 'n_out' is 3, but its output is [batch, time:data, feature:5] float32",
    ),
    (
        {"output": {"class": "eval", "eval": "source(0)", "n_out": 3, "out_type": {"dim": 9}}},
        "layer 'output' (eval): 'n_out' is 3, but its output is [batch, time:data, feature:9] float32",
    ),
]


@pytest.mark.parametrize(("network", "message"), BAD_NETWORKS)
def test_message(network, message, check_message):
    check_message(network, message)
