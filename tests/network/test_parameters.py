"""Golden table of parameter paths, shapes and splits, which are RETURNN's."""

import pytest

from boulder.network import Part, describe
from boulder.network.params import ParamSpec
from boulder.training.objective import l2_factors

# case → layer, parameter path → (shape, RETURNN's splits)
GOLDEN = {
    "linear": (
        {"class": "linear", "n_out": 7, "activation": "relu"},
        {"layer/W": ((5, 7), ((5,), (7,))), "layer/b": ((7,), None)},
    ),
    "linear without bias": (
        {"class": "linear", "n_out": 7, "with_bias": False},
        {"layer/W": ((5, 7), ((5,), (7,)))},
    ),
    "linear of class indices": (
        {"class": "linear", "n_out": 7, "from": "data:letters"},
        {"layer/W": ((6, 7), ((6,), (7,))), "layer/b": ((7,), None)},
    ),
    "linear of two sources": (
        {"class": "linear", "n_out": 7, "from": ["a", "data"]},
        {"layer/W": ((9, 7), ((4, 5), (7,))), "layer/b": ((7,), None)},
    ),
    "linear of copied sources": (
        {"class": "linear", "n_out": 7, "from": ["copied_twice", "a"]},
        {"layer/W": ((18, 7), ((4, 5, 5, 4), (7,))), "layer/b": ((7,), None)},
    ),
    "softmax": ({"class": "softmax", "n_out": 7}, {"layer/W": ((5, 7), ((5,), (7,))), "layer/b": ((7,), None)}),
    "activation": ({"class": "activation", "activation": "relu"}, {}),
    "copy": ({"class": "copy", "from": ["a", "data"]}, {}),
    "dropout": ({"class": "dropout", "dropout": 0.1}, {}),
    "repeat": ({"class": "repeat", "repetitions": 3}, {}),
    "combine": ({"class": "combine", "kind": "add", "from": ["a", "a"]}, {}),
    "eval": ({"class": "eval", "eval": "source(0)"}, {}),
} | {
    unit: (
        {"class": "rec", "unit": unit, "n_out": 3, "from": ["a", "data"]},
        {
            "layer/rec/W": ((9, 12), ((9,), (3, 3, 3, 3))),  # RETURNN does not split the rows by source
            "layer/rec/W_re": ((3, 12), ((3,), (3, 3, 3, 3))),
            "layer/rec/b": ((12,), ((3, 3, 3, 3),)),
        },
    )
    for unit in ("nativelstm2", "NativeLstm2", "lstmp", "LSTMBlock", "lstm", "nativelstm", "LSTMBlockFused")
}


def one_layer(layer: dict) -> dict:
    return {
        "a": {"class": "linear", "from": "data", "n_out": 4, "activation": "tanh"},
        "copied": {"class": "copy", "from": ["a", "data"]},
        "copied_twice": {"class": "dropout", "from": ["copied", "data"], "dropout": 0.1},
        "layer": layer,
        "output": {"class": "copy", "from": "layer"},
    }


@pytest.mark.parametrize("case", GOLDEN)
def test_paths_shapes_and_splits_are_returnns(case, extern_data):
    layer, expected = GOLDEN[case]
    params = describe(one_layer(layer), extern_data).params
    found = {path: (p.shape, p.returnn_splits) for path, p in params.items() if p.layer == "layer"}
    assert found == expected
    for path, param in params.items():
        assert path == f"{param.layer}/{param.name}"
        assert tuple(sum(part.size for part in axis) for axis in param.splits) == param.shape
        assert param.dtype == "float32"


def test_lstm_columns_are_split_by_gate_and_rows_by_source_through_copies(extern_data):
    layer = {"class": "rec", "unit": "nativelstm2", "n_out": 3, "from": ["copied_twice", "a"]}
    params = describe(one_layer(layer), extern_data).params
    gates = tuple(Part(gate, 3) for gate in ("cell_in", "input", "forget", "output"))
    rows = (Part("a", 4), Part("data:data", 5), Part("data:data", 5), Part("a", 4))
    assert params["layer/rec/W"].splits == (rows, gates)
    assert params["layer/rec/W_re"].splits == ((Part("", 3),), gates)
    assert params["layer/rec/b"].splits == (gates,)


def test_parameters_of_the_demo_network(extern_data):
    net = {
        "embedding": {"class": "linear", "from": "data:letters", "n_out": 8, "with_bias": False},
        "frames": {"class": "repeat", "from": "embedding", "repetitions": 2},
        "fw": {"class": "rec", "unit": "nativelstm2", "from": ["frames"], "n_out": 2, "direction": 1},
        "bw": {"class": "rec", "unit": "nativelstm2", "from": ["frames"], "n_out": 2, "direction": -1},
        "output": {"class": "softmax", "from": ["fw", "bw"], "loss": "ctc", "target": "classes"},
    }
    spec = describe(net, extern_data)
    assert {path: param.shape for path, param in spec.params.items()} == {
        "embedding/W": (6, 8),
        "fw/rec/W": (8, 8),
        "fw/rec/W_re": (2, 8),
        "fw/rec/b": (8,),
        "bw/rec/W": (8, 8),
        "bw/rec/W_re": (2, 8),
        "bw/rec/b": (8,),
        "output/W": (4, 4),
        "output/b": (4,),
    }
    assert spec.num_params == 48 + 2 * (64 + 16 + 8) + 16 + 4
    assert spec.params["output/W"].splits == ((Part("fw", 2), Part("bw", 2)), (Part("", 4),))


@pytest.mark.parametrize(
    ("layer", "scope"),
    [("lstm-0 fw", "lstm__0__fw"), ("_x:y", ".95.x__y"), ("a.b", "a.b"), ("größe", "gre"), ("f(x)", "f__x__")],
)
def test_paths_escape_layer_names_like_returnn(layer, scope, extern_data):
    net = {layer: {"class": "linear", "n_out": 2}, "output": {"class": "copy", "from": layer}}
    params = describe(net, extern_data).params
    assert list(params) == [f"{scope}/W", f"{scope}/b"]
    assert {param.layer for param in params.values()} == {layer}


def test_l2_and_trainable_apply_to_all_parameters_of_a_layer(extern_data):
    net = {
        "frozen": {"class": "rec", "from": "data", "n_out": 2, "trainable": False},
        "default": {"class": "linear", "from": "frozen", "n_out": 2, "trainable": None},
        "output": {"class": "softmax", "from": "default", "n_out": 2, "L2": 0.5},
    }
    spec = describe(net, extern_data)
    factors = l2_factors(spec)
    assert {path: (factors.get(path, 0.0), param.trainable) for path, param in spec.params.items()} == {
        "frozen/rec/W": (0.0, False),
        "frozen/rec/W_re": (0.0, False),
        "frozen/rec/b": (0.0, False),
        "default/W": (0.0, True),
        "default/b": (0.0, True),
        "output/W": (0.5, True),
        "output/b": (0.5, True),
    }


def test_specs_survive_a_json_round_trip(extern_data):
    import json

    layer = {"class": "rec", "n_out": 3, "from": ["copied_twice", "a"], "bias_init": 1.0, "L2": 0.1, "trainable": False}
    for param in describe(one_layer(layer), extern_data).params.values():
        assert ParamSpec.from_json(json.loads(json.dumps(param.to_json()))) == param
