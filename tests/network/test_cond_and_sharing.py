"""`cond` computes one branch only; `reuse_params` is checked; messages."""

import numpy as np
import pytest

from boulder.errors import NetworkError
from boulder.network import describe, run_network

EXTERN_DATA = {"data": {"dim": 2}, "classes": {"dim": 4, "sparse": True}}


def linear(source="data", n_out=2, **options):
    return {"class": "linear", "from": source, "n_out": n_out, "activation": None, **options}


def is_true(value: bool) -> dict:
    return {
        "one": {"class": "constant", "value": 1.0},
        "is": {"class": "compare", "from": "one", "kind": "greater" if value else "less", "value": 0.0},
    }


def cond(true_layer, false_layer, condition="is", **options):
    return {"class": "cond", "condition": condition, "true_layer": true_layer, "false_layer": false_layer, **options}


POOL = {"class": "pool", "mode": "max", "pool_size": (2,), "padding": "same", "from": "data"}
COPY = {"class": "copy", "from": "data"}


@pytest.mark.parametrize("value", [True, False])
def test_branches_may_have_different_lengths(value):
    network = is_true(value) | {"c": cond(POOL, COPY), "output": {"class": "copy", "from": "c"}}
    spec = describe(network, EXTERN_DATA)
    data = np.arange(10, dtype="float32").reshape(1, 5, 2)
    out = run_network(spec, {}, {"data": data}, {"data": np.array([5], "int32")})
    time = spec.layers["output"].template.time
    expected = [[2, 3], [6, 7], [8, 9]] if value else data[0].tolist()
    assert out.lengths[time].numpy().tolist() == [len(expected)]
    assert out.layers["output"].ordered(spec.layers["output"].template.axes).numpy()[0].tolist() == expected


def test_only_one_branch_is_computed():
    import tensorflow as tf

    calls = []

    def counted(source, **_options):
        tf.py_function(lambda: calls.append(1), [], [])
        return source(0)

    branch = {"class": "eval", "from": "data", "eval": counted}
    network = is_true(False) | {"c": cond(branch, COPY), "output": {"class": "copy", "from": "c"}}
    spec = describe(network, EXTERN_DATA)

    @tf.function(autograph=False)
    def run(data):
        return run_network(spec, {}, {"data": data}, {"data": tf.constant([3])}).layers["output"].value

    run(tf.ones([1, 3, 2]))
    assert calls == []


def test_a_branch_may_be_a_layer_around_it():
    network = is_true(False) | {"a": linear(), "c": cond(linear("a"), "a"), "output": {"class": "copy", "from": "c"}}
    spec = describe(network, EXTERN_DATA)
    assert list(spec.params) == ["a/W", "a/b", "c/W", "c/b"]


def test_the_same_parameters_of_both_branches_are_one():
    network = is_true(False) | {"c": cond(linear(), linear(activation="tanh")), "output": linear("c")}
    assert list(describe(network, EXTERN_DATA).params) == ["c/W", "c/b", "output/W", "output/b"]


def tied(**options):
    return linear("a", reuse_params=options)


