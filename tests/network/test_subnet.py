"""`subnetwork`: its layers are those of the surroundings; references are resolved."""

import numpy as np
import pytest

from boulder.errors import NetworkError
from boulder.network import describe, run_network
from boulder.network.refs import Ref, RefKind

EXTERN_DATA = {"data": {"dim": 3}, "more": {"dim": 3}}


def add(*sources, **options):
    return {"class": "combine", "kind": "add", "from": list(sources), **options}


def linear(source):
    return {"class": "linear", "from": source, "n_out": 3, "activation": None}


def network(**layers):
    inner = {"own": add("data", "base:twice"), "output": linear("own")} | layers
    return {
        "twice": add("data", "data"),
        "sub": {"class": "subnetwork", "from": "data", "subnetwork": inner},
        "output": add("sub", "sub/own"),
    }


def test_a_subnet_is_described_and_computed():
    spec = describe(network(), EXTERN_DATA)
    assert list(spec.params) == ["sub/output/W", "sub/output/b"]
    assert list(spec.layers) == ["twice", "sub/own", "sub/output", "sub", "output"]
    x = np.random.default_rng(1).normal(size=(2, 4, 3)).astype("float32")
    params = {"sub/output/W": np.eye(3, dtype="float32") * 2, "sub/output/b": np.ones(3, "float32")}
    result = run_network(spec, params, {"data": x}, {"data": [4, 4]}).layers["output"]
    np.testing.assert_allclose(result.value, 3 * x + (6 * x + 1), rtol=1e-5)


def test_a_subnet_in_a_loop_reads_the_frames_of_the_loop():
    inner = {"output": add("data", "base:prev:sum", "base:base:more")}
    unit = {
        "sum": {"class": "subnetwork", "from": "data:source", "subnetwork": inner, "n_out": 3},
        "output": {"class": "copy", "from": "sum"},
    }
    loop = {"class": "rec", "from": "data", "unit": unit}
    spec = describe(
        {"more": {"class": "reduce", "mode": "mean", "axes": "T", "from": "data:more"}, "output": loop}, EXTERN_DATA
    )
    assert spec.loops["output"].inside == ("sum/output", "sum")
    x = np.random.default_rng(1).normal(size=(2, 4, 3)).astype("float32")
    result = run_network(spec, {}, {"data": x, "more": np.ones((2, 1, 3))}, {"data": [4, 4], "more": [1, 1]})
    output = result.layers["output"]
    np.testing.assert_allclose(output.ordered(output.template.axes), np.cumsum(x + 1, axis=1), rtol=1e-5)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ({"output": linear("onw")}, "layer 'sub/subnetwork/output' (linear): 'from' names 'onw', which is no layer"),
        (
            {"own": add("base:twic")},
            "layer 'sub/subnetwork/own' (combine): 'from' names 'base:twic', which does not exist outside of the subnetwork; "
            "did you mean 'base:twice'?",
        ),
        ({"own": add("output")}, "layers depend on each other in a loop: sub/output → sub/own → sub/output"),
    ],
)
def test_message(layers, message):
    with pytest.raises(NetworkError) as caught:
        describe(network(**layers), EXTERN_DATA)
    assert str(caught.value).startswith(message)


def test_a_subnet_needs_an_output():
    broken = network()
    del broken["sub"]["subnetwork"]["output"]
    with pytest.raises(NetworkError, match=r"layer 'sub' \(subnetwork\): its subnetwork needs a layer 'output'"):
        describe(broken, EXTERN_DATA)


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("s", Ref(RefKind.LAYER, "s")),
        ("prev:s", Ref(RefKind.PREV, "s")),
        ("decoder/s", Ref(RefKind.SUBLAYER, "decoder/s")),
        ("data", Ref(RefKind.INPUT)),
        ("data:classes", Ref(RefKind.DATA, "classes")),
        (":i", Ref(RefKind.STEP)),
        ("base:data:classes", Ref(RefKind.BASE, "data:classes")),
    ],
)
def test_references_are_parsed(text, ref):
    assert Ref.parse(text) == ref


@pytest.mark.parametrize(
    ("ref", "key"),
    [
        (Ref(RefKind.LAYER, "encoder"), "encoder"),
        (Ref(RefKind.DATA, "classes"), "data:classes"),
        (Ref(RefKind.LAYER, "s", "decoder"), "decoder/s"),
        (Ref(RefKind.PREV, "s", "decoder"), "decoder/prev:s"),
        (Ref(RefKind.INPUT, "", "decoder"), "decoder/data:source"),
        (Ref(RefKind.DATA, "classes", "decoder"), "decoder/data:classes"),
        (Ref(RefKind.STEP, "", "decoder"), "decoder/:i"),
        (Ref(RefKind.SUBLAYER, "decoder/s"), "decoder/left:s"),
        (Ref(RefKind.SUBLAYER, "inner/s", "decoder"), "decoder/inner/left:s"),
    ],
)
def test_keys_name_layers_of_the_whole_network(ref, key):
    assert ref.key == key
