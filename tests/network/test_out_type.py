"""`out_type` of `eval`: the template that it promises, and the code's view of its sources."""

import numpy as np
import pytest

from boulder.errors import NetworkError
from boulder.network import describe, run_network
from boulder.network.axes import Axis, Batch, Feature, Spatial, StaticTime, Time
from boulder.network.template import Template

EXTERN_DATA = {
    "data": {"dim": 5},
    "align": {"dim": 4, "sparse": True},
    "other": {"dim": 5},
    "speaker": {"dim": 5, "time_dim_axis": None},
}
T, U = Time("data"), Time("other")


def template(out_type, sources="data", **options) -> Template:
    layer = {"class": "eval", "from": sources, "eval": "1", "out_type": out_type, **options}
    return describe({"output": layer}, EXTERN_DATA).layers["output"].template


BOTH = ["data", "data:other"]
PROMISES = {
    "a vector": ({"shape": (3,)}, "data", (Batch, Feature(3))),
    "a number": ({"shape": (), "batch_dim_axis": 0}, "data", (Batch,)),
    "frames": ({"shape": (None,)}, "data", (Batch, T)),
    "frames of one": ({"shape": (None, 1), "batch_dim_axis": 0, "time_dim_axis": 1}, "data", (Batch, T, Feature(1))),
    "time first": ({"shape": (None, 5), "batch_dim_axis": 1, "time_dim_axis": 0}, "data", (T, Batch, Feature(5))),
    "no features": ({"shape": (None, 2), "feature_dim_axis": None}, "data", (Batch, T, Spatial(2))),
    "features first": ({"shape": (2, 3), "feature_dim_axis": 1}, "data", (Batch, Feature(2), Spatial(3))),
    "a static time": ({"shape": (7, 3), "time_dim_axis": 1}, "data", (Batch, StaticTime(7), Feature(3))),
    "both times": ({"shape": (None, None, 5)}, BOTH, (Batch, T, U, Feature(5))),
    "the second is the time": ({"shape": (None, None, 5), "time_dim_axis": 2}, BOTH, (Batch, U, T, Feature(5))),
    "the first of both times": ({"shape": (None, 5)}, BOTH, (Batch, T, Feature(5))),
    "two times of one stream": ({}, ["data", "twice"], (Batch, T, T.repeated(2), Feature(5))),
    "no batch": ({"shape": (2,), "batch_dim_axis": None}, "data", (Feature(2),)),
    "roles without a shape": ({"batch_dim_axis": 0, "time_dim_axis": 1}, "data", (Batch, T, Feature(5))),
    "hints": ({"name": "x", "size_placeholder": {}, "available_for_inference": True}, "data", (Batch, T, Feature(5))),
}


@pytest.mark.parametrize("case", PROMISES)
def test_the_template(case):
    out_type, sources, axes = PROMISES[case]
    net = {
        "twice": {"class": "repeat", "from": "data", "repetitions": 2},
        "output": {"class": "eval", "from": sources, "eval": "1", "out_type": out_type},
    }
    assert describe(net, EXTERN_DATA).layers["output"].template.axes == axes


def test_a_data_stream_can_give_the_time():
    out_type = {"shape": (None, 5)}
    assert template(out_type, size_target="other").time == U
    layer = {"class": "eval", "from": "data", "eval": "1", "out_type": out_type, "size_target": "other"}
    assert describe({"output": layer}, EXTERN_DATA, "search").layers["output"].template.time == T


def test_class_indices():
    assert template({"shape": (None,), "sparse": True, "dim": 9, "dtype": "int32"}) == Template((Batch, T), "int32", 9)


def pooled(sources, **_others):
    return sources[0].output.copy_template_excluding_time_dim(name="pooled")


def moved(sources, name, **_others):
    return sources[0].output.copy_move_axis(1, 2).copy_template(dtype="int32")


