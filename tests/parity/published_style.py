"""Small versions of published networks for speech recognition, translation and speech synthesis, in RETURNN's net dicts."""

INIT = "variance_scaling_initializer(mode='fan_in', distribution='uniform', scale=0.78)"
CLIP = {"class": "eval", "eval": "tf.clip_by_value(source(0), -3.0, 3.0)", "from": "data"}


def linear(source, n_out, activation=None, **options):
    return {"class": "linear", "activation": activation, "n_out": n_out, "from": source, **options}


def lstm(source, n_out, direction=1, unit="nativelstm2"):
    return {"class": "rec", "unit": unit, "n_out": n_out, "direction": direction, "from": source}


def cell(source, n_out, unit="LSTMBlock", **options):
    return {"class": "rnn_cell", "unit": unit, "from": source, "n_out": n_out, **options}


def add(*sources, **options):
    return {"class": "combine", "kind": "add", "from": list(sources), **options}


def choice(beam_size=3, **options):
    return {
        "class": "choice",
        "target": "classes",
        "beam_size": beam_size,
        "from": "output_prob",
        "initial_output": 0,
        **options,
    }


END = {"class": "compare", "from": "output", "value": 0}


def decision(target="classes"):
    return {
        "class": "decide",
        "from": "output",
        "loss": "edit_distance",
        "target": target,
        "only_on_search": True,
        "loss_opts": {},
    }


