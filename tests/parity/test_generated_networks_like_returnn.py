"""Networks as programs generate them, with a `Dim` for each axis, give the same numbers as in RETURNN."""

import pytest

from boulder.returnn.provided.dims import FeatureDim, SpatialDim, batch_dim
from tests.generated_networks import conformer_block, decoder, feed_forward, layer_norm, linear, self_attention
from tests.parity.comparing import compare, compare_search, network_case, run_cases, search_cases

pytestmark = pytest.mark.parity
TIME, INPUT, LABEL_TIME, LABELS = (
    SpatialDim("time"),
    FeatureDim("input", 6),
    SpatialDim("labels"),
    FeatureDim("label", 3),
)
MODEL, HEADS, KEY = FeatureDim("model", 8), SpatialDim("heads", 2), FeatureDim("key", 5)
EXTERN_DATA = {
    "data": {"dim": 6, "shape": (None, 6), "dim_tags": [batch_dim, TIME, INPUT]},
    "classes": {"dim": 3, "sparse": True, "shape": (None,), "dim_tags": [batch_dim, LABEL_TIME], "sparse_dim": LABELS},
}
LENGTHS = {"data": [5, 2, 4], "classes": [3, 4, 2]}
EQUAL = {"data": [5, 5, 5], "classes": [3, 4, 2]}  # for convolutions, which read the padding in RETURNN
AXES = {batch_dim, TIME}
H = {"h": linear("data", INPUT, MODEL, AXES)}
CASES = {
    "linear": {"x": linear("h", MODEL, KEY, AXES)},
    "square linear": {"x": linear("h", MODEL, MODEL, AXES)},
    "layer norm": {"x": layer_norm("h", MODEL, AXES)},
    "feed-forward": {"x": feed_forward("h", MODEL, AXES)},
    "self-attention": {"x": self_attention("h", TIME, MODEL, HEADS)},
    "conformer block": {"x": conformer_block("h", TIME, MODEL, HEADS)},
    "decoder": {"x": layer_norm("h", MODEL, AXES), **decoder("x", TIME, LABEL_TIME, LABELS, MODEL, KEY)},
}


def made(name):
    """:return: case of tests.parity.comparing"""
    net = H | CASES[name] | {"output": {"class": "eval", "from": "x", "eval": "tf.square(source(0))", "loss": "as_is"}}
    net |= {"decoder": net["decoder"] | {"is_output_layer": True}} if "decoder" in net else {}
    lengths = EQUAL if name == "conformer block" else LENGTHS
    return network_case(net, EXTERN_DATA, lengths, ("x",)) | {"behavior_version": 21}


@pytest.fixture(scope="module")
def results(returnn):
    return run_cases(returnn, {name: made(name) for name in CASES})


@pytest.mark.parametrize("name", CASES)
def test_outputs_and_gradients_match(results, name):
    compare(*results[name])


def test_a_search_finds_returnns_labels(returnn):
    decision = {
        "class": "decide",
        "from": "decoder",
        "loss": "edit_distance",
        "target": "classes",
        "only_on_search": True,
    }
    net = H | {"x": layer_norm("h", MODEL, AXES), **decoder("x", TIME, SpatialDim("found"), LABELS, MODEL, KEY)}
    net |= {"decision": decision, "output": {"class": "copy", "from": "x"}}
    cases = [case | {"behavior_version": 21} for case in search_cases(net, EXTERN_DATA, LENGTHS, range(4), scale=1.0)]
    found = [compare_search(*pair) for pair in zip(cases, returnn([dict(case) for case in cases]), strict=True)]
    assert len({labels for of_case in found for labels in of_case}) > 2