class Declared:
    """Like RETURNN's Data."""

    shape, dtype, sparse, dim, batch_dim_axis = (None, 2), "int32", False, 2, 0


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (pooled, Template((Batch, Feature(5)))),
        (moved, Template((Batch, Feature(5), T), "int32")),
        (lambda **_others: {"shape": (3,)}, Template((Batch, Feature(3)))),
        (
            lambda sources, by, **_others: {"shape": (None, by * sources[0].output.dim)},
            Template((Batch, T, Feature(10))),
        ),
        (lambda **_others: Declared(), Template((Batch, T, Feature(2)), "int32")),
    ],
)
def test_a_function_gives_it(function, expected):
    assert template(function, eval_locals={"by": 2}) == expected


def test_a_layer_that_depends_on_itself_alone_has_the_template_of_its_out_type_or_its_initial_output():
    unit = {
        "t": {"class": "eval", "from": "prev:t", "eval": "source(0) + 1", "out_type": {"shape": (), "dtype": "int32"}, "initial_output": 0},
        "v": {"class": "eval", "from": "prev:v", "eval": "source(0) * 2", "initial_output": "base:speaker"},
        "c": {"class": "rnn_cell", "unit": "GRU", "from": "prev:c", "n_out": 2},
        "t1": {"class": "expand_dims", "from": "float", "axis": "F"},
        "float": {"class": "cast", "from": "t", "dtype": "float32"},
        "output": {"class": "linear", "from": ["t1", "v", "c"], "n_out": 3},
    }  # fmt: skip
    speaker = {"class": "linear", "from": "data:speaker", "n_out": 2}
    net = {
        "speaker": speaker,
        "output": {"class": "rec", "from": [], "target": "align", "unit": unit, "size_target": "other"},
    }
    spec = describe(net, EXTERN_DATA)
    assert spec.params["output/rec/output/W"].shape == (5, 3)
    assert spec.layers["output"].template.time == U


LENGTHS = [3, 1]
FRAMES = (np.arange(max(LENGTHS)) < np.reshape(LENGTHS, (-1, 1)))[..., None].astype("float32")  # 0 in the padding


def test_the_result_has_the_order_of_out_type(run, values, random_batch):
    net = {
        "lstm": {"class": "rec", "n_out": 2},  # time-major
        "output": {"class": "eval", "from": "lstm", "eval": "source(0)",
                   "out_type": {"shape": (2, None), "batch_dim_axis": 2, "time_dim_axis": 1, "feature_dim_axis": 0}},
        "copy": {"class": "eval", "from": "lstm", "eval": "tf.transpose(source(0, False, enforce_batch_major=True), [0, 2, 1])",
                 "out_type": {"shape": (2, None), "feature_dim_axis": 1}, "is_output_layer": True},
        "sum": {"class": "eval", "from": "lstm", "eval": "tf.reduce_sum(source(0, enforce_batch_major=True), 1)",
                "out_type": {"shape": (2,)}, "is_output_layer": True},
    }  # fmt: skip
    out = run(net, *random_batch(LENGTHS))
    lstm = np.asarray(out.layers["lstm"].ordered([Batch, T, Feature(2)])) * FRAMES
    for name in ("output", "copy"):
        np.testing.assert_array_equal(np.asarray(out.layers[name].ordered([Batch, T, Feature(2)])) * FRAMES, lstm)
    np.testing.assert_allclose(values(out, "sum"), lstm.sum(1), rtol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"eval": "source(0)", "out_type": {"shape": (9,)}}, r"of shape \(2, 3, 5\), but .* \[batch, feature:9\].*out_type"),
        ({"eval": "source(0)[:, :2]", "out_type": {"shape": (None, 5)}}, "of shape .*out_type|along time:data than 'out_type' says"),
        ({"eval": "source(0)[:, 0]", "out_type": {"shape": (None,)}}, "along time:data than 'out_type' says|shape.*out_type"),
    ],
)  # fmt: skip
def test_a_result_that_contradicts_it_fails(options, message, run, random_batch):
    import tensorflow as tf

    with pytest.raises((NetworkError, tf.errors.InvalidArgumentError), match=message):
        run({"output": {"class": "eval", "from": "data", **options}}, *random_batch(LENGTHS))


