"""Networks as programs generate them: each module is a subnetwork, each parameter a `variable`, each axis a `Dim`.

linear(x, in_dim, out_dim)      a subnetwork with two variables, a `dot` and a `combine`
conformer_block(x, model)       feed-forward, self-attention and convolution, each with layer norm and a residual
decoder(encoder, key)           a loop with attention, whose step is such modules
"""

from boulder.returnn.provided.dims import Dim, FeatureDim, SpatialDim, batch_dim, single_step_dim


def module(layers, **options):
    return {"class": "subnetwork", "from": [], "subnetwork": layers, **options}


def outside(source, depth=1):
    """:return: the reference from within `depth` modules"""
    return f"{'base:' * depth}{source}"


def parameter(dims, init="glorot_uniform"):
    return {"class": "variable", "shape": dims, "init": init, "param_name": "param"}


def linear(source, in_dim, out_dim, axes):
    """
    :param axes: axes of the source, without its features
    """
    rows = in_dim.copy(match_priority=1) if in_dim == out_dim else in_dim
    return module({
        "weight": parameter([rows, out_dim]),
        "dot": {"class": "dot", "from": [outside(source), "weight"], "reduce": in_dim, "out_shape": {*axes, out_dim}},
        "bias": parameter([out_dim], 0.1),
        "output": {"class": "combine", "kind": "add", "from": ["dot", "bias"], "out_shape": {*axes, out_dim}},
    })  # fmt: skip


def layer_norm(source, dim, axes):
    def reduced(source):
        return {"class": "reduce", "mode": "mean", "axis": dim, "from": source, "out_shape": {*axes}}

    def combined(kind, *sources):
        return {"class": "combine", "kind": kind, "from": [*sources], "out_shape": {*axes, dim}}

    return module({
        "mean": reduced(outside(source)),
        "centered": combined("sub", outside(source), "mean"),
        "squares": {"class": "eval", "from": "centered", "eval": "tf.square(source(0))"},
        "variance": reduced("squares"),
        "scale": parameter([dim], 1.0),
        "bias": parameter([dim], 0.0),
        "factor": {"class": "eval", "from": "variance", "eval": "tf.math.rsqrt(tf.abs(source(0)) + 1e-3)"},
        "normal": combined("mul", "centered", "factor"),
        "scaled": combined("mul", "normal", "scale"),
        "output": combined("add", "scaled", "bias"),
    })  # fmt: skip


def feed_forward(source, model, axes):
    inner = 2 * model
    return module({
        "norm": layer_norm(outside(source), model, axes),
        "in": linear("norm", model, inner, axes),
        "swish": {"class": "activation", "activation": "swish", "from": "in"},
        "out": linear("swish", inner, model, axes),
        "output": {"class": "combine", "kind": "add", "from": [outside(source), "out"], "out_shape": {*axes, model}},
    })  # fmt: skip


def self_attention(source, time, model, heads):
    keys, size = SpatialDim("keys"), Dim(model.dimension // heads.dimension, name="head", kind=Dim.Types.Feature)
    axes = {batch_dim, time}
    layers = {"norm": layer_norm(outside(source), model, axes)}
    for name in ("query", "key", "value"):
        projected = FeatureDim(name, model.dimension)
        layers[name] = linear("norm", model, projected, axes)
        layers[f"{name}_heads"] = {
            "class": "split_dims", "from": name, "axis": projected, "dims": (heads, size),
            "out_shape": {*axes, heads, size},
        }  # fmt: skip
    for name in ("key", "value"):
        layers[f"{name}_frames"] = {
            "class": "reinterpret_data", "from": f"{name}_heads", "set_dim_tags": {time: keys},
            "out_shape": {batch_dim, keys, heads, size},
        }  # fmt: skip
    return module({
        **layers,
        "energy": {"class": "dot", "from": ["query_heads", "key_frames"], "reduce": size, "out_shape": {*axes, heads, keys}},
        "weights": {"class": "softmax_over_spatial", "from": "energy", "axis": keys, "energy_factor": size.dimension**-0.5},
        "contexts": {"class": "dot", "from": ["weights", "value_frames"], "reduce": keys, "out_shape": {*axes, heads, size}},
        "merged": {"class": "merge_dims", "from": "contexts", "axes": (heads, size), "keep_order": True, "out_dim": heads * size},
        "out": linear("merged", heads * size, model, axes),
        "output": {"class": "combine", "kind": "add", "from": [outside(source), "out"], "out_shape": {*axes, model}},
    })  # fmt: skip


def convolution(source, time, model):
    axes = {batch_dim, time}
    return module({
        "norm": layer_norm(outside(source), model, axes),
        "in": linear("norm", model, 2 * model, axes),
        "gating": {"class": "gating", "from": "in", "activation": None, "out_dim": model, "out_shape": {*axes, model}},
        "depthwise": {
            "class": "conv", "from": "gating", "in_dim": model, "out_dim": model, "groups": model.dimension, "filter_size": [3],
            "padding": "same", "in_spatial_dims": [time], "out_spatial_dims": [time], "with_bias": True,
            "out_shape": {*axes, model},
        },
        "swish": {"class": "activation", "activation": "swish", "from": "depthwise"},
        "out": linear("swish", model, model, axes),
        "output": {"class": "combine", "kind": "add", "from": [outside(source), "out"], "out_shape": {*axes, model}},
    })  # fmt: skip


def conformer_block(source, time, model, heads):
    axes = {batch_dim, time}
    return module({
        "ff1": feed_forward(outside(source), model, axes),
        "attention": self_attention("ff1", time, model, heads),
        "conv": convolution("attention", time, model),
        "ff2": feed_forward("conv", model, axes),
        "output": layer_norm("ff2", model, axes),
    })  # fmt: skip


def decoder(encoder, time, label_time, labels, model, key):
    """:param encoder: a layer with the axes batch, time and model"""
    return {
        "keys": linear(encoder, model, key, {batch_dim, time}),
        "decoder": {"class": "rec", "from": [], "axis": label_time, "target": "classes", "max_seq_len": 6, "unit": {
            "embedding": {"class": "linear", "from": "prev:output", "in_dim": labels, "out_dim": key, "activation": None},
            "s": {"class": "rec", "unit": "nativelstm2", "from": ["embedding", "prev:context"], "axis": single_step_dim, "out_dim": key},
            "query": linear("s", key, key, {batch_dim}),
            "energy": {"class": "dot", "from": ["base:keys", "query"], "reduce": key, "out_shape": {batch_dim, time}},
            "weights": {"class": "softmax_over_spatial", "from": "energy", "axis": time},
            "context": {"class": "dot", "from": ["weights", f"base:{encoder}"], "reduce": time, "out_shape": {batch_dim, model}},
            "readout": {"class": "linear", "from": ["s", "context"], "out_dim": model, "activation": "tanh"},
            "prob": {"class": "softmax", "from": "readout", "in_dim": model, "out_dim": labels, "loss": "ce", "target": "classes"},
            "output": {"class": "choice", "from": "prob", "beam_size": 3, "target": "classes", "initial_output": 0},
            "end": {"class": "compare", "from": "output", "value": 0},
        }},
    }  # fmt: skip
