"""Options of loops and of their layers: lengths, first values, gradients, states of the previous frame, access from outside."""

import subprocess
import sys

import numpy as np
import pytest

from boulder.errors import NetworkError
from boulder.network import describe, run_network, uses_streams

EXTERN_DATA = {"data": {"dim": 5}, "classes": {"dim": 3, "sparse": True}, "align": {"dim": 4, "sparse": True}}
LENGTHS = [3, 1]


def linear(source, n_out, **options) -> dict:
    return {"class": "linear", "from": source, "n_out": n_out, "activation": "tanh", **options}


def loop(unit: dict, source="data", **options) -> dict:
    return {"output": {"class": "rec", "from": source, "unit": unit, **options}}


SEARCH = {
    "prob": {"class": "softmax", "from": ["prev:output2", "base:vector"], "n_out": 3, "target": "classes"},
    "output2": linear("output", 3, initial_output="zeros"),
    "output": {"class": "choice", "from": "prob", "beam_size": 2, "target": "classes", "initial_output": 0},
    "end": {"class": "compare", "from": "output", "value": 7},
}
VECTOR = {"vector": {"class": "reduce", "mode": "mean", "axes": "T", "from": "data"}}


@pytest.mark.parametrize(
    ("limit", "frames"),
    [
        ("tf.to_int32(tf.ceil(tf.cast(max_len_from('base:data'), tf.float32) * 1.4))", 5),
        ("tf.maximum(max_len_from('base:data') // 2, 2)", 2),
        ("2 * max_len_from('data')", 6),
        (4, 4),
    ],
)
def test_max_seq_len_is_a_number_or_a_formula(limit, frames, random_batch, random_params):
    net = VECTOR | loop(SEARCH, [], target="classes", max_seq_len=limit)
    spec = describe(net, EXTERN_DATA, "search")
    data, lengths = random_batch(LENGTHS)
    out = run_network(spec, random_params(spec), {"data": data["data"]}, {"data": lengths["data"]}, losses=False)
    x = out.layers["output"]
    assert x.ordered(x.template.axes).shape[x.template.axes.index(x.template.time)] == frames


LIMIT = {"limit": {"class": "constant", "value": 4, "dtype": "int32"}}


def test_max_seq_len_can_be_the_output_of_a_layer(random_batch, random_params):
    spec = describe(VECTOR | LIMIT | loop(SEARCH, [], max_seq_len_via="limit"), EXTERN_DATA, "search")
    data, lengths = random_batch(LENGTHS)
    out = run_network(spec, random_params(spec), {"data": data["data"]}, {"data": lengths["data"]}, losses=False)
    x = out.layers["output"]
    assert x.ordered(x.template.axes).shape[x.template.axes.index(x.template.time)] == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_seq_len_via": "vector"}, "'max_seq_len_via' must be one whole number for all sequences, but 'vector' is [batch, feature:5]"),
        ({"max_seq_len_via": "limits"}, "'max_seq_len_via' names 'base:limits', which does not exist outside of the loop; did you mean 'base:limit'?"),
        ({"max_seq_len_via": "limit", "max_seq_len": 3}, "'max_seq_len' and 'max_seq_len_via' give one number, found both"),
        ({"use_global_rec_step_offset": True}, "option 'use_global_rec_step_offset' must be False, found True"),
    ],
)  # fmt: skip
def test_a_wrong_option_of_a_loop_is_refused(options, message):
    with pytest.raises(NetworkError) as caught:
        describe(VECTOR | LIMIT | loop(SEARCH, [], **options), EXTERN_DATA, "search")
    assert str(caught.value).startswith(f"layer 'output' (rec): {message}")


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("unit_opts", {}, "None"), ("direction", -1, "1 or None"), ("initial_state", "zeros", "None"), ("input_projection", False, "True"),
        ("forward_weights_init", 0.1, "None"), ("recurrent_weights_init", 0.1, "None"), ("bias_init", 0.1, "None"),
    ],
)  # fmt: skip
def test_an_option_of_recurrent_units_is_refused(option, value, expected):
    with pytest.raises(NetworkError) as caught:
        describe(loop({"output": linear("data:source", 3)}, **{option: value}), EXTERN_DATA)
    assert str(caught.value) == f"layer 'output' (rec): option {option!r} must be {expected}, found {value!r}"


