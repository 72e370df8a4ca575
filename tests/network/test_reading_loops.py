"""Layers of a loop that layers outside of it read, as `decoder/weights`."""

import numpy as np
import pytest
import tensorflow as tf

from boulder.errors import NetworkError
from boulder.network import describe, run_network

EXTERN_DATA = {"data": {"dim": 3, "shape": (None, 3)}, "classes": {"dim": 4, "sparse": True}}


def network(**options):
    unit = {
        "sum": {"class": "combine", "kind": "add", "from": ["prev:sum", "data:source"], "is_output_layer": True},
        "twice": {"class": "eval", "from": "sum", "eval": "source(0) * 2.0", "is_output_layer": True},
        "hidden": {"class": "copy", "from": "sum"},
        "output": {"class": "copy", "from": "hidden"},
    }
    return {
        "reader": {"class": "copy", "from": "loop/sum", "is_output_layer": True},
        "loop": {"class": "rec", "from": "data", "unit": unit, **options},
        "moved": {"class": "copy", "from": ["loop/twice", "loop"]},
        "output": {"class": "softmax", "from": ["moved", "reader"], "loss": "ce", "target": "classes"},
    }


@pytest.mark.parametrize("kept_in", [False, True])
def test_outside_of_its_loop_a_layer_is_a_sequence(kept_in):
    net = network(optimize_move_layers_out=False) if kept_in else network()
    spec = describe(net, EXTERN_DATA)
    assert spec.template("reader") == spec.template("loop")
    data = np.random.default_rng(1).normal(size=(2, 5, 3)).astype("float32")
    values = {path: tf.zeros(param.shape) for path, param in spec.params.items()}
    lengths = {"data": [5, 4], "classes": [5, 4]}
    result = run_network(spec, values, {"data": data, "classes": np.zeros((2, 5), "int32")}, lengths)
    time = spec.template("reader").time
    for name, expected in {
        "reader": data.cumsum(1),
        "moved": np.tile(data.cumsum(1), 2) * np.repeat([2.0, 1], 3),
    }.items():
        x = result.layers[name]
        found = np.array(x.ordered([x.template.batch, time, x.template.feature]))
        np.testing.assert_allclose(found[0], expected[0], rtol=1e-5)
        np.testing.assert_allclose(found[1, :4], expected[1, :4], rtol=1e-5)


def test_another_loop_can_read_it():
    net = network()
    unit = {"output": {"class": "copy", "from": ["data:source", "base:top"]}}
    net["top"] = {"class": "softmax", "from": "loop/sum", "n_out": 2, "loss": None}
    net["second"] = {"class": "rec", "from": ["loop/twice"], "unit": unit, "is_output_layer": True}
    net["second"]["unit"]["output"]["from"] = "data:source"
    spec = describe(net, EXTERN_DATA)
    assert spec.template("second") == spec.template("loop")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("loop/hidden", "is not visible outside of its loop; give 'hidden' 'is_output_layer': True"),
        ("loop/summ", "which is no layer of its subnetwork; did you mean 'sum'?"),
        ("reader/sum", "but 'reader' has no subnetwork"),
        ("lop/sum", "'from' names 'lop/sum', which is no layer"),
    ],
)
def test_message(name, message):
    net = network()
    net["moved"]["from"] = name
    with pytest.raises(NetworkError) as caught:
        describe(net, EXTERN_DATA)
    assert str(caught.value).startswith("layer 'moved' (copy): ")
    assert message in str(caught.value)


def test_a_loop_must_not_depend_on_its_own_layer_through_outer_layers():
    net = network()
    net["loop"]["from"] = "moved"
    with pytest.raises(NetworkError, match="layers depend on each other in a loop: "):
        describe(net, EXTERN_DATA)