def test_a_size_that_only_a_step_knows_is_checked_before_it_is_used(random_batch):
    import tensorflow as tf

    net = {
        "best": {"class": "eval", "from": "data", "eval": "tf.argmax(source(0), axis=2, output_type=tf.int32)",
                 "out_type": {"shape": (1,), "dtype": "int32"}},
        "output": {"class": "eval", "from": "best", "eval": "tf.squeeze(source(0), axis=1)", "out_type": {"shape": ()}},
    }  # fmt: skip
    spec = describe(net, EXTERN_DATA)
    data, sizes = random_batch(LENGTHS)

    @tf.function(input_signature=[tf.TensorSpec([None, None, 5]), tf.TensorSpec([None], tf.int32)], autograph=False)
    def step(x, n):
        return run_network(spec, {}, {"data": x}, {"data": n}).layers["output"].value

    with pytest.raises(tf.errors.InvalidArgumentError, match=r"best\W* \(eval\).*along feature:1 than"):
        step(data["data"], sizes["data"])


@pytest.mark.parametrize("kept", [False, True])
def test_code_sees_the_frames_of_a_loop_as_the_batch(kept, run, values, random_batch):
    """Also where all frames are computed at once, `axis=1` is the axis after the batch."""
    import tensorflow as tf

    batches = []

    def weigh(source):
        x, q = source(0, as_data=True, auto_convert=False), source(1, auto_convert=False)
        assert x.batch_shape == (None, None, 5)
        assert q.shape.rank == 2
        batches.append(tf.shape(x.get_sequence_lengths())[0])
        return tf.nn.softmax(x.placeholder * tf.expand_dims(q, axis=1), axis=-1)

    unit = {
        "q": {"class": "linear", "from": "data:source", "n_out": 5, "is_output_layer": True},
        "w": {"class": "eval", "from": ["base:data:data", "q"], "eval": weigh},
        "output": {"class": "reduce", "mode": "mean", "axes": "T", "from": "w"},
    }
    loop = {"class": "rec", "from": "data:align", "unit": unit, **({"optimize_move_layers_out": False} if kept else {})}
    data, sizes = random_batch(LENGTHS)
    result = run(
        {"loop": loop, "q": {"class": "copy", "from": "loop/q"}, "output": {"class": "copy", "from": ["loop", "q"]}},
        data,
        sizes,
    )
    if not kept:
        assert int(batches[-1]) == sum([max(LENGTHS)] * len(LENGTHS))  # all frames of all sequences
    x = np.exp(
        data["data"][:, None] * np.asarray(result.layers["q"].ordered([Batch, Time("align"), Feature(5)]))[:, :, None]
    )
    expected = x / x.sum(-1, keepdims=True)
    for seq, n in enumerate(LENGTHS):
        np.testing.assert_allclose(values(result)[seq, :n, :5], expected[seq, :n, :n].mean(1), rtol=1e-4)


