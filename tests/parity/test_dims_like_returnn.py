"""Networks with `Dim` objects give the same numbers as in RETURNN, whose axes are those of Boulder."""

import pytest

from boulder.returnn.provided.dims import FeatureDim, ImplicitSparseDim, SpatialDim, batch_dim, single_step_dim
from tests.parity.comparing import compare, network_case, run_cases

pytestmark = pytest.mark.parity
BEHAVIOR_VERSION = 21
TIME, INPUT, LABEL_TIME, LABELS = (
    SpatialDim("time"),
    FeatureDim("input", 6),
    SpatialDim("labels"),
    FeatureDim("label", 3),
)
EXTERN_DATA = {
    "data": {"dim": 6, "shape": (None, 6), "dim_tags": [batch_dim, TIME, INPUT]},
    "classes": {"dim": 3, "sparse": True, "shape": (None,), "dim_tags": [batch_dim, LABEL_TIME], "sparse_dim": LABELS},
}
LENGTHS = {"data": [5, 2, 4], "classes": [3, 8, 1]}
SHORT, KEYS, HEADS, PART = SpatialDim("short"), SpatialDim("keys"), SpatialDim("heads", 2), FeatureDim("part", 2)
A, B, C = FeatureDim("a", 4), FeatureDim("b", 4), FeatureDim("c", 7)


def linear(source, dim, activation="tanh", **options):
    return {"class": "linear", "from": source, "out_dim": dim, "activation": activation, **options}


def layer(class_name, source="h", **options):
    return {"class": class_name, "from": source, **options}


