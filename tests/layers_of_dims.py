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
REPEATED = SpatialDim("repeated")
GIVEN = {
    "input": {"class": "reinterpret_data", "from": "data:dense", "set_dim_tags": {"T": TIME, "F": INPUT}},
    "pooled": {"class": "pool", "mode": "max", "from": "input", "pool_size": [2], "padding": "same"},
    "up": {
        "class": "transposed_conv", "from": "pooled", "filter_size": [3], "strides": 2, "out_spatial_dims": [TIME],
        "out_dim": MODEL, "activation": "tanh",
    },
    "later": {"class": "slice_nd", "from": "up", "start": 1, "size": TIME},
    "ones": {"class": "constant", "value": 2, "dtype": "int32", "shape": (batch_dim, TIME), "shape_deps": ["input"]},
    "twice": {"class": "repeat", "from": "later", "repetitions": "ones", "out_dim": REPEATED},
    "again": {"class": "repeat", "from": "up", "repetitions": "ones", "out_dim": REPEATED},
    "sum": {"class": "combine", "kind": "add", "from": ["twice", "again"], "out_shape": {batch_dim, REPEATED, MODEL}},
    "factor": {
        "class": "eval", "from": [], "out_type": {"shape": (), "batch_dim_axis": None, "dtype": "float32"},
        "eval": "tf.where(self.network.train_flag, 1.5, 1.0)",
    },
    "scaled": {"class": "combine", "kind": "mul", "from": ["sum", "factor"]},
    "mean": {"class": "reduce", "mode": "mean", "from": "scaled", "axis": REPEATED},
    "joint": {"class": "combine", "kind": "add", "from": ["up", "mean"], "out_shape": {batch_dim, TIME, MODEL}},
    "output": {"class": "softmax", "from": "joint", "n_out": 4, "loss": "ce", "target": "align"},
}  # fmt: skip
NETWORKS = {"generated": GENERATED, "given lengths": GIVEN}
