"""Self-attention composed of single layers, within the loop of a decoder, gives the same numbers as in RETURNN."""

import pytest

from boulder.returnn.provided.dims import FeatureDim, SpatialDim, batch_dim, single_step_dim
from tests.parity.comparing import compare, compare_search, network_case, run_cases, search_cases

pytestmark = pytest.mark.parity
TIME, LABELS, INPUT = SpatialDim("time"), SpatialDim("labels"), FeatureDim("input", 5)
MODEL, HEADS, PART = FeatureDim("model", 6), SpatialDim("heads", 2), FeatureDim("part", 3)
SO_FAR, CLASSES, DISTANCES = SpatialDim("so far"), FeatureDim("classes", 7), SpatialDim("distances", 3)
EXTERN_DATA = {
    "data": {"dim": 5, "shape": (None, 5), "dim_tags": [batch_dim, TIME, INPUT]},
    "classes": {
        "dim": 7, "sparse": True, "shape": (None,), "dim_tags": [batch_dim, LABELS], "sparse_dim": CLASSES,
        "available_for_inference": True,
    },
}  # fmt: skip
LENGTHS = {"data": [7, 3, 5], "classes": [5, 3, 4]}


def layer(class_name, source, **options):
    return {"class": class_name, "from": source, **options}


def projected(name, source="x"):
    """:return: queries, keys or values of each head"""
    return {
        f"{name}_all": layer("linear", source, out_dim=MODEL, activation=None, with_bias=False),
        name: layer("split_dims", f"{name}_all", axis=MODEL, dims=(HEADS, PART)),
    }


def so_far(name):
    return {f"{name}_so_far": layer("cum_concat", name, out_spatial_dim=SO_FAR, axis=single_step_dim)}


HEAD = {
    **projected("q"), **projected("k"), **projected("v"), **so_far("k"), **so_far("v"),
    "content": layer("dot", ["q", "k_so_far"], reduce=PART),
}  # fmt: skip
TAIL = {
    "weights": layer("softmax_over_spatial", "energy", axis=SO_FAR, energy_factor=3**-0.5),
    "context": layer("dot", ["weights", "v_so_far"], reduce=SO_FAR),
    "att": layer("merge_dims", "context", axes=[HEADS, PART], keep_order=True, out_dim=MODEL),
}
CASES = {
    "without positions": {"energy": layer("copy", "content")},
    "encoded distances": {
        "key": layer("range_in_axis", "k_so_far", axis=SO_FAR),
        "between": layer("combine", ["key", ":i"], kind="sub", allow_broadcast_all_sources=True),
        "place": layer("eval", "between", eval="tf.clip_by_value(source(0), -2, 0) + 2"),
        "matrix": layer("variable", [], shape=(DISTANCES, PART), init="glorot_uniform"),
        "pos": layer("gather", "matrix", position="place", axis=DISTANCES),
        "distance": layer("dot", ["q", "pos"], reduce=PART),
        "energy": layer("combine", ["content", "distance"], kind="add"),
    },
    "a bias of each distance": {
        "key": layer("range_in_axis", "k_so_far", axis=SO_FAR),
        "between": layer("combine", ["key", ":i"], kind="sub", allow_broadcast_all_sources=True),
        "near": layer("eval", "between", eval="tf.exp(tf.cast(source(0), tf.float32))", out_type={"dtype": "float32"}),
        "energy": layer("combine", ["content", "near"], kind="add"),
    },
    "few frames": {
        "key": layer("range_in_axis", "k_so_far", axis=SO_FAR),
        "between": layer("combine", [":i", "key"], kind="sub", allow_broadcast_all_sources=True),
        "near": layer("compare", "between", kind="less", value=2),
        "energy": {"class": "switch", "condition": "near", "true_from": "content", "false_from": float("-inf")},
    },
}  # fmt: skip
FEEDBACK = {"x": layer("linear", ["embedding", "prev:att"], out_dim=MODEL, activation="tanh")}


def decoder(layers, **loop):
    unit = {
        "embedding": layer("linear", "prev:output", n_out=5, activation=None),
        "x": layer("linear", "embedding", out_dim=MODEL, activation="tanh"),
        **HEAD, **TAIL, **layers,
        "prob": layer("softmax", ["att", "embedding", "base:mean"], out_dim=CLASSES, target="classes", loss="ce"),
        "output": layer("choice", "prob", beam_size=4, target="classes", initial_output=0, length_normalization=False),
        "end": layer("compare", "output", value=0),
    }  # fmt: skip
    return {
        "mean": layer("reduce", "data", mode="mean", axes="T"),
        "output": {"class": "rec", "from": [], "target": "classes", "unit": unit, "max_seq_len": 7, **loop},
        "decision": layer("decide", "output", loss="edit_distance", target="classes", only_on_search=True),
    }


NETWORKS = {
    **{name: decoder(layers) for name, layers in CASES.items() if name != "encoded distances"},
    "encoded distances, fed back": decoder(CASES["encoded distances"] | FEEDBACK),
    "few frames, fed back": decoder(CASES["few frames"] | FEEDBACK),
    "kept in": decoder(CASES["encoded distances"], optimize_move_layers_out=False),
}


def with_output(net):
    """:return: the network with the probabilities outside of the loop: in evaluation, RETURNN has no losses in loops"""
    loop = net["output"]
    unit = loop["unit"] | {"prob": loop["unit"]["prob"] | {"is_output_layer": True, "loss": None}}
    seen = layer("copy", "output/prob", is_output_layer=True)
    return net | {"output": loop | {"unit": unit}, "seen": seen}


@pytest.fixture(scope="module")
def results(returnn):
    cases = {}
    for name, net in NETWORKS.items():
        cases[name, "train"] = network_case(net, EXTERN_DATA, LENGTHS, ()) | {"behavior_version": 21}
        evaluated = network_case(with_output(net), EXTERN_DATA, LENGTHS, ("seen",))
        cases[name, "eval"] = evaluated | {"behavior_version": 21, "train": False}
        searches = search_cases(net, EXTERN_DATA, LENGTHS, range(3), scale=2.0)
        cases |= {(name, number): case | {"behavior_version": 21} for number, case in enumerate(searches)}
    return run_cases(returnn, cases)


@pytest.mark.parametrize("mode", ["train", "eval"])
@pytest.mark.parametrize("name", NETWORKS)
def test_outputs_losses_and_gradients_match(results, name, mode):
    compare(*results[name, mode], train=mode == "train")


@pytest.mark.parametrize("name", NETWORKS)
def test_a_search_finds_the_same_labels(results, name):
    different = {labels for number in range(3) for labels in compare_search(*results[name, number])}
    assert len(different) > 1
