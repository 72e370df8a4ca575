"""A tiny network with `twod_lstm` and the recurrent units beyond LSTM and GRU, alone, in a loop and moved out of it."""


def _unit(name: str, source, cls: str = "rec", **options) -> dict:
    return {"class": cls, "unit": name, "from": source, "n_out": 3, **options}


_NORMS = {"global_norm": False, "per_gate_norm": True, "hidden_norm": True}
_ZONEOUT = {"zoneout_factor_cell": 0.0}  # others draw random numbers for each sequence
_IN_LOOP = {
    "moved": _unit("VanillaLSTM", "data:source"),
    "zoneout": _unit("ZoneoutLSTM", ["moved", "prev:output"], "rnn_cell", unit_opts=_ZONEOUT),
    "normed": _unit("LayerNormVariantsLSTM", "zoneout", "rnn_cell", initial_state="var"),
    "highway": _unit("RHN", ["normed", "prev:output"], unit_opts={"depth": 2}),
    "grid": {"class": "twod_lstm", "from": ["base:rows", "highway"], "n_out": 2, "pooling": "average"},
    "output": _unit("BasicRNN", ["highway", "prev:zoneout", "grid"]),
}
_NETWORK = {
    "basic": _unit("BasicRNN", "data:dense", direction=-1),
    "vanilla": _unit("VanillaLSTM", "basic", dropout=0.2),
    "zoneout": _unit("ZoneoutLSTM", "vanilla", unit_opts=_ZONEOUT),
    "shown": _unit("ZoneoutLSTM", "vanilla", direction=-1, unit_opts={**_ZONEOUT, "use_zoneout_output": True}),
    "normed": _unit("LayerNormVariantsLSTM", ["zoneout", "shown"], unit_opts=_NORMS),
    "joined": _unit(
        "LayerNormVariantsLSTM", "normed", unit_opts={"global_norm": False, "global_norm_joined": True, "with_concat": True}
    ),
    "highway": _unit("RHN", "joined", direction=-1),
    "projected": _unit("StandardLSTM", "highway", unit_opts={"num_proj": 3, "use_peepholes": True, "cell_clip": 1.0}),
    "low_mem": _unit("NativeLstmLowMem", "projected", direction=-1),
    "relu": _unit("GRU", "low_mem", unit_opts={"activation": "relu"}),
    "rows": {"class": "linear", "from": "data:classes", "n_out": 2, "activation": None},
    "grid": {"class": "twod_lstm", "from": ["relu", "rows"], "n_out": 2, "pooling": "weighted"},
    "best": {"class": "twod_lstm", "from": ["rows", "relu"], "n_out": 2, "pooling": "max", "loss": "as_is"},
    "last": {"class": "twod_lstm", "from": ["relu", "grid"], "n_out": 2, "loss": "as_is"},
    "loop": {"class": "rec", "from": "relu", "unit": _IN_LOOP},
    "output": {"class": "copy", "from": ["loop", "relu"], "loss": "as_is"},
}  # fmt: skip
NETWORKS = {"units": _NETWORK}
