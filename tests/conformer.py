"""A Conformer encoder as programs of the field make its net dict (Gulati et al. 2020)."""


def linear(source, n_out: int, activation=None, **options) -> dict:
    return {"class": "linear", "from": source, "n_out": n_out, "activation": activation, **options}


def add(*sources) -> dict:
    return {"class": "combine", "kind": "add", "from": list(sources)}


def feed_forward(name: str, source: str, dim: int, dropout: float = 0.0) -> dict:
    """:return: half a residual: x + ½ · W₂ swish(W₁ norm(x)), as layer `name`"""
    return {
        f"{name}_ln": {"class": "layer_norm", "from": source},
        f"{name}_ff1": linear(f"{name}_ln", 2 * dim, "swish"),
        f"{name}_ff2": linear(f"{name}_ff1", dim, dropout=dropout),
        f"{name}_half": {"class": "eval", "from": f"{name}_ff2", "eval": "0.5 * source(0)"},
        name: add(f"{name}_half", source),
    }


def attention(name: str, source: str, dim: int, heads: int, clipping: int, dropout: float = 0.0) -> dict:
    """:return: self-attention with relative positions (Shaw, Uszkoreit & Vaswani 2018), as a residual"""
    return {
        f"{name}_ln": {"class": "layer_norm", "from": source},
        f"{name}_rel_pos": {
            "class": "relative_positional_encoding", "from": f"{name}_ln", "n_out": dim // heads, "clipping": clipping,
            "forward_weights_init": "variance_scaling_initializer(mode='fan_in', distribution='uniform', scale=1.0)",
        },
        f"{name}_self": {
            "class": "self_attention", "from": f"{name}_ln", "n_out": dim, "num_heads": heads, "total_key_dim": dim,
            "key_shift": f"{name}_rel_pos", "attention_dropout": dropout,
        },
        f"{name}_linear": linear(f"{name}_self", dim, with_bias=False),
        name: add(f"{name}_linear", source),
    }  # fmt: skip


def convolution(name: str, source: str, dim: int, kernel: int, norm: dict, dropout: float = 0.0) -> dict:
    """:return: gated linear unit, depthwise convolution, batch norm, as a residual"""
    return {
        f"{name}_ln": {"class": "layer_norm", "from": source},
        f"{name}_pointwise1": linear(f"{name}_ln", 2 * dim),
        f"{name}_glu": {"class": "gating", "from": f"{name}_pointwise1", "activation": None},
        f"{name}_depthwise": {
            "class": "conv", "from": f"{name}_glu", "n_out": dim, "filter_size": (kernel,), "groups": dim, "padding": "same",
            "with_bias": True,
        },
        f"{name}_bn": {"class": "batch_norm", "from": f"{name}_depthwise", **norm},
        f"{name}_swish": {"class": "activation", "from": f"{name}_bn", "activation": "swish"},
        f"{name}_pointwise2": linear(f"{name}_swish", dim, dropout=dropout),
        name: add(f"{name}_pointwise2", source),
    }  # fmt: skip


def block(
    name: str, source: str, *, dim: int, heads: int, kernel: int, clipping: int, norm: dict, dropout: float = 0.0
) -> dict:
    """:return: a Conformer block, as layer `name`"""
    return {
        **feed_forward(f"{name}_ffmod_1", source, dim, dropout),
        **attention(f"{name}_self_att", f"{name}_ffmod_1", dim, heads, clipping, dropout),
        **convolution(f"{name}_conv_mod", f"{name}_self_att", dim, kernel, norm, dropout),
        **feed_forward(f"{name}_ffmod_2", f"{name}_conv_mod", dim, dropout),
        name: {"class": "layer_norm", "from": f"{name}_ffmod_2"},
    }
