"""Messages for layers of local and monotonic attention with wrong sources or options."""

import pytest

DATA = "[batch, time:data, feature:5] float32"
ENC = {"enc": {"class": "linear", "from": "data", "n_out": 4}, "ctx": {"class": "linear", "from": "data", "n_out": 3}}
SPEAKER = "[batch, feature:3] float32"


def only(class_name: str, **options) -> dict:
    return {**ENC, "output": {"class": class_name, **options}}


def in_loop(layer: dict, source: str | list = "data", **others) -> dict:
    unit = {
        "x": layer,
        "h": {"class": "linear", "from": ["prev:h", "x"], "n_out": 2},
        "output": {"class": "copy", "from": "h"},
    }
    return {**ENC, "output": {"class": "rec", "from": source, "unit": {**unit, **others}}}


LAYERS = [
    ("cast", {"from": "data"}, "option 'dtype' is missing"),
    (
        "cast", {"from": "data", "dtype": "float"},
        "'dtype' must be one of float32, float64, float16, int32, int64, int16, int8, uint8, uint16, bool, complex64, found 'float'; did you "
        "mean 'float16'?",
    ),
    ("cumsum", {"from": "data:letters"}, "needs numbers to sum up, but its input is [batch, time:letters], 6 classes int32"),
    ("cumsum", {"from": "data", "axis": "B"}, "'axis' cannot be the batch: the result for a sequence would depend on the others"),
    ("cumsum", {"from": "data:speaker"}, f"axis 'T': there is no such axis in {SPEAKER}"),
    ("dot_attention", {"from": "data:speaker", "base": "enc"}, "option 'base_ctx' is missing"),
    (
        "dot_attention", {"from": "data", "base": "enc", "base_ctx": "ctx"},
        f"needs one vector per sequence, without a time axis, but its input is {DATA}",
    ),
    (
        "dot_attention", {"from": "data:speaker", "base": "data:speaker", "base_ctx": "ctx"},
        f"'base' must have a time axis and a feature axis, but 'data:speaker' is {SPEAKER}",
    ),
    (
        "concat_attention", {"from": "data:speaker", "base": "enc", "base_ctx": "enc"},
        "'base_ctx' must have the 3 features of the input, but 'enc' is [batch, time:data, feature:4] float32",
    ),
    (
        "concat_attention", {"from": "data:topic", "base": "enc", "base_ctx": "ctx"},
        "needs float32 values with a feature axis, but its input is [batch], 4 classes int32",
    ),
    (
        "gauss_window_attention", {"from": "data:speaker", "base": "enc", "window_size": 3},
        f"needs one position per sequence, as a float, but its input is {SPEAKER}",
    ),
    ("gauss_window_attention", {"from": "data:speaker", "base": "enc"}, "option 'window_size' is missing"),
    (
        "accumulate_mean", {"from": "data", "exp_average": 2.0}, "'exp_average' must be a number from 0 to 1, found 2.0",
    ),
    (
        "accumulate_mean", {"from": "data", "exp_average": 0.1, "axes": "T"},
        f"'axes' must be all axes of {DATA} but the features; 'T' leaves batch, feature:5",
    ),
    (
        "softmax_over_spatial", {"from": "data", "window_start": 1}, "'window_start' and 'window_size' must be given together",
    ),
    (
        "softmax_over_spatial", {"from": "data", "start": "data:number"},
        f"'start' must have one number per sequence of {DATA}, but 'data:number' is [batch, time:number] float32",
    ),
    ("rec_unstack", {"from": "base:data"}, "is only possible in the 'unit' of a loop"),
    (
        "rec_last_output", {"rec_layer": "enc", "sub_layer_name": "x"}, "'from' names 'enc/x', but 'enc' has no subnetwork",
    ),
    ("get_rec_accumulated", {"from": "enc", "sub_layer": "x"}, "'from' names 'enc/x', but 'enc' has no subnetwork"),
]  # fmt: skip


@pytest.mark.parametrize(("class_name", "options", "message"), LAYERS)
def test_message_of_a_layer(class_name, options, message, check_message):
    check_message(only(class_name, **options), f"layer 'output' ({class_name}): {message}")


POSITION = {"class": "gauss_window_attention", "from": "data:source", "base": "base:enc"}
X = "layer 'output/unit/x'"
IN_LOOPS = [
    (in_loop({**POSITION, "window_size": 0, "from": "step"}, step={"class": "linear", "from": "data:source", "n_out": 1}),
     f"{X} (gauss_window_attention): 'window_size' must be at least 1, found 0"),
    (in_loop({**POSITION, "window_size": 2, "std": 0.0, "from": "step"}, step={"class": "linear", "from": "data:source", "n_out": 1}),
     f"{X} (gauss_window_attention): 'std' must be greater than 0, found 0.0"),
    (in_loop({"class": "cumsum", "from": "data:source", "reverse": True}),
     f"{X} (cumsum): 'reverse' is not possible along a loop, whose later frames are not known yet"),
    (in_loop({"class": "rec_unstack", "from": "h"}),
     f"{X} (rec_unstack): its source must be outside of the loop, as 'base:…', found 'h'"),
    (in_loop({"class": "rec_unstack", "from": "base:data:speaker"}),
     f"{X} (rec_unstack): needs a time axis, but its source is {SPEAKER}"),
    (in_loop({"class": "accumulate_mean", "from": "data:source", "exp_average": 0.1}),
     f"{X} (accumulate_mean): is not possible in a loop, whose number of frames differs; read the loop's output instead"),
    (in_loop({"class": "get_last_hidden_state", "from": "prev:h", "n_out": 2}),
     f"{X} (get_last_hidden_state): source 'output/prev:h' is not a recurrent layer and has no state"),
    (in_loop({"class": "eval", "from": "prev:x", "eval": "source(0)"}),
     f"{X} (eval): the template of 'prev:x' depends only on itself; give it an 'n_out' or an 'out_type' with a 'shape'"),
    (in_loop({"class": "split_dims", "from": "data:source", "axis": "F", "dims": [5, 1], "initial_output": "var"},
             h={"class": "merge_dims", "axes": "static", "from": "prev:x"}),
     f"{X} (split_dims): 'initial_output' is 'var', which needs one feature vector per sequence, but its output is [batch, "
     "spatial:5, feature:1] float32"),
]  # fmt: skip


@pytest.mark.parametrize(("net", "message"), IN_LOOPS)
def test_message_in_a_loop(net, message, check_message):
    check_message(net, message)


def test_a_size_target_must_have_frames(check_message):
    net = in_loop({"class": "linear", "from": "prev:h", "n_out": 2}, [])
    net["output"]["size_target"] = "speaker"
    check_message(net, f"layer 'output' (rec): 'size_target' needs a time axis, but 'data:speaker' is {SPEAKER}")
    net["output"]["size_target"] = "speakers"
    check_message(
        net,
        "layer 'output' (rec): 'size_target' is 'speakers', but extern_data has only 'data', 'align', 'classes', 'ints', 'letters', "
        "'number', 'speaker', 'topic', 'unknown'; did you mean 'speaker'?",
    )
