"""A network as programs generate it, with a `Dim` for each axis, for tests/every_layer.py."""

from boulder.returnn.provided.dims import FeatureDim, SpatialDim, batch_dim
from tests.generated_networks import conformer_block, decoder, linear

TIME, LABEL_TIME, LABELS = SpatialDim("time"), SpatialDim("label-time"), FeatureDim("label", 3)
INPUT, MODEL, HEADS, KEY = FeatureDim("input", 5), FeatureDim("model", 4), SpatialDim("heads", 2), FeatureDim("key", 3)
AXES = {batch_dim, TIME}
POOLED, PARTS, PART = SpatialDim("pooled"), SpatialDim("parts", 2), FeatureDim("part", 2)
GENERATED = {
    "input": {"class": "reinterpret_data", "from": "data:dense", "set_dim_tags": {"T": TIME, "F": INPUT}},
    "h": linear("input", INPUT, MODEL, AXES),
    "x": conformer_block("h", TIME, MODEL, HEADS),
    "outer": {"class": "combine", "kind": "mul", "from": ["x", "other"], "out_shape": {*AXES, MODEL, KEY}},
    "other": linear("input", INPUT, KEY, AXES),
    "summed": {"class": "reduce", "mode": "sum", "from": "outer", "axis": MODEL, "out_shape": {*AXES, KEY}},
    "split": {"class": "split_dims", "from": "x", "axis": MODEL, "dims": (PARTS, PART)},
    "pooled": {
        "class": "pool", "mode": "max", "from": "split", "pool_size": [2], "padding": "same", "in_spatial_dims": [TIME],
        "out_spatial_dims": [POOLED], "out_shape": {batch_dim, POOLED, PARTS, PART},
    },
    "best": {"class": "reduce", "mode": "mean", "from": "pooled", "axes": {POOLED, PARTS}, "out_shape": {batch_dim, PART}},
    "joint": {"class": "linear", "from": ["summed", "best"], "out_dim": MODEL, "activation": "tanh", "dropout": 0.2},
    **decoder("joint", TIME, LABEL_TIME, LABELS, MODEL, KEY),
    "last": {"class": "reduce", "mode": "mean", "from": "states", "axis": LABEL_TIME},
    "states": {"class": "linear", "from": "decoder", "in_dim": LABELS, "out_dim": MODEL, "activation": "tanh"},
    "output": {"class": "softmax", "from": ["joint", "last"], "n_out": 4, "loss": "ce", "target": "align"},
}  # fmt: skip
NETWORKS = {"generated": GENERATED}
