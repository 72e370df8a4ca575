"""Loops: templates by iterating to a fixed point, placement of layers, and results that do not depend on the placement."""

import copy

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from boulder.errors import NetworkError
from boulder.network import describe, run_network

EXTERN_DATA = {"data": {"dim": 7, "shape": (None, 7)}, "classes": {"dim": 9, "sparse": True}}
LENGTHS = {"data": np.array([6, 4, 2], "int32"), "classes": np.array([5, 2, 3], "int32")}


def linear(n_out, *sources, **options):
    return {"class": "linear", "activation": "tanh", "from": list(sources), "n_out": n_out, **options}


def decoder(**options):
    """Attention weights are summed over the frames and fed back: a template that depends on itself."""
    unit = {
        "labels": {"class": "choice", "from": "output", "beam_size": 2, "target": "classes", "initial_output": 0},
        "embedding": linear(3, "prev:labels", activation=None, with_bias=False),
        "s": {"class": "rec", "unit": "nativelstm2", "from": ["prev:context", "embedding"], "n_out": 6, "dropout": 0.2},
        "feedback": linear(4, "prev:sum", with_bias=False),
        "query": linear(4, "s", with_bias=False, activation=None),
        "energy_in": {
            "class": "combine",
            "kind": "add",
            "from": ["base:keys", "query", "feedback"],
            "activation": "tanh",
        },
        "weights": linear(1, "energy_in", activation="sigmoid"),
        "sum": {"class": "eval", "from": ["prev:sum", "weights"], "eval": "source(0) + source(1)"},
        "context": linear(2, "s", dropout=0.2, dropout_noise_shape={"F": None, "B": None}),
        "s2": {"class": "rec", "unit": "lstm", "from": ["s", "embedding"], "n_out": 4},
        "readout": linear(5, "s2", "prev:context", dropout=0.3, dropout_noise_shape={"*": None}),
        "output": {"class": "softmax", "from": "readout", "target": "classes", "loss": "ce"},
        "aux": {"class": "softmax", "from": "query", "target": "classes", "loss": "ce", "loss_scale": 0.5},
    }
    unit["weights"]["is_output_layer"] = True
    return {
        "encoder": linear(5, "data"),
        "keys": linear(4, "encoder", with_bias=False),
        "output": {"class": "rec", "from": [], "target": "classes", "unit": unit, **options},
    }


def random_params(spec, seed=1):
    rng = np.random.default_rng(seed)
    return {path: tf.Variable(rng.normal(size=p.shape).astype("float32")) for path, p in sorted(spec.params.items())}


def batch(seed=2):
    rng = np.random.default_rng(seed)
    return {"data": rng.normal(size=(3, 6, 7)).astype("float32"), "classes": rng.integers(0, 9, (3, 5))}