@pytest.mark.parametrize("option", ["unit_opts", "direction", "initial_state", "debug", "back_prop", "axis"])
def test_an_option_may_be_none(option):
    plain = loop({"output": linear("data:source", 3)})
    assert (
        describe(loop(plain["output"]["unit"], **{option: None}), EXTERN_DATA).params
        == describe(plain, EXTERN_DATA).params
    )


@pytest.mark.parametrize("initial", ["keep_over_epoch", "keep_over_epoch_no_init"])
def test_a_first_value_that_is_not_supported_is_refused_by_name(initial):
    unit = {"output": linear(["data:source", "prev:output"], 3, initial_output=initial)}
    with pytest.raises(NetworkError) as caught:
        describe(loop(unit), EXTERN_DATA)
    expected = f"layer 'output/unit/output' (linear): 'initial_output' {initial!r} is not supported: "
    assert str(caught.value).startswith(expected)


def test_only_what_a_layer_computes_from_its_sources_can_be_applied_to_zeros():
    shared = linear("data:source", 3, initial_output="apply(0)", reuse_params="other")
    unit = {"other": linear("data:source", 3), "shared": shared, "output": linear(["prev:shared", "other"], 3)}
    with pytest.raises(NetworkError) as caught:
        describe(loop(unit), EXTERN_DATA)
    assert str(caught.value) == (
        "layer 'output/unit/shared' (linear): 'initial_output' 'apply(0)' needs a layer that computes its output from its sources "
        "alone; expected 'base:' and a layer outside of the loop"
    )


def test_planning_a_formula_imports_no_tensorflow():
    net = VECTOR | loop(SEARCH, [], target="classes", max_seq_len="tf.to_int32(max_len_from('base:data'))")
    code = f"import sys; from boulder.network import describe; describe({net!r}, {EXTERN_DATA!r}, 'search'); print('tensorflow' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"


def test_a_formula_that_fails_names_the_option(random_batch, random_params):
    net = VECTOR | loop(SEARCH, [], target="classes", max_seq_len="tf.no_such(max_len_from('base:data'))")
    spec = describe(net, EXTERN_DATA, "search")
    data, lengths = random_batch(LENGTHS)
    with pytest.raises(NetworkError, match=r"^layer 'output' \(rec\): 'max_seq_len' .*no_such"):
        run_network(spec, random_params(spec), {"data": data["data"]}, {"data": lengths["data"]}, losses=False)


@pytest.mark.parametrize("mode", ["train", "search"])
def test_size_target_gives_the_frames(mode, random_batch, random_params):
    unit = {name: layer for name, layer in SEARCH.items() if name != "end"}
    spec = describe(VECTOR | loop(unit, [], target="classes", size_target="align"), EXTERN_DATA, mode)
    assert str(spec.layers["output"].template.time) == "time:align"
    data, lengths = random_batch(LENGTHS)
    data["classes"], lengths["classes"] = data["align"] % 3, lengths["align"]
    out = run_network(spec, random_params(spec), data, lengths, losses=False)
    assert out.layers["output"].ordered(out.layers["output"].template.axes).shape[-1 if mode == "train" else 1] in (
        2,
        3,
    )


def gradients(net, data, lengths, params, **options) -> dict:
    import tensorflow as tf

    spec = describe(net, EXTERN_DATA)
    variables = {path: tf.Variable(value) for path, value in params(spec).items()}
    with tf.GradientTape() as tape:
        out = run_network(spec, variables, data, lengths, **options)
        total = tf.add_n([loss.cost for loss in out.losses.values()])
    found = tape.gradient(total, variables, unconnected_gradients="zero")
    return {path: np.asarray(tf.convert_to_tensor(gradient)) for path, gradient in found.items()}