BAD = {
    "an unknown key": ({"shapes": (None,)}, "'out_type' takes the keys 'dim', 'shape', 'dtype', 'sparse', 'batch_dim_axis', "
                       "'time_dim_axis', 'feature_dim_axis', found 'shapes'; did you mean 'shape'?"),
    "more times than the sources": ({"shape": (None, None, 5)}, "'shape' in 'out_type' is (None, None, 5), with 2 axes of unknown "
                                    "size, but the sources have time:data; 'size_target' can name a data stream with another one"),
    "a dim that the shape contradicts": ({"shape": (None, 5), "dim": 6}, "'dim' in 'out_type' is 6, but its 'shape' is (None, 5), "
                                         "with the features last"),
    "no such position": ({"shape": (5,), "time_dim_axis": 3}, "'time_dim_axis' in 'out_type' is 3, which is no axis of the 'shape' (5,)"),
    "a role of the batch": ({"time_dim_axis": 0}, "'time_dim_axis' in 'out_type' is 0, which is no such axis of [batch, time:data, "
                            "feature:5]"),
    "a batch too far": ({"batch_dim_axis": 4}, "'batch_dim_axis' in 'out_type' is 4, but there are only 2 other axes"),
    "a size of 0": ({"shape": (0,)}, "'shape' in 'out_type' must hold ints of at least 1 and None, found (0,)"),
    "a position that is no int": ({"batch_dim_axis": "B"}, "'batch_dim_axis' in 'out_type' must be a position from 0 or None, found 'B'"),
    "lengths of its own": ({"size_placeholder": {0: 3}}, "'size_placeholder' in 'out_type' must be empty, found {0: 3}"),
    "a function that fails": (lambda **_others: 1 / 0, "'out_type' failed with ZeroDivisionError: division by zero"),
    "a function without a result": (lambda **_others: None, "'out_type' must return a Data or a dict, found None"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_message(case, check_message):
    out_type, message = BAD[case]
    net = {"output": {"class": "eval", "eval": "source(0)", "out_type": out_type}}
    check_message(net, f"layer 'output' (eval): {message}")


def test_a_source_must_have_all_axes_if_asked_for(check_message):
    net = {
        "output": {
            "class": "combine",
            "kind": "add",
            "from": ["data", "data:speaker"],
            "allow_broadcast_all_sources": False,
        }
    }
    net["output"]["from"] = ["data:number", "data:speaker"]
    check_message(
        net,
        "layer 'output' (combine): 'allow_broadcast_all_sources' is False, but no source has all axes of [batch, time:number, "
        "feature:3] float32: 'data:number' is [batch, time:number] float32, 'data:speaker' is [batch, feature:3] float32",
    )


def test_axes_of_one_name_are_the_same():
    assert Axis("time", None, ("repeat", 2, ("data",))).stream == ("data",) == T.stream != U.stream


def test_code_counts_axes_as_reinterpret_data_orders_them(run, values, random_batch):
    net = {"lstm": {"class": "rec", "n_out": 2}}  # time-major
    for name, option in (("output", "enforce_batch_major"), ("other", "enforce_time_major")):
        net[f"{name}0"] = {"class": "reinterpret_data", "from": "lstm", option: True}
        shape = [2, 1, 1] if name == "output" else [1, 2, 1]
        net[name] = {
            "class": "eval",
            "from": f"{name}0",
            "eval": f"source(0) * tf.reshape([1., 2.], {shape})",
            "is_output_layer": True,
        }
    out = run(net, *random_batch(LENGTHS))
    expected = FRAMES * out.layers["lstm"].ordered([Batch, T, Feature(2)]) * np.reshape([1, 2], (2, 1, 1))
    for name in ("output", "other"):
        np.testing.assert_allclose(np.asarray(out.layers[name].ordered([Batch, T, Feature(2)])), expected, rtol=1e-6)


def test_the_result_may_have_a_feature_axis_with_a_name(random_batch, random_params):
    from boulder.network import run_network
    from boulder.returnn.provided.dims import FeatureDim

    feature = FeatureDim("two", 2)
    first = {
        "class": "eval",
        "from": "data",
        "eval": "source(0, False)[:, 0, :2]",
        "out_type": {"shape": (2,)},
        "out_dim": feature,
    }
    rest = {"class": "linear", "from": "first", "in_dim": feature, "n_out": 3}
    spec = describe({"first": first, "output": rest}, EXTERN_DATA)
    data, lengths = random_batch(LENGTHS)
    out = run_network(spec, random_params(spec), data, lengths)
    np.testing.assert_array_equal(np.asarray(out.layers["first"].value), data["data"][:, 0, :2])
    assert out.layers["output"].value.shape == (2, 3)


@pytest.mark.parametrize("kept", [False, True])
def test_a_number_per_frame_needs_no_batch(kept, run, values, random_batch):
    unit = {
        "n": {"class": "eval", "from": ":i", "eval": "tf.cast(source(0), tf.float32) * 2.", "out_type": {"shape": (), "dtype": "float32"}},
        "output": {"class": "combine", "kind": "add", "from": ["data:source", "n"]},
    }  # fmt: skip
    options = {"optimize_move_layers_out": False} if kept else {}
    data, lengths = random_batch(LENGTHS)
    result = values(run({"output": {"class": "rec", "from": "data", "unit": unit, **options}}, data, lengths))
    np.testing.assert_allclose(result[0], data["data"][0] + [[0], [2], [4]], rtol=1e-6)