IN_LOOP = {
    "one": {"class": "constant", "value": 1.0}, "is": {"class": "compare", "from": "one", "value": 0.0},
    "output": cond({"class": "rec", "unit": "lstm", "from": "data:source", "n_out": 2}, {"class": "copy", "from": "data:source"}),
}  # fmt: skip
CASES = {
    "a condition of each frame": (
        {"sum": {"class": "reduce", "mode": "sum", "axes": "F", "from": "data"},
         "is": {"class": "compare", "from": "sum", "value": 0}, "c": cond(linear(), COPY), "output": linear("c")},
        "layer 'c' (cond): 'condition' must be a single bool, but it is [batch, time:data] bool; 'switch' takes a condition of "
        "each sequence or frame",
    ),
    "branches of two sizes": (
        {**is_true(True), "c": cond(linear(n_out=3), COPY), "output": linear("c")},
        "layer 'c' (cond): both branches must have the same axes, but they are [batch, time:data, feature:3] float32 and "
        "[batch, time:data, feature:2] float32",
    ),
    "a branch is missing": (
        {**is_true(True), "c": {"class": "cond", "condition": "is", "true_layer": COPY}, "output": linear("c")},
        "layer 'c' (cond): option 'false_layer' is missing",
    ),
    "sources": (
        {**is_true(True), "c": cond(COPY, COPY, **{"from": "data"}), "output": linear("c")},
        "layer 'c' (cond): 'from' has no effect; the branches name their sources",
    ),
    "a wrong option within a branch": (
        {**is_true(True), "c": cond(linear(n_outs=1), COPY), "output": linear("c")},
        "layer 'c/true_layer' (linear): unknown option 'n_outs'; did you mean 'n_out'?",
    ),
    "a state in a loop": (
        {"output": {"class": "rec", "from": "data", "unit": IN_LOOP, "optimize_move_layers_out": False}},
        "layer 'output/unit/output/true_layer' (rec): has a state, which a branch of 'cond' in a loop cannot have; "
        "'masked_computation' freezes states",
    ),
    "a layer that there is not": (
        {"a": linear(), "output": linear("a", reuse_params="b")},
        "layer 'output' (linear): 'reuse_params' names 'b', which is no layer",
    ),
    "another shape": (
        {"a": linear(n_out=3), "output": linear("a", 4, reuse_params="a")},
        "layer 'output' (linear): 'reuse_params' takes 'a/W' as its 'W', which needs the shape (3, 4), found (2, 3)",
    ),
    "a parameter that the other lacks": (
        {"a": linear(with_bias=False), "output": linear("a", reuse_params="a")},
        "layer 'output' (linear): 'reuse_params' takes 'b' of layer 'a', which has no such parameter; did you mean 'a/W'?",
    ),
    "an incomplete map": (
        {"a": linear(), "output": tied(map={"W": "a"})},
        "layer 'output' (linear): 'map' in 'reuse_params' lacks 'b'; None there gives the layer one of its own",
    ),
    "an unknown option of it": (
        {"a": linear(), "output": tied(reuse_layers="a")},
        "layer 'output' (linear): 'reuse_params': unknown option 'reuse_layers'; did you mean 'reuse_layer'?",
    ),
    "no function": (
        {"a": linear(), "output": tied(custom="transpose")},
        "layer 'output' (linear): 'reuse_params': 'custom' must be a function, found 'transpose'",
    ),
    "of a subnetwork": (
        {"a": linear(), "output": {"class": "subnetwork", "from": "a", "subnetwork": {"output": linear()}, "reuse_params": "a"}},
        "layer 'output' (subnetwork): 'reuse_params' has no effect on the layers that it holds; a common 'name_scope' shares their "
        "parameters",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_message(name):
    network, message = CASES[name]
    with pytest.raises(NetworkError) as caught:
        describe(network, EXTERN_DATA)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda reuse_layer, **_: reuse_layer.params["W"], "gave 'W' the shape (2, 3), expected (3, 2)"),
        (lambda reuse_layer, **_: reuse_layer.params["V"], "failed for 'W': KeyError: 'V'"),
        (
            lambda getter, **_: getter(name="V"),
            "failed for 'W': NetworkError: 'getter' is not supported; the function must return a tensor, computed from "
            "'reuse_layer.params'",
        ),
    ],
)
def test_a_function_that_fails_is_an_error_at_the_first_build(function, message):
    network = {"a": linear(n_out=3), "output": tied(map={"W": {"reuse_layer": "a", "custom": function}, "b": None})}
    spec = describe(network, EXTERN_DATA)
    params = {path: np.ones(param.shape, "float32") for path, param in spec.params.items()}
    with pytest.raises(NetworkError) as caught:
        run_network(spec, params, {"data": np.ones([1, 2, 2], "float32")}, {"data": np.array([2], "int32")})
    assert str(caught.value) == f"layer 'output' (linear): 'custom' in 'reuse_params' {message}"


def test_a_shared_parameter_grows_and_has_its_options_once():
    network = {
        "a": linear(trainable=False, updater_opts={"learning_rate_multiplier": 0.5}),
        "b": linear("a", reuse_params="a"), "output": linear("b"),
    }  # fmt: skip
    params = describe(network, EXTERN_DATA).params
    assert {path: param.trainable for path, param in params.items()} == {
        "a/W": False, "a/b": False, "output/W": True, "output/b": True,
    }  # fmt: skip


def two_outputs(**options) -> dict:
    return {
        "class": "subnetwork", "from": "data",
        "subnetwork": {"more": linear(n_out=3, **options), "output": linear("more")},
    }  # fmt: skip


def test_layers_read_what_both_branches_have():
    branches = [two_outputs(is_output_layer=True, bias_init=value) for value in (1.0, 2.0)]
    network = is_true(True) | {"c": cond(*branches), "output": {"class": "copy", "from": ["c", "c/more"]}}
    spec = describe(network, EXTERN_DATA)
    assert str(spec.layers["output"].template) == "[batch, time:data, feature:5] float32"
    assert sorted(spec.params) == ["c/more/W", "c/more/b", "c/output/W", "c/output/b"]


def test_a_layer_of_the_branches_must_be_visible():
    network = is_true(True) | {"c": cond(two_outputs(), two_outputs()), "output": {"class": "copy", "from": "c/more"}}
    with pytest.raises(NetworkError) as caught:
        describe(network, EXTERN_DATA)
    assert str(caught.value) == (
        "layer 'output' (copy): 'from' names 'c/more', which is not visible outside of 'true_layer'; give 'more' "
        "'is_output_layer': True there"
    )


HALVES = {"class": "split", "from": "data", "num_splits": 2}
LOOP = {
    "class": "rec", "from": "data", "unit": {
        "mean": {"class": "reduce", "mode": "mean", "axes": "T", "from": "base:halves/0"},
        "output": linear(["mean", "prev:output"]),
    },
}  # fmt: skip


@pytest.mark.parametrize("output", [linear(["halves/1", "halves/0"]), LOOP], ids=["a layer", "a loop"])
def test_a_branch_reads_parts_of_its_layers(output):
    branch = {"class": "subnetwork", "from": "data", "subnetwork": {"halves": HALVES, "output": output}}
    network = is_true(True) | {"output": cond(branch, COPY)}
    assert str(describe(network, EXTERN_DATA).layers["output"].template) == "[batch, time:data, feature:2] float32"


def test_a_message_names_a_part_as_the_branch_spells_it():
    branch = {"class": "subnetwork", "from": "data", "subnetwork": {"halves": HALVES, "output": linear("halves/3")}}
    with pytest.raises(NetworkError) as caught:
        describe(is_true(True) | {"output": cond(branch, COPY)}, EXTERN_DATA)
    assert str(caught.value).startswith(
        "layer 'output/true_layer/subnetwork/output' (linear): 'from' names 'halves/3', but 'halves' has only the parts 0, 1"
    )