STATES = {
    "s": {"class": "rnn_cell", "unit": "LSTMBlock", "from": ["data:source", "before"], "n_out": 2},
    "before": {"class": "get_last_hidden_state", "from": "prev:s", "n_out": 4},
    "y": linear(["s", "prev:y"], 3, initial_output="var"),
    "late": linear("s", 2, initial_output="var"),
    "output": linear(["y", "prev:late"], 3, loss="as_is"),
}


@pytest.mark.parametrize("kept", [False, True])
def test_a_trained_first_value_and_a_state_have_gradients_also_recomputed(kept, random_batch, random_params):
    options = {"optimize_move_layers_out": False} if kept else {}
    batch = random_batch(LENGTHS)
    plain = gradients(loop(STATES, **options), *batch, random_params)
    again = gradients(loop(STATES, **options, recompute=True), *batch, random_params, train=True)
    for path, gradient in plain.items():
        assert np.abs(gradient).max() > 0, path
        np.testing.assert_allclose(again[path], gradient, rtol=1e-4, atol=1e-6, err_msg=path)


def test_back_prop_false_stops_the_gradient_at_the_frames(random_batch, random_params):
    batch = random_batch(LENGTHS)
    found = gradients(loop(STATES, back_prop=False), *batch, random_params)
    assert not found["output/rec/s/rec/lstm_cell/kernel"].any()
    assert found["output/rec/output/W"].any()
    kept = gradients(loop(STATES, back_prop=True), *batch, random_params)
    assert kept["output/rec/s/rec/lstm_cell/kernel"].any()


def test_a_layer_can_depend_on_itself_alone(run, values, random_batch):
    unit = {
        "t": {"class": "eval", "from": "prev:t", "eval": "source(0) + 1", "out_type": {"shape": (), "dtype": "int32"}, "initial_output": 3},
        "c": {"class": "rnn_cell", "unit": "GRU", "from": "prev:c", "n_out": 2},
        "float": {"class": "cast", "from": "t", "dtype": "float32"},
        "t1": {"class": "expand_dims", "from": "float", "axis": "F"},
        "output": {"class": "copy", "from": ["t1", "c", "data:source"]},
    }  # fmt: skip
    result = values(run(loop(unit), *random_batch(LENGTHS)))
    assert result[0, :, 0].tolist() == [4, 5, 6]
    assert (result[0, :, 1] != 0).all()


def test_layers_of_a_loop_are_read_in_all_frames_and_in_the_last_one(run, values, random_batch):
    unit = {
        "output": linear(["data:source", "prev:output"], 3),
        "y": linear("output", 2, need_last=True, is_output_layer=True),
    }
    net = {
        "loop": loop(unit)["output"],
        "last": {"class": "rec_last_output", "rec_layer": "loop", "sub_layer_name": "y", "is_output_layer": True},
        "all": {"class": "get_rec_accumulated", "from": "loop", "sub_layer": "y", "is_output_layer": True},
        "output": {"class": "copy", "from": "loop"},
    }  # fmt: skip
    lengths = [3, 1, 0]
    out = run(net, *random_batch(lengths))
    every, last = values(out, "all"), values(out, "last")
    for seq, n in enumerate(lengths):
        np.testing.assert_array_equal(last[seq], every[seq, n - 1] if n else 0)


def test_a_frame_of_a_layer_outside_is_that_of_the_loops_source(run, values, random_batch):
    batch = random_batch(LENGTHS)
    expected = values(run(loop({"output": linear(["data:source", "prev:output"], 3)}), *batch))
    for options in ({}, {"optimize_move_layers_out": False}):
        unit = {"x": {"class": "rec_unstack", "from": "base:data"}, "output": linear(["x", "prev:output"], 3)}
        np.testing.assert_array_equal(values(run(loop(unit, [], **options), *batch)), expected)