def costs_and_gradients(network, train=True):
    spec = describe(network, EXTERN_DATA)
    params = random_params(spec)

    @tf.function(autograph=False)
    def step():
        with tf.GradientTape() as tape:
            result = run_network(spec, params, batch(), LENGTHS, train=train, seed=1, step=tf.constant(3))
            total = sum(spec.losses[name].scale * loss.cost for name, loss in result.losses.items())
        gradients = tape.gradient(total, params, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        return {name: loss.cost for name, loss in result.losses.items()}, gradients

    costs, gradients = step()
    return {name: float(c) for name, c in costs.items()}, {
        path: tf.convert_to_tensor(g).numpy() for path, g in gradients.items()
    }


def test_only_layers_in_a_feedback_are_computed_frame_by_frame():
    loop = describe(decoder(), EXTERN_DATA).loops["output"]
    assert loop.before == ("labels", "embedding")
    assert loop.inside == ("s", "query", "feedback", "energy_in", "weights", "sum", "context")
    assert loop.after == ("s2", "readout", "aux", "output")


def test_a_template_that_depends_on_itself_gains_the_axes_of_its_feedback():
    network = decoder()
    network["output"]["unit"]["sum"]["is_output_layer"] = True
    template = describe(network, EXTERN_DATA).layers["output/sum"].template
    assert str(template) == "[batch, loop:classes, time:data, feature:1] float32"


def test_a_copy_of_the_previous_output_is_a_source_before_its_size_is_known():
    unit = {
        "both": {"class": "copy", "from": ["prev:output", "data:source"]},
        "gate": {"class": "linear", "from": "both", "n_out": 4, "activation": "sigmoid"},
        "output": {"class": "eval", "from": ["gate", "prev:output"], "eval": "source(0) * (1 + source(1))"},
    }
    spec = describe({"output": {"class": "rec", "from": "data", "unit": unit}}, {"data": {"dim": 3}})
    gate = spec.params["output/rec/gate/W"]
    assert gate.shape == (7, 4)
    assert [part.size for part in gate.splits[0]] == [4, 3]


def test_losses_within_a_loop_are_named_by_their_paths_and_scaled():
    losses = describe(decoder(), EXTERN_DATA).losses
    assert {name: loss.scale for name, loss in losses.items()} == {"output/output": 1.0, "output/aux": 0.5}


def test_placement_does_not_change_parameters():
    moved, kept = describe(decoder(), EXTERN_DATA), describe(decoder(optimize_move_layers_out=False), EXTERN_DATA)
    assert moved.params == kept.params
    assert kept.loops["output"].before == kept.loops["output"].after == ()
    assert moved.params["output/rec/s/rec/W"].shape == (5, 24)


@pytest.mark.parametrize("train", [True, False])
def test_placement_does_not_change_costs_and_gradients(train):
    costs, gradients = costs_and_gradients(decoder(), train)
    kept_costs, kept_gradients = costs_and_gradients(decoder(optimize_move_layers_out=False), train)
    assert costs == pytest.approx(kept_costs, rel=1e-5)
    for path, gradient in gradients.items():
        np.testing.assert_allclose(gradient, kept_gradients[path], rtol=1e-4, atol=1e-6, err_msg=path)
    assert np.abs(gradients["output/rec/s/rec/W"]).max() > 0.1


def test_a_loop_over_its_source_has_the_length_of_the_source():
    unit = {"output": linear(3, "data:source", "prev:output")}
    spec = describe({"output": {"class": "rec", "from": "data", "unit": unit, "n_out": 3}}, EXTERN_DATA)
    assert str(spec.layers["output"].template) == "[batch, time:data, feature:3] float32"
    params = random_params(spec)
    result = run_network(spec, params, batch(), LENGTHS).layers["output"]
    weights, bias = params["output/rec/output/W"].numpy(), params["output/rec/output/b"].numpy()
    expected, previous = [], np.zeros((3, 3), "float32")
    for frame in range(6):
        previous = np.tanh(np.concatenate([batch()["data"][:, frame], previous], axis=1) @ weights + bias)
        expected.append(previous)
    np.testing.assert_allclose(result.ordered(result.template.axes), np.stack(expected, axis=1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("initial", "expected"), [(None, 0), ("zeros", 0), ("ones", 1), (2.5, 2.5), ("base:first", 7)])
def test_initial_output_is_read_in_the_first_frame(initial, expected):
    unit = {
        "count": {"class": "eval", "from": ["prev:count", "data:source"], "eval": "source(0) + 0 * source(1)"},
        "output": {"class": "copy", "from": "count"},
    }
    unit["count"]["initial_output"] = initial
    network = {
        "first": {"class": "eval", "from": "data:length", "eval": "0 * source(0) + 7."},
        "output": {"class": "rec", "from": "data", "unit": unit},
    }
    extern_data = EXTERN_DATA | {"length": {"dim": 7, "shape": (7,), "time_dim_axis": None}}
    data = batch() | {"length": np.zeros((3, 7), "float32")}
    result = run_network(describe(network, extern_data), {}, data, LENGTHS).layers["output"]
    assert (result.value.numpy() == expected).all()


def test_loops_can_be_nested():
    inner = {"output": linear(2, "data:source", "prev:output", "base:prev:state")}
    unit = {
        "inner": {"class": "rec", "from": "base:encoder", "unit": inner, "n_out": 2},
        "last": {"class": "eval", "from": "inner", "eval": "tf.reduce_sum(source(0))  * 0 + 1."},
        "state": linear(3, "data:source", "prev:state"),
        "weighted": {"class": "combine", "kind": "add", "from": ["inner", "inner"]},
        "output": {"class": "softmax", "from": "state", "n_out": 9, "loss": "ce", "target": "classes"},
    }
    del unit["last"]
    unit["weighted"]["is_output_layer"] = True
    network = {
        "encoder": linear(5, "data"),
        "labels": linear(3, "data:classes"),
        "output": {"class": "rec", "from": "labels", "unit": unit},
    }
    spec = describe(network, EXTERN_DATA)
    assert spec.params["output/rec/inner/rec/output/W"].shape == (10, 2)
    moved = run_network(spec, random_params(spec), batch(), LENGTHS)
    network["output"]["optimize_move_layers_out"] = False
    kept_spec = describe(network, EXTERN_DATA)
    kept = run_network(kept_spec, random_params(kept_spec), batch(), LENGTHS)
    assert float(moved.losses["output/output"].cost) == pytest.approx(
        float(kept.losses["output/output"].cost), rel=1e-5
    )
    a, b = moved.layers["output/weighted"], kept.layers["output/weighted"]
    np.testing.assert_allclose(a.ordered(a.template.axes), b.ordered(a.template.axes), rtol=1e-4, atol=1e-5)


@settings(max_examples=8, deadline=None, derandomize=True)
@given(
    lengths=st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4)), min_size=1, max_size=3),
    padding=st.integers(0, 2),
    kept=st.booleans(),
)
def test_a_sequence_has_the_same_loss_alone_as_in_a_batch(lengths, padding, kept):
    spec = describe(decoder(optimize_move_layers_out=not kept), EXTERN_DATA)
    params = random_params(spec)
    rng = np.random.default_rng(5)
    data = {
        "data": rng.normal(size=(len(lengths), 6, 7)).astype("float32"),
        "classes": rng.integers(0, 9, (len(lengths), 6)),
    }
    sizes = {"data": np.array([a for a, _ in lengths]), "classes": np.array([b for _, b in lengths])}
    together = run_network(spec, params, data, sizes).losses
    alone = dict.fromkeys(together, 0.0)
    for i, (frames, labels) in enumerate(lengths):
        one = {
            "data": data["data"][i : i + 1, : frames + padding],
            "classes": data["classes"][i : i + 1, : labels + padding],
        }
        losses = run_network(spec, params, one, {"data": [frames], "classes": [labels]}).losses
        for name in alone:
            alone[name] += float(losses[name].cost)
    assert {name: float(loss.cost) for name, loss in together.items()} == pytest.approx(alone, rel=1e-4)