H = {"h": linear("data", A, in_dim=INPUT), "g": linear("data", B)}
MASK = {
    "one": layer("reduce", mode="sum", axis=A),
    "mask": layer("compare", "one", kind="greater", value=-0.5),
}
SELECTED = SpatialDim("selected")
CASES = {
    "linear": {"x": linear("h", C, in_dim=A, out_shape={batch_dim, TIME, C})},
    "same Dim twice": {"k": linear("data", A), "x": layer("combine", ["h", "k"], kind="add")},
    "two Dims of a size": {"o": layer("combine", ["h", "g"], kind="add", out_shape={batch_dim, TIME, A, B}), "x": linear("o", C, in_dim=B)},
    "two Dims of a size, the other": {"o": layer("combine", ["h", "g"], kind="mul", out_shape={batch_dim, TIME, A, B}), "x": linear("o", C, in_dim=A)},
    "dot over time": {"d": layer("dot", ["h", "g"], reduce=TIME), "e": linear("d", C, in_dim=A), "x": layer("dot", ["e", "g"], reduce=B)},
    "reduce": {"r": layer("reduce", mode="mean", axis=TIME), "x": layer("combine", ["h", "r"], kind="add", out_shape={batch_dim, TIME, A})},
    "reduce features": {"r": layer("reduce", mode="max", axis=A), "x": layer("combine", ["h", "r"], kind="mul")},
    "classes": {"e": linear("data:classes", A, in_dim=LABELS), "m": layer("reduce", "e", mode="mean", axis=LABEL_TIME), "x": layer("combine", ["h", "m"], kind="add")},
    "softmax": {"x": layer("softmax", out_dim=LABELS)},
    "conv": {"c": layer("conv", out_dim=C, with_bias=True, filter_size=[2], strides=2, padding="valid", in_spatial_dims=[TIME], out_spatial_dims=[SHORT]), "x": linear("c", A, in_dim=C)},
    "pool": {"p": layer("pool", mode="max", pool_size=[2], padding="same", in_spatial_dims=[TIME], out_spatial_dims=[SHORT]), "x": linear("p", C, in_dim=A)},
    "halved by derivation": {"p": layer("pool", mode="max", pool_size=[2], padding="same", in_spatial_dims=[TIME]), "m": layer("reduce", "p", mode="max", axis=TIME.ceildiv_right(2)), "x": layer("combine", ["h", "m"], kind="add")},
    "split": {"s": layer("split_dims", axis=A, dims=(HEADS, PART)), "x": linear("s", C, in_dim=PART)},
    "split, other features": {"s": layer("split_dims", axis=A, dims=(HEADS, PART)), "x": linear("s", C, in_dim=HEADS)},
    "split and merged": {"s": layer("split_dims", axis=A, dims=(HEADS, PART)), "x": layer("merge_dims", "s", axes=[HEADS, PART], keep_order=True, out_dim=A)},
    "heads": {
        "k": layer("split_dims", "h", axis=A, dims=(HEADS, PART)), "q": layer("split_dims", "g", axis=B, dims=(HEADS, PART)),
        "kt": layer("reinterpret_data", "k", set_dim_tags={TIME: KEYS}), "e": layer("dot", ["q", "kt"], reduce=PART),
        "w": layer("softmax_over_spatial", "e", axis=KEYS), "c": layer("dot", ["w", "kt"], reduce=KEYS),
        "x": layer("merge_dims", "c", axes=[HEADS, PART], keep_order=True, out_dim=A),
    },
    "expanded": {"e": layer("expand_dims", axis="F", dim=HEADS), "x": linear("e", C, in_dim=A)},
    "renamed": {"r": layer("reinterpret_data", set_dim_tags={A: B}), "x": layer("combine", ["r", "g"], kind="add")},
    "constant": {"k": {"class": "constant", "value": 0.5, "shape": (A,)}, "x": layer("combine", ["h", "k"], kind="mul")},
    "lstm": {"x": layer("rec", unit="nativelstm2", axis=TIME, in_dim=A, out_dim=B)},
    "loop": {"x": layer("rec", axis=TIME, out_shape={batch_dim, TIME, C}, unit={
        "i": linear("data:source", B, in_dim=A), "output": linear(["i", "prev:output"], C, out_shape={batch_dim, C}), })},
    "loop over a target": {"l": {"class": "rec", "from": [], "axis": LABEL_TIME, "target": "classes", "unit": {
        "r": layer("reduce", "base:h", mode="mean", axis=TIME), "s": layer("rec", ["r", "prev:output"], unit="lstm", axis=single_step_dim, out_dim=B),
        "output": linear("s", A), }}, "m": layer("reduce", "l", mode="sum", axis=LABEL_TIME), "x": layer("combine", ["h", "m"], kind="add")},
    "subnetwork": {"x": {"class": "subnetwork", "from": "h", "subnetwork": {"l": linear("data", B, in_dim=A), "output": linear("l", C, in_dim=B)}}},
    "masked": MASK | {
        "m": layer("masked_computation", mask="mask", in_spatial_dim=TIME, out_spatial_dim=SELECTED, unit=linear("data", B)),
        "s": layer("reduce", "m", mode="max", axis=SELECTED), "x": layer("combine", ["g", "s"], kind="mul"),
    },
    "masked and unmasked": MASK | {
        "m": layer("masked_computation", mask="mask", in_spatial_dim=TIME, out_spatial_dim=SELECTED, unit=linear("data", B)),
        "l": linear("m", C, in_dim=B, out_shape={batch_dim, SELECTED, C}), "x": {"class": "unmask", "from": "l", "mask": "mask"},
    },
    "sparse": {"s": layer("copy", "data:classes", out_shape={batch_dim, LABEL_TIME, ImplicitSparseDim(LABELS)}), "x": linear("s", C)},
}  # fmt: skip


def made(name):
    """:return: case of tests.parity.comparing"""
    net = H | CASES[name] | {"output": {"class": "eval", "from": "x", "eval": "tf.square(source(0))", "loss": "as_is"}}
    return network_case(net, EXTERN_DATA, LENGTHS, ("x",)) | {"behavior_version": BEHAVIOR_VERSION}


@pytest.fixture(scope="module")
def results(returnn):
    return run_cases(returnn, {name: made(name) for name in CASES})


@pytest.mark.parametrize("name", CASES)
def test_outputs_and_gradients_match(results, name):
    compare(*results[name])