def test_the_running_mean_is_that_of_all_frames(random_batch, random_params):
    net = {"output": {"class": "accumulate_mean", "from": "data", "exp_average": 0.25, "initial_value": 2.0}}
    spec = describe(net, EXTERN_DATA)
    (param,) = spec.params.values()
    assert (param.init, param.statistic, param.trainable) == ("2.0", True, False) or param.init == 2.0
    data, lengths = random_batch([3, 1, 0])
    frames = np.concatenate([row[:n] for row, n in zip(data["data"], lengths["data"], strict=True)])
    start = random_params(spec)
    out = run_network(spec, start, data, lengths, train=True)
    expected = 0.75 * start[param.path] + 0.25 * frames.mean(0)
    np.testing.assert_allclose(np.asarray(out.updates[param.path]), expected, rtol=1e-5)
    np.testing.assert_array_equal(np.asarray(out.layers["output"].value), start[param.path])
    assert not run_network(spec, start, data, lengths).updates


def test_a_layer_has_the_axes_of_its_initial_output():
    unit = {
        "n": {"class": "rec_unstack", "from": "base:numbers"},
        "sum": {"class": "combine", "kind": "add", "from": ["prev:sum", "n"], "initial_output": "base:vector"},
        "output": {"class": "copy", "from": "sum"},
    }
    numbers = {"class": "range_in_axis", "from": "data", "axis": "T", "dtype": "float32"}
    network = VECTOR | {"numbers": numbers} | loop(unit, [], axis="T")
    assert str(describe(network, EXTERN_DATA).layers["output"].template) == "[batch, time:data, feature:5] float32"


def test_the_previous_value_of_a_switch_is_unknown_at_first():
    unit = {
        "emit": {"class": "compare", "from": "prev:output", "kind": "greater", "value": 0.0},
        "emit1": {"class": "reduce", "mode": "any", "axes": "F", "from": "emit"},
        "start": {"class": "switch", "condition": "emit1", "true_from": ":i", "false_from": "prev:start"},
        "x": {"class": "eval", "from": ["data:source", "start"], "eval": "source(0) + tf.cast(source(1), tf.float32)"},
        "output": linear("x", 3),
    }
    unit["last"] = {"class": "copy", "from": "start", "is_output_layer": True}
    network = {"r": loop(unit)["output"], "output": {"class": "copy", "from": "r/last"}}
    assert str(describe(network, EXTERN_DATA).layers["output"].template) == "[batch, time:data] int32"


def test_an_empty_dict_is_an_empty_set_of_axes():
    unit = {
        "i2": {"class": "combine", "kind": "add", "from": [":i", ":i"], "out_shape": {}},
        "output": {
            "class": "eval",
            "from": ["data:source", "i2"],
            "eval": "source(0) * tf.cast(source(1), tf.float32)",
        },
    }
    describe(loop(unit), EXTERN_DATA)
    unit["output"]["out_shape"] = {}
    with pytest.raises(NetworkError, match=r"layer 'output/unit/output' \(eval\): 'out_shape' lacks"):
        describe(loop(unit), EXTERN_DATA)


def test_a_loop_needs_the_stream_that_gives_only_its_length(random_batch):
    unit = {
        "output": {
            "class": "combine",
            "kind": "add",
            "from": ["prev:output", "base:vector"],
            "initial_output": "base:vector",
        }
    }
    spec = describe(VECTOR | loop(unit, "data:align"), EXTERN_DATA)
    assert uses_streams(spec) == {"data", "align"}
    data, lengths = random_batch(LENGTHS)
    read = [{key: part[key] for key in ("data", "align")} for part in (data, lengths)]
    frames = run_network(spec, {}, *read).layers["output"].ordered(spec.layers["output"].template.axes).numpy()
    assert frames[:, 1:2] == pytest.approx(frames[:, :1] * 1.5, rel=1e-5)
