"""`Dim` objects in layers that arrange entries: they name the axes that these layers make."""

import numpy as np
import pytest

from boulder.errors import NetworkError
from boulder.network import describe, run_network
from boulder.returnn.provided.dims import FeatureDim, SpatialDim, batch_dim

TIME, INPUT = SpatialDim("time"), FeatureDim("input", 6)
EXTERN_DATA = {"data": {"dim": 6, "shape": (None, 6), "dim_tags": [batch_dim, TIME, INPUT]}}
TWO, THREE, FOUR, OTHER = FeatureDim("two", 2), FeatureDim("three", 3), SpatialDim("four", 4), SpatialDim("other")
HEADS = {"s": {"class": "split_dims", "from": "data", "axis": INPUT, "dims": [TWO, THREE]}}


def of(source, class_name, **options):
    return {"x": {"class": class_name, "from": source, **options}}


CASES = {
    "concat": ({"x": {"class": "concat", "from": [("data", INPUT), ("data", INPUT)], "out_dim": FeatureDim("both", 12)}}, "[batch, time:data, feature:12 'both']"),
    "concat time": ({"x": {"class": "concat", "from": [("data", TIME), ("data", TIME)], "out_dim": OTHER}}, "[batch, time:concat(data, data), feature:6 'input']"),
    "split": (of("p/1", "copy") | {"p": {"class": "split", "from": "data", "out_dims": [FOUR, TWO]}}, "[batch, time:data, feature:2 'two']"),
    "slice": (of("data", "slice", axis=INPUT, slice_end=2, out_dim=TWO), "[batch, time:data, feature:2 'two']"),
    "slice_nd": (of("data", "slice_nd", start=1, size=FOUR), "[batch, spatial:4 'four', feature:6 'input']"),
    "slice_nd of a number": (of("data", "slice_nd", start=1, size=4, out_spatial_dim=FOUR), "[batch, spatial:4 'four', feature:6 'input']"),
    "stack": (of(["data"] * 4, "stack", out_spatial_dim=FOUR), "[batch, time:data, spatial:4 'four', feature:6 'input']"),
    "range": (of([], "range", limit=4, out_spatial_dim=FOUR), "[feature:4 'four']"),
    "pad": (of("s", "pad", axes=[TWO, THREE], padding=[(1, 1), (0, 1)], out_dims=[FOUR, FeatureDim("more", 4)]), "[batch, time:data, spatial:4 'four', feature:4 'more']"),
    "tile": (of("s", "tile", multiples={TWO: 2}, out_dims={TWO: FOUR}), "[batch, time:data, spatial:4 'four', feature:3 'three']"),
    "top_k": (of("data", "top_k", axis=INPUT, k=4, k_dim=FOUR), "[batch, time:data, spatial:4 'four']"),
    "top_k numbers": (of("k/indices", "copy") | {"k": {"class": "top_k", "from": "data", "axis": INPUT, "k": 4, "k_dim": FOUR}}, "[batch, time:data, spatial:4 'four'], 6 classes"),
    "random": (of([], "random", shape=[batch_dim, TIME, FOUR], distribution="normal"), "[batch, time:data, feature:4 'four']"),
    "rand_int": (of([], "rand_int", shape=[FOUR, TWO], maxval=3, dtype="float32"), "[spatial:4 'four', feature:2 'two']"),
    "reshape": (of("s", "reshape", in_dims=[TWO, THREE], out_dims=[THREE, FeatureDim("rest", 2)]), "[batch, time:data, spatial:3 'three', feature:2 'rest']"),
    "transpose": (of("s", "transpose", perm=[batch_dim, THREE, TIME, TWO]), "[batch, feature:3 'three', time:data, spatial:2 'two']"),
    "boolean_mask": (
        {"r": {"class": "reduce", "from": "data", "mode": "sum", "axis": INPUT}, "m": {"class": "compare", "from": "r", "kind": "greater", "value": 0.0}}
        | of("data", "boolean_mask", mask="m", dims=[batch_dim, TIME], out_dim=OTHER),
        "[batch, loop:where(data, m), feature:6 'input']",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_axes_have_their_names(name):
    layers, expected = CASES[name]
    layers = {key: {**layer, "is_output_layer": True} for key, layer in (HEADS | layers).items()}
    spec = describe(layers, EXTERN_DATA)
    text = str(spec.layers["x"].template).removesuffix(" float32").removesuffix(" int32")
    assert text == expected
    data, lengths = (
        {"data": np.random.default_rng(0).normal(size=(2, 5, 6)).astype("float32")},
        {"data": np.array([5, 3], "int32")},
    )
    x = run_network(spec, {}, data, lengths, losses=False).layers["x"]
    assert x.template == spec.layers["x"].template
    assert set(x.axes) == set(x.template.axes)


def test_a_size_that_contradicts_its_dim():
    with pytest.raises(NetworkError, match=r"'out_dims' are .*, but the parts have the sizes"):
        describe({"output": {"class": "split", "from": "data", "num_splits": 2, "out_dims": [FOUR, TWO]}}, EXTERN_DATA)
    with pytest.raises(NetworkError, match="has 4 entries, but the axis of its output is"):
        describe(
            HEADS | of("data", "top_k", axis=INPUT, k=3, k_dim=FOUR) | {"output": {"class": "copy", "from": "x"}},
            EXTERN_DATA,
        )


def test_dims_that_nothing_defines():
    net = {
        "output": {"class": "random", "shape": [batch_dim, OTHER], "distribution": "normal", "is_output_layer": True}
    }
    with pytest.raises(
        NetworkError, match="'shape' must be sizes of at least 1, or Dims that are defined, found Dim 'other'"
    ):
        describe(net, EXTERN_DATA)
