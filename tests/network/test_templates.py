"""`describe` derives outputs, sources and losses before anything is built."""

import numpy as np
import pytest

from boulder.network import describe
from boulder.network.axes import Batch, Feature, Time
from boulder.network.template import Template

T = Time("data")


def template_of(net: dict, extern_data: dict, layer: str = "output") -> Template:
    return describe(net, extern_data).layers[layer].template


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        ({"class": "linear", "n_out": 7}, Template((Batch, T, Feature(7)))),
        ({"class": "linear", "n_out": 7, "from": "data:speaker"}, Template((Batch, Feature(7)))),
        ({"class": "rec", "n_out": 7}, Template((Batch, T, Feature(7)))),
        ({"class": "copy", "from": ["data", "data", "data:speaker"]}, Template((Batch, T, Feature(13)))),
        ({"class": "copy", "from": "data:classes"}, Template((Batch, Time("classes")), "int32", 3)),
        ({"class": "activation", "activation": "relu", "from": "data:number"}, Template((Batch, Time("number")))),
        ({"class": "combine", "kind": "add", "from": ["data"]}, Template((Batch, T, Feature(5)))),
        ({"class": "eval", "eval": "1", "from": ["data:topic"]}, Template((Batch,), "int32", 4)),
        ({"class": "eval", "eval": "1", "out_type": {"dim": 9}}, Template((Batch, T, Feature(9)))),
        ({"class": "eval", "eval": "1", "out_type": {"dim": 9, "shape": (None, 9)}}, Template((Batch, T, Feature(9)))),
        ({"class": "eval", "eval": "1", "n_out": 9}, Template((Batch, T, Feature(9)))),
        ({"class": "eval", "eval": "1", "out_type": {"dtype": "bool"}}, Template((Batch, T, Feature(5)), "bool")),
        (
            {"class": "eval", "eval": "1", "from": "data:topic", "out_type": {"dim": 3, "dtype": "float32", "sparse": False}},
            Template((Batch, Feature(3))),
        ),
        ({"class": "repeat", "repetitions": 3}, Template((Batch, T.repeated(3), Feature(5)))),
        ({"class": "repeat", "repetitions": 3, "from": "data:classes"}, Template((Batch, Time("classes").repeated(3)), "int32", 3)),
    ],
)  # fmt: skip
def test_templates(layer, expected, extern_data):
    assert template_of({"output": layer}, extern_data) == expected


def test_combine_broadcasts_a_feature_axis_of_size_1(extern_data):
    net = {
        "one": {"class": "linear", "n_out": 1},
        "output": {"class": "combine", "kind": "mul", "from": ["one", "data"]},
    }
    assert template_of(net, extern_data) == Template((Batch, T, Feature(5)))


def test_time_axes_are_equal_only_if_derived_in_the_same_way(extern_data):
    def repeated(*times: int, source: str = "data"):
        net = {}
        for i, n in enumerate(times):
            net[f"r{i}"] = {"class": "repeat", "from": source, "repetitions": n}
            source = f"r{i}"
        return template_of(net | {"output": {"class": "copy", "from": source}}, extern_data).time

    assert repeated(2) == repeated(2)
    assert repeated(2, 2) == repeated(4) == repeated(1, 4) == repeated(2, 1, 2)
    assert repeated(2, 3) == repeated(3, 2)
    assert repeated(1) == T
    assert len({repeated(2), repeated(4), T, repeated(2, source="data:align")}) == 4
    assert str(repeated(2, 2)) == "time:repeat(data, 4)"


def test_a_stream_may_be_called_repeat(extern_data):
    extern_data["repeat"] = {"dim": 5}
    net = {"output": {"class": "repeat", "from": "data:repeat", "repetitions": 2}}
    assert str(template_of(net, extern_data).time) == "time:repeat(repeat, 2)"


