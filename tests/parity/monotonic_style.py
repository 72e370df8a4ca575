"""Decoders with local and monotonic attention in the style of the field, in RETURNN's net dicts."""

from tests.parity.published_style import add, cell, linear, listener, pooled_encoder

POOLED = pooled_encoder(pools=(2,))
ONE_NUMBER = {"shape": (), "batch_dim_axis": 0, "dtype": "float32"}


def evaluated(sources, text, out_type=None, **options) -> dict:
    return {"class": "eval", "from": sources, "eval": text, **({"out_type": out_type} if out_type else {}), **options}


def batch_major(source: str) -> dict:
    return {"class": "reinterpret_data", "enforce_batch_major": True, "from": source}


BEST = "tf.squeeze(tf.argmax(source(0, auto_convert=False), axis=-1, output_type=tf.int32), axis=1)"
"""Frame with the largest weight [B], of weights [B, 1, T]."""

WINDOWED = listener(
    POOLED,
    energy_batch=batch_major("energy"),
    p_t_in=evaluated("prev:att_weights", BEST, {**ONE_NUMBER, "dtype": "int32"}),
    p_t=evaluated("p_t_in", "tf.maximum(source(0) - 1, 0)"),
    att_weights={"class": "softmax_over_spatial", "from": "energy_batch", "window_start": "p_t", "window_size": 3},
)
"""Attention to three frames around the one with the largest weight before (Merboldt et al. 2019)."""

WINDOW_START = listener(
    POOLED,
    energy_batch=batch_major("energy"),
    p_t=evaluated("prev:att_weights", BEST, {**ONE_NUMBER, "dtype": "int32"}, initial_output=0),
    att_weights={"class": "softmax_over_spatial", "from": "energy_batch", "start": "p_t", "energy_factor": 0.5},
)
"""Attention that never moves back."""


def gaussian(**changes) -> dict:
    """A Gaussian window around a position that only moves forwards, on location-aware energies (Luong et al. 2015)."""
    unit = {
        "step": linear("s", 1, "sigmoid"),
        "position": evaluated(
            ["prev:position", "step"],
            "source(0, auto_convert=False) + 2. * tf.squeeze(source(1, auto_convert=False), axis=1)",
            ONE_NUMBER,
            initial_output=0,
        ),
        "frame": {"class": "range_in_axis", "from": "base:encoder", "axis": "T", "dtype": "float32"},
        "window": evaluated(["frame", "position"], "tf.exp(-tf.square(source(0) - source(1)) / 2.)"),
        "weights0": {"class": "softmax_over_spatial", "from": "energy"},
        "att_weights": {"class": "combine", "kind": "mul", "from": ["weights0", "window"]},
        "accum_att_weights": add("prev:accum_att_weights", "att_weights"),
        "convolved": {"class": "conv", "from": "prev:accum_att_weights", "filter_size": (3,), "padding": "same", "n_out": 3},
        "weight_feedback": linear("convolved", 4, with_bias=False),
    }  # fmt: skip
    return listener(POOLED, **(unit | changes))


PASSED = "tf.clip_by_value(tf.math.cumprod(1. - source(0), axis=1, exclusive=True), 1e-6, 1.)"
HARD = listener(
    {
        **POOLED,
        "frames": batch_major("inv_fertility"),
        "first": evaluated("frames", "tf.eye(tf.shape(source(0))[1])[:1, :, None] + 0. * source(0)"),
    },
    p_choose=linear("energy_tanh", 1, "sigmoid", with_bias=False),
    energy=None,
    p_batch=batch_major("p_choose"),
    alpha=evaluated(
        ["p_batch", "prev:alpha"],
        f"source(0) * {PASSED} * tf.cumsum(source(1) / {PASSED}, axis=1)",
        {"shape": (None, 1), "batch_dim_axis": 0, "time_dim_axis": 1},
        initial_output="base:first",
    ),
    att_weights={"class": "copy", "from": "alpha"},
)
"""Hard monotonic attention, in expectation (Raffel et al. 2017)."""

STATES = listener(
    POOLED,
    s0=cell(["prev:target_embed", "prev:att"], 3),
    before={"class": "get_last_hidden_state", "from": ["prev:s0"], "n_out": 6},
    s=cell(["prev:target_embed", "prev:att", "before", "two_states"], 6, "GRU"),
    two_states={"class": "get_last_hidden_state", "from": ["prev:s", "s0"], "n_out": 12},
    counter=evaluated("prev:counter", "source(0) + 0.1", ONE_NUMBER, initial_output=1.0),
    counter2={"class": "expand_dims", "axis": "F", "from": "counter"},
    itself=linear(["prev:itself", "counter2"], 5, "tanh"),
    readout_in=linear(["s", "prev:target_embed", "att", "itself"], 8),
)
"""States of the previous frame; layers that depend on themselves alone."""

DECODERS = {
    "windowed": WINDOWED, "start": WINDOW_START, "gaussian": gaussian(), "hard monotonic": HARD, "states": STATES,
}  # fmt: skip
