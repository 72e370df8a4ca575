"""Networks with `Dim` objects give the same numbers as in RETURNN, whose axes are those of Boulder."""

import pytest

from boulder.returnn.provided.dims import FeatureDim, ImplicitSparseDim, SpatialDim, batch_dim
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
LENGTHS = {"data": [5, 2], "classes": [3, 7]}
A, B, C = FeatureDim("a", 4), FeatureDim("b", 4), FeatureDim("c", 3)


def linear(source, dim, activation="tanh", **options):
    return {"class": "linear", "from": source, "out_dim": dim, "activation": activation, **options}


def layer(class_name, source="h", **options):
    return {"class": class_name, "from": source, **options}


H = {"h": linear("data", A, in_dim=INPUT), "g": linear("data", B)}
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
    "sparse": {"s": layer("copy", "data:classes", out_shape={batch_dim, LABEL_TIME, ImplicitSparseDim(LABELS)}), "x": linear("s", C)},
}  # fmt: skip


@pytest.fixture(scope="module")
def results(returnn):
    cases = {}
    for name, layers in CASES.items():
        net = H | layers | {"output": {"class": "eval", "from": "x", "eval": "tf.square(source(0))", "loss": "as_is"}}
        cases[name] = network_case(net, EXTERN_DATA, LENGTHS, ("x",)) | {"behavior_version": BEHAVIOR_VERSION}
    return run_cases(returnn, cases)


@pytest.mark.parametrize("name", CASES)
def test_outputs_and_gradients_match(results, name):
    compare(*results[name])