@pytest.mark.parametrize(
    ("options", "n_out"),
    [
        ({"loss": "ce", "target": "align"}, 4),
        ({"loss": "ctc", "target": "classes"}, 4),  # one more, for the blank
        ({"loss": "ctc"}, 4),  # "classes" is the default
        ({"target": "align"}, 4),
        ({"target": "data"}, 5),
        ({"loss": "ce", "target": "align", "n_out": 4}, 4),
        ({"n_out": np.int64(6), "dropout": np.float32(0.5), "with_bias": np.bool_(True)}, 6),
    ],
)
def test_n_out_comes_from_the_option_or_the_target(options, n_out, extern_data):
    spec = describe({"output": {"class": "softmax", **options}}, extern_data)
    assert spec.layers["output"].template.dim == n_out
    assert type(spec.params["output/W"].shape[1]) is int


def test_only_layers_that_are_needed_exist(extern_data):
    net = {
        "unknown_class": {"class": "nosuch", "from": "nothing"},
        "unused": {"class": "linear", "n_out": 3, "from": "unknown_class"},
        "no_dict": None,
        "kept": {"class": "linear", "n_out": 3, "is_output_layer": True},
        "source": {"class": "linear", "n_out": 3},
        "aux": {"class": "softmax", "from": "source", "loss": "ce", "target": "align"},
        "output": {"class": "linear", "n_out": 3},
    }
    spec = describe(net, extern_data)
    assert list(spec.layers) == ["kept", "source", "aux", "output"]  # sources before those that use them
    assert {param.layer for param in spec.params.values()} == {"kept", "source", "aux", "output"}


def test_a_network_needs_no_layer_called_output(extern_data):
    assert list(describe({"x": {"class": "softmax", "loss": "ctc"}}, extern_data).layers) == ["x"]


def test_a_loss_of_scale_0_is_still_scored(extern_data):
    from boulder.network import uses_streams

    net = {
        "aux": {"class": "softmax", "loss": "ce", "target": "align", "loss_scale": 0},
        "output": {"class": "softmax", "loss": "ctc", "loss_scale": 2},
    }
    spec = describe(net, extern_data)
    assert list(spec.layers) == ["aux", "output"]
    assert {name: (loss.target, loss.scale) for name, loss in spec.losses.items()} == {
        "aux": ("data:align", 0.0),
        "output": ("data:classes", 2.0),
    }
    assert uses_streams(spec) == {"data", "classes", "align"}
    assert uses_streams(spec, losses=False) == {"data"}


def test_from_is_a_name_or_a_list_and_data_by_default(extern_data):
    net = {
        "a": {"class": "linear", "n_out": 2},
        "b": {"class": "linear", "n_out": 3, "from": ("data:data", "a")},
        "output": {"class": "linear", "n_out": 3, "from": ["a", "b", "a"]},
    }
    layers = describe(net, extern_data).layers
    assert [layers[name].sources for name in "ab"] == [("data:data",), ("data:data", "a")]
    assert layers["output"].sources == ("a", "b", "a")
    assert layers["output"].params[0].shape == (2 + 3 + 2, 3)


def test_networks_may_be_deeper_than_the_python_stack(extern_data):
    net = {f"l{i}": {"class": "copy", "from": f"l{i - 1}" if i else "data"} for i in range(3000)}
    net["output"] = {"class": "linear", "from": "l2999", "n_out": 2}
    spec = describe(net, extern_data)
    assert len(spec.layers) == 3001
    assert spec.params["output/W"].splits[0][0].label == "data:data"


def test_none_means_the_default_of_an_option(extern_data):
    net = {
        "r": {"class": "rec", "n_out": 2, "unit_opts": None, "trainable": None, "L2": None, "target": None, "loss": None},
        "e": {"class": "eval", "from": "r", "eval": "source(0)", "eval_locals": None, "out_type": None, "n_out": None},
        "output": {"class": "softmax", "from": "e", "loss": "ctc", "loss_opts": None, "dropout_noise_shape": None},
    }  # fmt: skip
    plain = {
        "r": {"class": "rec", "n_out": 2},
        "e": {"class": "eval", "from": "r", "eval": "source(0)"},
        "output": {"class": "softmax", "from": "e", "loss": "ctc"},
    }
    assert describe(net, extern_data).params == describe(plain, extern_data).params
