"""Self-attention composed of single layers, as programs that generate networks emit it, gives the same numbers as in RETURNN."""

import pytest

from boulder.returnn.provided.dims import FeatureDim, SpatialDim, batch_dim
from tests.parity.comparing import compare, network_case, run_cases

pytestmark = pytest.mark.parity
TIME, INPUT, KEYS = SpatialDim("time"), FeatureDim("input", 6), SpatialDim("keys")
MODEL, HEADS, PART, DISTANCES = (
    FeatureDim("model", 8),
    SpatialDim("heads", 2),
    FeatureDim("part", 4),
    SpatialDim("distances", 5),
)
EXTERN_DATA = {"data": {"dim": 6, "shape": (None, 6), "dim_tags": [batch_dim, TIME, INPUT]}}
LENGTHS = {"data": [5, 2, 4]}


def layer(class_name, source, **options):
    return {"class": class_name, "from": source, **options}


def projected(name):
    """:return: queries, keys or values of each head"""
    return {
        f"{name}_all": layer("linear", "data", out_dim=MODEL, activation=None, with_bias=False),
        name: layer("split_dims", f"{name}_all", axis=MODEL, dims=(HEADS, PART)),
    }


HEAD = {
    **projected("q"), **projected("k0"), **projected("v0"),
    "k": layer("reinterpret_data", "k0", set_dim_tags={TIME: KEYS}),
    "v": layer("reinterpret_data", "v0", set_dim_tags={TIME: KEYS}),
    "content": layer("dot", ["q", "k"], reduce=PART),
}  # fmt: skip
TAIL = {
    "weights": layer("softmax_over_spatial", "energy", axis=KEYS, energy_factor=4**-0.5),
    "context": layer("dot", ["weights", "v"], reduce=KEYS),
    "x": layer("merge_dims", "context", axes=[HEADS, PART], keep_order=True, out_dim=MODEL),
}
SUM = {"energy": layer("combine", ["content", "distance"], kind="add")}
ENCODED = {"distance": layer("dot", ["q", "pos"], reduce=PART)}


def encoding(**options):
    dims = {"query_spatial_dim": TIME, "key_value_spatial_dim": KEYS}
    return {"pos": layer("relative_positional_encoding", "q_all", out_dim=PART, clipping=2, **dims, **options)}


def positions(minimum, maximum):
    """:return: distances of keys from queries, clipped to a range and counted from its begin"""
    return {
        "query": layer("range_in_axis", "q", axis=TIME),
        "key": layer("range_in_axis", "k", axis=KEYS),
        "between": layer("combine", ["key", "query"], kind="sub", allow_broadcast_all_sources=True),
        "place": layer("eval", "between", eval=f"tf.clip_by_value(source(0), {minimum}, {maximum}) - {minimum}"),
    }


CAUSAL = {
    "query": layer("range_in_axis", "q", axis=TIME),
    "key": layer("range_in_axis", "k", axis=KEYS),
    "visible": layer("compare", ["key", "query"], kind="less_equal", allow_broadcast_all_sources=True),
    "energy": {"class": "switch", "condition": "visible", "true_from": "both", "false_from": float("-inf")},
    "both": SUM["energy"],
}
CASES = {
    "without positions": {"energy": layer("copy", "content")},
    "learned": encoding() | ENCODED | SUM,
    "fixed": encoding(fixed=True) | ENCODED | SUM,
    "with an offset": encoding(query_offset=2) | ENCODED | SUM,
    "causal": encoding() | ENCODED | CAUSAL,
    "gathered": positions(-2, 2) | {
        "matrix": {"class": "variable", "shape": (DISTANCES, PART), "init": "glorot_uniform"},
        "pos": layer("gather", "matrix", position="place", axis=DISTANCES),
    } | ENCODED | SUM,
    "a bias of each head": positions(-2, 2) | {
        "matrix": {"class": "variable", "shape": (DISTANCES, HEADS), "init": "glorot_uniform"},
        "distance": layer("gather", "matrix", position="place", axis=DISTANCES),
    } | SUM,
}  # fmt: skip


def made(name, train):
    net = HEAD | CASES[name] | TAIL
    net |= {"output": {"class": "eval", "from": "x", "eval": "tf.square(source(0))", "loss": "as_is"}}
    return network_case(net, EXTERN_DATA, LENGTHS, ("x",)) | {"behavior_version": 21, "train": train}


@pytest.fixture(scope="module")
def results(returnn):
    return run_cases(returnn, {(name, train): made(name, train) for name in CASES for train in (True, False)})


@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize("name", CASES)
def test_outputs_and_gradients_match(results, name, train):
    compare(*results[name, train], train=train)
