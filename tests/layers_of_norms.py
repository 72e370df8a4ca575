"""Networks of normalizing layers and of front ends, for tests/every_layer.py."""

# with the running statistics in training too, as those of a batch would make a sequence depend on the others
RUNNING = {"use_sample": 1.0, "delay_sample_update": True}
NORMS = {
    "norm": {"class": "batch_norm", "from": "data:dense", "dropout": 0.1, **RUNNING},
    "hidden": {"class": "linear", "from": "norm", "n_out": 4, "activation": "tanh", "batch_norm": RUNNING},
    "loop": {
        "class": "rec", "from": "hidden",
        "unit": {
            "norm": {"class": "batch_norm", "from": "data:source", "param_version": 2, **RUNNING},
            "output": {"class": "linear", "from": ["norm", "prev:output"], "n_out": 3, "activation": "tanh"},
        },
    },
    "output": {"class": "softmax", "from": "loop", "loss": "ce", "target": "align"},
}  # fmt: skip
FRONT_ENDS = {
    "scaled": {"class": "combine", "kind": "mul", "from": ["data:dense", "scale"]},
    "scale": {"class": "variable", "shape": (5,), "init": 0.5, "add_batch_axis": True},
    "window": {"class": "window", "from": "scaled", "window_size": 3, "stride": 2},
    "smooth": {"class": "weighted_sum", "from": "window", "axes": "T", "size": (3,), "padding": "same"},
    "sum": {"class": "weighted_sum", "from": "smooth", "axes": "dim:3"},
    "norm": {"class": "norm", "from": "sum", "axes": ["T", "F"]},
    "depthwise": {"class": "conv", "from": "norm", "filter_size": (3,), "padding": "same", "groups": 5, "n_out": 5, "with_bias": True},
    "upsampled": {
        "class": "transposed_conv", "from": "depthwise", "filter_size": (3,), "strides": (2,), "n_out": 4, "activation": "tanh",
    },
    "longer": {"class": "transposed_conv", "from": "upsampled", "filter_size": (4,), "strides": (1,), "padding": "valid", "n_out": 4},
    "size": {"class": "math_norm", "from": "longer", "p": 2, "axis": "F", "keep_dims": True},
    "share": {"class": "batch_softmax", "from": "size"},
    "loop": {
        "class": "rec", "from": "longer",
        "unit": {
            "before": {"class": "window", "from": "data:source", "window_size": 2, "window_right": 0},
            "past": {"class": "window", "from": "prev:output", "window_size": 3, "window_left": 2},
            "flat": {"class": "merge_dims", "from": "before", "axes": "static"},
            "memory": {"class": "merge_dims", "from": "past", "axes": "static"},
            "output": {"class": "linear", "from": ["flat", "memory"], "n_out": 3, "activation": "tanh"},
        },
    },
    "output": {"class": "combine", "kind": "mul", "from": ["loop", "share"], "loss": "as_is"},
}  # fmt: skip
SOUND = {
    "samples": {"class": "linear", "from": "data:dense", "n_out": 1, "activation": "tanh"},
    "spectra": {"class": "stft", "from": "samples", "frame_shift": 2, "frame_size": 3, "fft_size": 4},
    "again": {"class": "istft", "from": "spectra", "frame_shift": 2, "frame_size": 3, "fft_size": 4, "loss": "as_is"},
    "pairs": {"class": "complex_to_alternating_real", "from": "spectra"},
    "complex": {"class": "alternating_real_to_complex", "from": "pairs"},
    "bins": {"class": "activation", "from": "complex", "activation": "abs"},
    "mels": {"class": "mel_filterbank", "from": "bins", "fft_size": 4, "nr_of_filters": 2},
    "output": {"class": "dct", "from": "mels", "loss": "as_is"},
}
NETWORKS = {"norms": NORMS, "front_ends": FRONT_ENDS, "sound": SOUND}