def changed(**layers):
    network = copy.deepcopy(decoder())
    for name, options in layers.items():
        if options is None:
            del network["output"]["unit"][name]
        else:
            network["output"]["unit"].setdefault(name, {}).update(options)
    return network


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (
            changed(query={"from": "prev:encoder"}),
            "layer 'output/unit/query' (linear): 'from' names 'prev:encoder', but 'encoder' is outside of the loop and has no "
            "previous frame; 'base:encoder' is the layer itself",
        ),
        (
            changed(query={"from": "prev:ss"}),
            "layer 'output/unit/query' (linear): 'from' names 'prev:ss', which is no layer of the loop; did you mean 'prev:s'?",
        ),
        (
            changed(query={"from": "encoder"}),
            "layer 'output/unit/query' (linear): 'from' names 'encoder', which is no layer of the loop; did you mean "
            "'base:encoder'?",
        ),
        (
            changed(query={"from": "base:encodre"}),
            "layer 'output/unit/query' (linear): 'from' names 'base:encodre', which does not exist outside of the loop; did you mean "
            "'base:encoder'?",
        ),
        (
            changed(query={"from": "data:source"}),
            "layer 'output/unit/query' (linear): 'from' names 'data:source', but the loop has no 'from'",
        ),
        (
            changed(s={"from": ["readout"]}),
            "layer 'output' (rec): layers depend on each other within a frame: s → readout → s2 → s; one of them must be "
            "read from the previous frame, e.g. as 'prev:s'",
        ),
        (changed(output=None), "layer 'output' (rec): its subnetwork needs a layer 'output'"),
        (
            changed(aux={"target": "clases"}),
            "layer 'output/unit/aux' (softmax): the target of its loss is 'clases', but extern_data has only 'data', "
            "'classes'; did you mean 'classes'?",
        ),
        (
            changed(query={"n_outt": 4}),
            "layer 'output/unit/query' (linear): unknown option 'n_outt'; did you mean 'n_out'?",
        ),
        (
            changed(sum={"from": "prev:sum"}, feedback={"from": "prev:sum"}),
            "layer 'output/unit/feedback' (linear): the template of 'prev:sum' depends only on itself; give it an 'n_out'",
        ),
    ],
)
def test_message(network, message):
    with pytest.raises(NetworkError) as caught:
        describe(network, EXTERN_DATA)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kept_in", [False, True])
def test_a_loss_in_a_nested_loop_must_not_depend_on_the_frame_of_the_outer_loop(kept_in):
    inner = {"output": {"class": "softmax", "from": ["data:source"], "loss": "ce", "target": "classes"}}
    unit = {
        "inner": {"class": "rec", "from": "base:labels", "unit": inner, "is_output_layer": True},
        "state": linear(3, "data:source", "prev:state"),
        "output": {"class": "combine", "kind": "add", "from": ["state", "state"]},
    }
    network = {"labels": linear(3, "data:classes"), "output": {"class": "rec", "from": "data", "unit": unit}}
    assert list(describe(network, EXTERN_DATA).losses) == ["output/inner/output"]
    if kept_in:
        network["output"]["optimize_move_layers_out"] = False
    else:
        inner["output"]["from"] = ["data:source", "base:prev:state"]
    with pytest.raises(
        NetworkError, match=r"layer 'output/unit/inner' \(rec\): 'output/inner/output' has a loss in a nested loop"
    ):
        describe(network, EXTERN_DATA)


def test_a_loop_of_unknown_length_is_refused():
    unit = {"output": linear(3, "prev:output")}
    with pytest.raises(NetworkError, match="the number of frames is unknown"):
        describe({"output": {"class": "rec", "from": [], "unit": unit}}, EXTERN_DATA)
