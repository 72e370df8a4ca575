"""Messages for layers that hold layers, and for names that they share."""

import pytest

from boulder.errors import NetworkError
from boulder.network import describe

EXTERN_DATA = {"data": {"dim": 3}, "classes": {"dim": 4, "sparse": True}}


def linear(source="data", n_out=3, **options):
    return {"class": "linear", "from": source, "n_out": n_out, "activation": None, **options}


def sub(layers: object, **options):
    return {"class": "subnetwork", "from": "data", "subnetwork": layers, **options}


CASES = {
    "a dict is missing": (
        {"sub": {"class": "subnetwork", "from": "data"}, "output": linear("sub")},
        "layer 'sub' (subnetwork): option 'subnetwork' is missing",
    ),
    "it is no dict": (
        {"sub": sub("net"), "output": linear("sub")},
        "layer 'sub' (subnetwork): option 'subnetwork' must be a dict, found 'net'",
    ),
    "a name of the surroundings": (
        {"a": linear(), "sub": sub({"output": linear("a")}), "output": linear("sub")},
        "layer 'sub/subnetwork/output' (linear): 'from' names 'a', which is no layer of the subnetwork; did you mean 'base:a'?",
    ),
    "a layer that it lacks": (
        {"sub": sub({"ff": linear(), "output": linear("ff")}), "output": linear("sub/fff")},
        "layer 'output' (linear): 'from' names 'sub/fff', which is no layer of its subnetwork; did you mean 'ff'?",
    ),
    "an unknown option within": (
        {"sub": sub({"output": linear(n_outs=3)}), "output": linear("sub")},
        "layer 'sub/subnetwork/output' (linear): unknown option 'n_outs'; did you mean 'n_out'?",
    ),
    "a data stream that there is not": (
        {"sub": sub({"output": linear("data:class")}), "output": linear("sub")},
        "layer 'sub/subnetwork/output' (linear): 'from' names 'data:class', but extern_data has only 'data', 'classes'; "
        "did you mean 'classes'?",
    ),
    "prev: outside of a loop": (
        {"sub": sub({"ff": linear(), "output": linear("prev:ff")}), "output": linear("sub")},
        "layer 'sub/subnetwork/output' (linear): 'from' names 'prev:sub/ff', which is no layer; did you mean 'sub/ff'?",
    ),
    "a file of parameters": (
        {"sub": sub({"output": linear()}, load_on_init="model"), "output": linear("sub")},
        "layer 'sub' (subnetwork): 'load_on_init' is not supported; name the file in the config's 'preload_from_files' instead, "
        "with 'prefix': 'sub/'",
    ),
    "two shapes in one scope": (
        {"a": linear(name_scope="x"), "b": linear("a", 4, name_scope="x"), "output": linear("b")},
        "layer 'b' (linear): shares the parameter 'x/W' with layer 'a' by 'name_scope', but needs the shape (3, 4), "
        "found (3, 3)",
    ),
    "an n_out that differs": (
        {"sub": sub({"output": linear()}, n_out=5), "output": linear("sub")},
        "layer 'sub' (subnetwork): 'n_out' is 5, but its output is [batch, time:data, feature:3] float32",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_message(name):
    network, message = CASES[name]
    with pytest.raises(NetworkError) as caught:
        describe(network, EXTERN_DATA)
    assert str(caught.value) == message


def test_layers_with_a_common_scope_share_their_parameters():
    network = {"a": linear(name_scope="x"), "b": linear("a", name_scope="x"), "output": linear("b")}
    spec = describe(network, EXTERN_DATA)
    assert list(spec.params) == ["x/W", "x/b", "output/W", "output/b"]
    assert spec.params["x/W"].layer == "a"


@pytest.mark.parametrize("holder", ["sub", "sub/in", "loop"])
def test_trainable_of_a_layer_covers_what_it_holds(holder):
    network = {
        "sub": sub({"in": sub({"output": linear()}), "output": linear("in")}),
        "loop": {"class": "rec", "from": "sub", "unit": {"deep": sub({"output": linear()}), "output": linear(["deep", "prev:output"])}},
        "output": linear("loop"),
    }  # fmt: skip
    first, _, second = holder.partition("/")
    options = network[first]["subnetwork"][second] if second else network[first]
    options["trainable"] = False
    params = describe(network, EXTERN_DATA).params
    frozen = {path for path, param in params.items() if not param.trainable}
    assert frozen == {path for path in params if path.startswith(f"{holder}/")}


def test_a_lost_loss_within_a_subnetwork_of_a_loop_is_a_warning():
    aux = {"class": "softmax", "from": "data", "loss": "ce", "target": "classes"}
    unit = {"sub": sub({"aux": aux, "output": linear()}), "output": linear(["sub", "prev:output"])}
    with pytest.warns(
        UserWarning, match="layer 'output/unit/sub/subnetwork/aux': its loss does not count, as in RETURNN"
    ):
        spec = describe({"output": {"class": "rec", "from": "data", "unit": unit}}, EXTERN_DATA)
    assert not spec.losses