def pooled_encoder(heads=1, pools=(3, 2), n=6, key=4) -> dict:
    """BLSTM layers with max pooling in time between them, and the layers that attention reads."""
    net, source = {"source": CLIP}, "source"
    for layer, pool in enumerate((*pools, None)):
        net[f"lstm{layer}_fw"], net[f"lstm{layer}_bw"] = lstm(source, n // 2), lstm(source, n // 2, -1)
        source = [f"lstm{layer}_fw", f"lstm{layer}_bw"]
        if pool:
            net[f"lstm{layer}_pool"] = {
                "class": "pool", "mode": "max", "padding": "same", "pool_size": (pool,), "from": source, "trainable": False,
            }  # fmt: skip
            source = f"lstm{layer}_pool"
    return {
        **net,
        "encoder": {"class": "copy", "from": source},
        "enc_ctx": linear("encoder", key),
        "inv_fertility": linear("encoder", heads, "sigmoid", with_bias=False),
        "enc_value": {"class": "split_dims", "axis": "F", "dims": (heads, n // heads), "from": ["encoder"]},
    }


def listener(encoder: dict, heads=1, key=4, options: dict | None = None, beyond: dict | None = None, **changes) -> dict:
    """
    Decoder with additive attention, weight feedback, fertility and a maxout readout.

    :param options: additional options of the loop
    :param beyond: additional layers outside of the loop
    :param changes: layers of the unit to add or replace; None removes a layer
    """
    accumulated = "source(0) + source(1) * source(2) * 0.5"
    unit = {
        "output": choice(cheating=False),
        "end": END,
        "target_embed": linear("output", 5, with_bias=False, initial_output=0),
        "weight_feedback": linear("prev:accum_att_weights", key, with_bias=False),
        "s_transformed": linear("s", key, with_bias=False),
        "energy_in": add("base:enc_ctx", "weight_feedback", "s_transformed", n_out=key),
        "energy_tanh": {"class": "activation", "activation": "tanh", "from": ["energy_in"]},
        "energy": linear("energy_tanh", heads, with_bias=False),
        "att_weights": {"class": "softmax_over_spatial", "from": ["energy"]},
        "accum_att_weights": {
            "class": "eval", "from": ["prev:accum_att_weights", "att_weights", "base:inv_fertility"], "eval": accumulated,
            "out_type": {"dim": heads, "shape": (None, heads)},
        },
        "att0": {"class": "generic_attention", "weights": "att_weights", "base": "base:enc_value"},
        "att": {"class": "merge_dims", "axes": "except_batch", "from": ["att0"]},
        "s": cell(["prev:target_embed", "prev:att"], 6),
        "readout_in": linear(["s", "prev:target_embed", "att"], 8),
        "readout": {"class": "reduce_out", "mode": "max", "num_pieces": 2, "from": ["readout_in"]},
        "output_prob": {
            "class": "softmax", "from": ["readout"], "target": "classes", "loss": "ce", "loss_opts": {"label_smoothing": 0.1},
        },
    }  # fmt: skip
    unit = {name: layer for name, layer in (unit | changes).items() if layer is not None}
    loop = {"class": "rec", "from": [], "cheating": False, "unit": unit, "target": "classes"}
    loop |= {"max_seq_len": "max_len_from('base:encoder')"} | (options or {})
    return {**encoder, "output": loop, "decision": decision(), **(beyond or {})}


CTC = {
    "class": "softmax", "from": ["encoder"], "loss": "ctc", "target": "classes", "loss_scale": 0.5,
    "loss_opts": {"beam_width": 1, "ctc_opts": {"ignore_longer_outputs_than_inputs": True}},
}  # fmt: skip


def located(source: str, size: int) -> dict:
    """:return: layers of location-aware attention, which convolves the weights in time"""
    conv = {"class": "conv", "from": source, "filter_size": (size,), "padding": "same", "n_out": 3}
    return {"convolved": conv, "weight_feedback": linear("convolved", 4, with_bias=False)}


def transformer(layers=1, beam_size=4, d=6, heads=2, **options) -> dict:
    """Pre-norm Transformer (Vaswani et al. 2017) in the layers of the RETURNN setups."""
    net = {"source_embed_raw": linear("data", d, with_bias=False, forward_weights_init=INIT)}
    net["source_embed"] = {"class": "positional_encoding", "add_to_input": True, "from": "source_embed_raw"}
    unit = {
        "output": choice(beam_size),
        "end": END,
        "target_embed_raw": linear("prev:output", d, with_bias=False, forward_weights_init=INIT),
        "target_embed_weighted": {"class": "eval", "from": "target_embed_raw", "eval": "source(0) * 2.449"},
        "target_embed": {"class": "positional_encoding", "add_to_input": True, "from": "target_embed_weighted"},
    }
    source, target = "source_embed", "target_embed"
    for layer in range(1, layers + 1):
        source = _add_self_attention(net, f"enc_{layer:02d}", source, d, heads, left_only=False)
        source = _add_feed_forward(net, f"enc_{layer:02d}", source, d)
        target = _add_self_attention(unit, f"dec_{layer:02d}", target, d, heads, left_only=True)
        target = _add_attention(net, unit, f"dec_{layer:02d}", target, d, heads)
        target = _add_feed_forward(unit, f"dec_{layer:02d}", target, d)
    net["encoder"] = {"class": "layer_norm", "from": [source]}
    unit["decoder"] = {"class": "layer_norm", "from": [target]}
    unit["output_prob"] = {
        "class": "softmax", "from": ["decoder"], "target": "classes", "loss": "ce", "loss_opts": {"label_smoothing": 0.1},
        "with_bias": True, "forward_weights_init": INIT, "is_output_layer": True,
    }  # fmt: skip
    loop = {
        "class": "rec",
        "from": [],
        "unit": unit,
        "target": "classes",
        "max_seq_len": "max_len_from('base:encoder') * 2",
    }
    return {**net, "output": loop | options, "decision": decision()}


def _add_self_attention(net: dict, name: str, source: str, d: int, heads: int, left_only: bool) -> str:
    net[f"{name}_self_att_laynorm"] = {"class": "layer_norm", "from": [source]}
    net[f"{name}_self_att_att"] = {
        "class": "self_attention", "num_heads": heads, "total_key_dim": d, "n_out": d, "from": [f"{name}_self_att_laynorm"],
        "attention_left_only": left_only, "forward_weights_init": INIT,
    }  # fmt: skip
    net[f"{name}_self_att_lin"] = linear([f"{name}_self_att_att"], d, with_bias=False)
    net[f"{name}_self_att_drop"] = {"class": "dropout", "dropout": 0.0, "from": [f"{name}_self_att_lin"]}
    net[f"{name}_self_att_out"] = add(source, f"{name}_self_att_drop", n_out=d)
    return f"{name}_self_att_out"


def _add_attention(net: dict, unit: dict, name: str, source: str, d: int, heads: int) -> str:
    split = {"class": "split_dims", "axis": "F", "dims": (heads, d // heads)}
    unit[f"{name}_att_laynorm"] = {"class": "layer_norm", "from": [source]}
    unit[f"{name}_att_query0"] = linear([f"{name}_att_laynorm"], d, with_bias=False)
    unit[f"{name}_att_query"] = {**split, "from": [f"{name}_att_query0"]}
    for part in ("key", "value"):
        net[f"{name}_att_{part}0"] = linear(["encoder"], d, with_bias=False)
        net[f"{name}_att_{part}"] = {**split, "from": [f"{name}_att_{part}0"]}
    unit[f"{name}_att_energy"] = {
        "class": "dot", "red1": -1, "red2": -1, "var1": "T", "var2": "T?", "from": [f"base:{name}_att_key", f"{name}_att_query"],
    }  # fmt: skip
    unit[f"{name}_att_weights"] = {
        "class": "softmax_over_spatial", "from": [f"{name}_att_energy"], "energy_factor": (d // heads) ** -0.5,
    }  # fmt: skip
    unit[f"{name}_att_weights_drop"] = {
        "class": "dropout", "dropout_noise_shape": {"*": None}, "from": [f"{name}_att_weights"], "dropout": 0.0,
    }  # fmt: skip
    unit[f"{name}_att0"] = {
        "class": "generic_attention",
        "weights": f"{name}_att_weights_drop",
        "base": f"base:{name}_att_value",
    }
    unit[f"{name}_att_att"] = {"class": "merge_dims", "axes": "static", "from": [f"{name}_att0"]}
    unit[f"{name}_att_lin"] = linear([f"{name}_att_att"], d, with_bias=False)
    unit[f"{name}_att_out"] = add(source, f"{name}_att_lin", n_out=d)
    return f"{name}_att_out"


def _add_feed_forward(net: dict, name: str, source: str, d: int) -> str:
    net[f"{name}_ff_laynorm"] = {"class": "layer_norm", "from": [source]}
    net[f"{name}_ff_conv1"] = linear([f"{name}_ff_laynorm"], 2 * d, "relu")
    net[f"{name}_ff_conv2"] = linear([f"{name}_ff_conv1"], d)
    net[f"{name}_ff_out"] = add(source, f"{name}_ff_conv2", n_out=d)
    net[name] = {"class": "copy", "from": [f"{name}_ff_out"]}
    return name


def _conv(source, size, **options):
    return {"class": "conv", "from": source, "filter_size": size, "padding": "same", "with_bias": True, **options}


VGG_CTC = {
    "source0": {"class": "split_dims", "axis": "F", "dims": (-1, 1), "from": "data"},
    "conv0": _conv("source0", (3, 3), n_out=3, auto_use_channel_first=False),
    "conv1": _conv("conv0", (3, 3), n_out=3, activation="relu", auto_use_channel_first=False),
    "conv1p": {"class": "pool", "mode": "max", "padding": "same", "pool_size": (1, 2), "from": "conv1", "use_channel_first": False},
    "conv2": _conv("conv1p", (3, 3), n_out=2, activation="relu", strides=(2, 1), auto_use_channel_first=False),
    "conv_merged": {"class": "merge_dims", "axes": "static", "from": "conv2"},
    "fw": lstm("conv_merged", 4), "bw": lstm("conv_merged", 4, -1),
    "encoder": {"class": "copy", "from": ["fw", "bw"]},
    "output": CTC | {"loss_scale": 1.0},
}  # fmt: skip
CONFORMER_CTC = {
    "pre": linear("data", 6),
    "norm": {"class": "layer_norm", "from": "pre"},
    "pointwise1": linear("norm", 12),
    "glu": {"class": "gating", "from": "pointwise1", "activation": "identity", "gate_activation": "sigmoid"},
    "depthwise": _conv("glu", (5,), n_out=6, groups=6),
    "swish": {"class": "activation", "activation": "swish", "from": "depthwise"},
    "pointwise2": linear("swish", 6),
    "residual": add("pre", "pointwise2"),
    "half": {"class": "eval", "eval": "0.5 * source(0) + source(1)", "from": ["pointwise2", "residual"]},
    "distance": {"class": "relative_positional_encoding", "from": "residual", "n_out": 3, "clipping": 4},
    "attention": {"class": "self_attention", "from": "half", "n_out": 6, "num_heads": 2, "total_key_dim": 6, "key_shift": "distance"},
    "encoder": {"class": "layer_norm", "from": "attention"},
    "output": CTC | {"loss_opts": {"beam_width": 1}},
}  # fmt: skip
TACOTRON_UNIT = {
    "output": {"class": "copy", "from": ["frame"]},
    "frame": linear(["s2", "att"], 4, target="frames", loss="mean_l1"),
    "truth": {"class": "copy", "from": "data:frames"},
    "pre_net_1": linear("prev:truth", 4, "relu"),
    "pre_net_2": linear("pre_net_1", 4, "relu"),
    "s": cell(["pre_net_2", "prev:att"], 6),
    "s2": cell(["s", "att"], 6),
    "s_transformed": linear("s", 4, with_bias=False),
    "convolved": {"class": "conv", "from": "prev:accum", "filter_size": (3,), "n_out": 2, "padding": "same"},
    "feedback": linear("convolved", 4, with_bias=False),
    "energy_in": add("base:enc_ctx", "feedback", "s_transformed", n_out=4),
    "energy_tanh": {"class": "activation", "activation": "tanh", "from": "energy_in"},
    "energy": linear("energy_tanh", 1, with_bias=False),
    "att_weights": {"class": "softmax_over_spatial", "from": "energy", "is_output_layer": True},
    "accum": add("prev:accum", "att_weights", n_out=1),
    "att": {"class": "generic_attention", "weights": "att_weights", "base": "base:encoder"},
    "stop_token": linear(["s2", "att"], 1, target="stop", loss="bin_ce", loss_scale=0.4),
}
TACOTRON = {
    "embed": linear("data:phones", 5, with_bias=False),
    "conv": _conv("embed", (5,), n_out=5, activation="relu"),
    "fw": lstm("conv", 3), "bw": lstm("conv", 3, -1),
    "encoder": {"class": "copy", "from": ["fw", "bw"]},
    "enc_ctx": linear("encoder", 4),
    "decoder": {"class": "rec", "from": [], "target": "frames", "max_seq_len": 20, "unit": TACOTRON_UNIT},
    "post_1": _conv("decoder", (5,), n_out=4, activation="tanh"),
    "post_2": linear("post_1", 4),
    "output": add("decoder", "post_2", loss="mean_l1", target="frames"),
}  # fmt: skip
TRANSLATION = {
    "emb": linear("data:phones", 5, with_bias=False),
    "fw": lstm("emb", 3, unit="GRU"),
    "bw": lstm("emb", 3, -1, "GRU"),
    "encoder": {"class": "copy", "from": ["fw", "bw"]},
    "enc_value": {"class": "split_dims", "axis": "F", "dims": (1, 6), "from": ["encoder"]},
    "enc_ctx": linear("encoder", 4),
    "fertility": linear("encoder", 1, "sigmoid", with_bias=False),
    "inv_fertility": {"class": "eval", "from": "fertility", "eval": "1.0 / (2.0 * source(0))"},
    "state": {"class": "get_last_hidden_state", "from": ["bw"], "n_out": 3},
    "init": linear("state", 6, "tanh"),
}
FRAME_BY_FRAME = {
    "source": linear("data:align", 4),
    "encoder": lstm("source", 4),
    "output": {
        "class": "rec", "from": "encoder", "target": "align", "include_eos": True,
        "unit": {
            "label": linear("prev:output", 3, with_bias=False),
            "s": lstm(["data:source", "label"], 5),
            "output_prob": {"class": "softmax", "from": "s", "target": "align", "loss": "ce"},
            "output": choice(target="align"),
        },
    },
    "decision": decision("align"),
}  # fmt: skip
