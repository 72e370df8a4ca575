"""Layers that change axes give the same results inside and outside of a loop, including new time axes."""

import numpy as np
import pytest
import tensorflow as tf

from boulder.network import describe, run_network

EXTERN_DATA = {"data": {"dim": 6, "shape": (None, 6)}, "classes": {"dim": 9, "sparse": True}}
LENGTHS = {"data": np.array([6, 4, 1], "int32"), "classes": np.array([5, 2, 3], "int32")}


def linear(n_out, *sources):
    return {"class": "linear", "from": list(sources), "n_out": n_out, "activation": "tanh"}


def add(*sources):
    return {"class": "combine", "kind": "add", "from": list(sources)}


S = {"s": linear(6, "data:source", "prev:s")}
HEADS = S | {"h": {"class": "split_dims", "from": "s", "axis": "F", "dims": (2, -1)}}
UNITS = {
    "heads": (HEADS | {"output": {"class": "merge_dims", "from": "h", "axes": "except_batch"}}, ""),
    "heads in order": (
        HEADS | {"output": {"class": "merge_dims", "from": "h", "axes": ["F", "dim:2"], "keep_order": True}}, "",
    ),
    "other features": (
        HEADS
        | {"r": {"class": "reinterpret_data", "from": "h", "set_axes": {"F": "dim:2"}}, "l": linear(3, "r")}
        | {"output": {"class": "merge_dims", "from": "l", "axes": "static"}}, "",
    ),
    "one frame": (
        S
        | {"e": {"class": "expand_dims", "from": "s", "axis": "T"}, "r": {"class": "repeat", "from": "e", "repetitions": 2}}
        | {"output": {"class": "reduce", "mode": "sum", "axes": "T", "from": "r"}}, "",
    ),
    "a feature more": (
        S
        | {"e": {"class": "expand_dims", "from": "s", "axis": "F", "dim": 2}}
        | {"output": {"class": "merge_dims", "from": "e", "axes": "static"}}, "",
    ),
    "in place 1": (
        S | {"e": {"class": "expand_dims", "from": "s", "axis": 1}, "output": {"class": "squeeze", "from": "e", "axis": 1}},
        "",
    ),
    "windows of another sequence": (
        S
        | {"w": {"class": "split_dims", "from": "base:encoder", "axis": "T", "dims": (-1, 2)}, "m": add("s", "w")}
        | {"output": {"class": "merge_dims", "from": "m", "axes": ["dim:2", "F"]}},
        ", time:every(data, 2)",
    ),
    "its frames one after the other": (
        S
        | {"w": {"class": "split_dims", "from": "base:encoder", "axis": "F", "dims": (2, 3)}}
        | {"x": {"class": "merge_dims", "from": "w", "axes": ["T", "dim:2"]}, "l": linear(6, "x"), "output": add("s", "l")},
        ", time:repeat(data, 2)",
    ),
    "its lengths": (
        S
        | {"w": {"class": "split_dims", "from": "base:encoder", "axis": "T", "dims": (-1, 4)}}
        | {"x": {"class": "merge_dims", "from": "w", "axes": ["T", "dim:4"]}}
        | {"r": {"class": "reinterpret_data", "from": "x", "size_base": "base:encoder"}, "output": add("s", "r")},
        ", time:data",
    ),
    "its maxima": (
        S
        | {"p": {"class": "pool", "from": "base:encoder", "mode": "max", "pool_size": [2], "padding": "same"}}
        | {"output": add("s", "p")},
        ", time:every(data, 2)",
    ),
    "attention with heads": (
        S
        | {"e": add("s", "base:encoder"), "energy": linear(2, "e")}
        | {"a": {"class": "softmax_over_spatial", "from": "energy"}}
        | {"g": {"class": "generic_attention", "weights": "a", "base": "base:values"}}
        | {"output": {"class": "merge_dims", "from": "g", "axes": "static"}}, "",
    ),
}  # fmt: skip


