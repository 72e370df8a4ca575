"""Extra nets, `register_as_extern_data` and targets that are layers, without TensorFlow."""

import pytest

from boulder.errors import NetworkError
from boulder.network import describe, uses_streams

EXTERN_DATA = {"data": {"dim": 5}, "classes": {"dim": 3, "sparse": True}}


def linear(source, n_out=3, **options):
    return {"class": "linear", "from": source, "n_out": n_out, "activation": "tanh", **options}


def softmax(source="encoder", **options):
    return {"class": "softmax", "from": source, "n_out": 3, "loss": "ce", **options}


LOOP = {
    "class": "rec", "from": "encoder", "unit": {
        "s": linear(["data:source", "prev:e"]), "e": linear("output"), "p": softmax("s", loss_only_on_non_search=True),
        "output": {"class": "choice", "from": "p", "beam_size": 2, "target": "classes"},
    },
}  # fmt: skip
BEST = {"class": "decide", "from": "extra.search:output", "register_as_extern_data": "classes"}
SEARCH = {"encoder": linear("data"), "output": LOOP, "best": BEST}


def test_an_extra_net_has_its_own_mode_and_the_same_parameters():
    alone = describe({"encoder": linear("data"), "output": LOOP}, EXTERN_DATA)
    both = describe(SEARCH, EXTERN_DATA)
    assert both.params == alone.params
    assert both.layers["extra.search:output"].template.axis("beam").size == 2
    assert both.layers["output"].template.axis("beam") is None
    assert both.losses == {
        "output/p": alone.losses["output/p"].__class__("output/p", alone.losses["output/p"].loss, "best", 1.0)
    }


def test_a_registered_layer_replaces_the_stream():
    assert uses_streams(describe(SEARCH, EXTERN_DATA)) == {"data"}
    assert uses_streams(describe(SEARCH | {"best": {**BEST, "register_as_extern_data": None}}, EXTERN_DATA)) == {
        "data",
        "classes",
    }


def test_layers_of_an_extra_net_read_its_own_layers():
    net = {"encoder": linear("data"), "h": linear("encoder"), "output": softmax("h"), "extra.a:output": softmax("h")}
    sources = {name: layer.sources for name, layer in describe(net, EXTERN_DATA).layers.items()}
    assert sources["extra.a:output"] == ("h",)
    sources = {
        name: layer.sources
        for name, layer in describe(net | {"extra.a:h": linear("encoder")}, EXTERN_DATA).layers.items()
    }
    assert sources["extra.a:output"] == ("extra.a:h",)
    assert sources["output"] == ("h",)


def test_a_target_is_a_layer_if_one_has_that_name():
    net = {"encoder": linear("data"), "classes": {"class": "reduce", "mode": "argmax", "axis": "F", "from": "encoder"}}
    for target in ("classes", "layer:classes"):
        spec = describe(net | {"output": softmax(target=target)}, EXTERN_DATA)
        assert spec.losses["output"].target == "classes"
        assert spec.losses["output"].stream is None
    spec = describe({"encoder": linear("data"), "output": softmax(target="layer:data:classes")}, EXTERN_DATA)
    assert spec.losses["output"].stream == "classes"


SHAPES = "the same parameter h/W, but with the shapes"
EXPECTED = {"class": "copy", "from": "extra.search:output", "loss": "expected_loss"}
ERROR = {"loss": {"class": "edit_distance"}, "loss_kind": "error"}
BAD = {
    "other shapes": ({"h": linear("data"), "extra.a:h": linear("encoder"), "x": softmax(["h", "extra.a:h"])}, SHAPES),
    "other trainable": (
        {"h": linear("data"), "extra.a:h": linear("data", trainable=False), "x": softmax(["h", "extra.a:h"])},
        "the same parameter h/W, expected the same initializer and 'trainable'",
    ),
    "other options on parameters": (
        {"h": linear("data"), "extra.a:h": linear("data", param_dropout=0.1), "x": softmax(["h", "extra.a:h"])},
        "the same parameter h/W, expected the same 'param_dropout', found None and 0.1",
    ),
    "no such layer": ({"x": softmax("extra.search:encodr")}, "'from' names 'extra.search:encodr', which is no layer"),
    "in a loop": ({"output": LOOP | {"unit": LOOP["unit"] | {"extra.a:s": linear("data:source")}}}, "only possible outside of loops"),
    "two layers for a stream": (
        {"a": linear("data", register_as_extern_data="x"), "b": linear("data", register_as_extern_data="x")},
        "layer 'b' (linear): 'register_as_extern_data' is 'x', which is layer 'a' already",
    ),
    "a target that does not exist": ({"x": softmax(target="clases")}, "the target of its loss is 'clases', but extern_data has only"),
    "a target layer that does not exist": ({"x": softmax(target="layer:clases")}, "'clases', which is no layer"),
    "a target without classes": ({"x": softmax(target="layer:encoder", loss="ctc", n_out=4)}, "needs a sequence of class indices"),
    "a loss of hypotheses": (
        {"x": {"class": "copy", "from": "extra.search:output", "loss": "edit_distance"}, "output": LOOP},
        "layer 'x' (copy): has the loss 'edit_distance', but its output is of all hypotheses",
    ),
    "a score without a search": ({"x": linear("data", loss="search_score")}, "loss 'search_score' needs the output of a search"),
    "an expected loss without its error": ({"output": LOOP, "x": EXPECTED}, "needs 'loss': {'class': 'edit_distance'} or {'class': 'bleu'} in 'loss_opts', found None"),
    "an expected cost": (
        {"output": LOOP, "x": EXPECTED | {"loss_opts": {"loss": {"class": "bleu"}, "loss_kind": "value"}}},
        "'loss_kind' must be 'error', since loss 'bleu' has no cost, found 'value'",
    ),
    "an unknown option of an expected loss": (
        {"output": LOOP, "x": EXPECTED | {"loss_opts": ERROR | {"loss": {"class": "edit_distance", "label_maps": {}}}}},
        "'loss' of 'expected_loss': unknown option 'label_maps'; did you mean 'label_map'?",
    ),
    "probabilities in an expected loss": (
        {"output": LOOP, "x": EXPECTED | {"loss_opts": ERROR | {"loss": {"class": "edit_distance", "ctc_decode": True}}}},
        "loss 'edit_distance' needs an output with a feature axis",
    ),
    "a scale in an expected loss": (
        {"output": LOOP, "x": EXPECTED | {"loss_opts": ERROR | {"loss": {"class": "bleu", "scale": 0.5}}}},
        "'loss' takes no 'scale'",
    ),
    "an expected loss of one hypothesis": (
        {"output": LOOP, "x": EXPECTED | {"class": "decide", "loss_opts": ERROR}},
        "needs the hypotheses of a search, before 'decide', but the output is",
    ),
    "size_target": ({"output": LOOP | {"size_target": "clases"}}, "'size_target' is 'clases', but extern_data has only"),
    "a circle": ({"x": softmax(target="layer:y", n_out=3), "y": {"class": "copy", "from": "x"}}, "layers depend on each other"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input(name):
    net, message = BAD[name]
    with pytest.raises(NetworkError) as error:
        describe({"encoder": linear("data"), "output": softmax()} | net, EXTERN_DATA)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