def result_and_gradients(unit: dict, **options) -> tuple[str, list, np.ndarray]:
    """:return: template of the output; its values, 0 in the padding, and the gradients of the sum of their squares"""
    network = {
        "labels": linear(6, "data:classes"),
        "encoder": linear(6, "data"),
        "values": {"class": "split_dims", "from": "encoder", "axis": "F", "dims": (2, -1)},
        "output": {"class": "rec", "from": "labels", "unit": unit, **options},
    }
    spec, rng = describe(network, EXTERN_DATA), np.random.default_rng(1)
    variables = {
        path: tf.Variable(rng.normal(size=p.shape).astype("float32")) for path, p in sorted(spec.params.items())
    }
    data = {"data": rng.normal(size=(3, 6, 6)).astype("float32"), "classes": rng.integers(0, 9, (3, 5))}

    @tf.function(autograph=False)
    def step():
        with tf.GradientTape() as tape:
            found = run_network(spec, variables, data, LENGTHS)
            x = found.layers["output"]
            value = x.ordered(x.template.axes)
            for position, axis in enumerate(x.template.axes):
                if axis.kind == "time":
                    mask = tf.sequence_mask(found.lengths[axis])
                    shape = [-1 if i in (0, position) else 1 for i in range(value.shape.rank)]
                    shape = [3 if i == 0 else n for i, n in enumerate(shape)]
                    value = tf.where(tf.reshape(mask, shape), value, 0)
            cost = tf.reduce_sum(tf.square(value))
        return value, tape.gradient(cost, list(variables.values()), unconnected_gradients="zero")

    value, gradients = step()
    return str(spec.layers["output"].template), [value, *map(tf.convert_to_tensor, gradients)]


@pytest.mark.parametrize("name", UNITS)
def test_placement_does_not_change_the_result(name):
    unit, second = UNITS[name]
    template, moved = result_and_gradients(unit)
    kept_template, kept = result_and_gradients(unit, optimize_move_layers_out=False)
    assert template == kept_template
    assert template.startswith(f"[batch, time:classes{second}, feature:")
    assert np.abs(moved[0]).max() > 0.1
    for a, b in zip(moved, kept, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


def searching(**options) -> dict:
    unit = HEADS | {
        "s": linear(6, "prev:embedding", "prev:g2"),
        "embedding": linear(4, "label"),
        "e": add("s", "base:encoder"),
        "energy": linear(2, "e"),
        "a": {"class": "softmax_over_spatial", "from": "energy"},
        "g": {"class": "generic_attention", "weights": "a", "base": "base:values"},
        "g2": {"class": "merge_dims", "from": "g", "axes": "except_batch"},
        "x": {"class": "expand_dims", "from": "h", "axis": "spatial"},
        "y": {"class": "squeeze", "from": "x", "axis": "dim:1"},
        "flat": {"class": "merge_dims", "from": "y", "axes": "static"},
        "prob": {"class": "softmax", "from": ["flat", "g2"], "n_out": 9},
        "label": {"class": "choice", "from": "prob", "target": "classes", "beam_size": 3, "initial_output": 0},
        "end": {"class": "compare", "from": "label", "value": 0},
        "output": {"class": "copy", "from": "label"},
        "heads": HEADS["h"] | {"is_output_layer": True},
    }
    return {
        "encoder": linear(6, "data"),
        "values": {"class": "split_dims", "from": "encoder", "axis": "F", "dims": (2, -1)},
        "loop": {"class": "rec", "from": [], "target": "classes", "max_seq_len": 7, "unit": unit, **options},
        "after": {"class": "merge_dims", "from": "loop/heads", "axes": "static", "is_output_layer": True},
        "output": {"class": "decide", "from": "loop", "is_output_layer": True},
    }


def test_hypotheses_of_a_search_are_independent_like_the_batch():
    found = []
    for options in ({}, {"optimize_move_layers_out": False}):
        spec, rng = describe(searching(**options), EXTERN_DATA, "search"), np.random.default_rng(1)
        params = {path: rng.normal(size=p.shape).astype("float32") for path, p in sorted(spec.params.items())}
        data = {"data": rng.normal(size=(3, 6, 6)).astype("float32")}
        result = run_network(spec, params, data, {"data": LENGTHS["data"]}, losses=False)
        after = result.layers["after"]
        assert {axis.kind for axis in after.axes} == {"batch", "beam", "time", "feature"}
        assert after.template.feature.size == 6
        found.append([after.ordered(after.template.axes), result.layers["output"].value])
        alone = [
            run_network(spec, params, {"data": data["data"][i : i + 1, :n]}, {"data": [n]}, losses=False)
            for i, n in enumerate(LENGTHS["data"])
        ]
        for i, one in enumerate(alone):
            labels = one.layers["output"].value[0].numpy()
            np.testing.assert_array_equal(result.layers["output"].value[i, : len(labels)], labels)
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(found[0][1], found[1][1])
