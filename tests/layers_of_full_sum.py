"""Tiny networks: full-sum training with automata that are data and priors; costs of frames as outputs, options of losses."""


def _stacked(*columns: str) -> str:
    return f"tf.concat([{', '.join(columns)}], axis=-1)"


_LABEL = "tf.cast(source(0), tf.float32)"
_FIRST = "tf.equal(source(1), 0)"
_ZERO = f"tf.zeros_like({_LABEL})"
NETWORK = {
    "numbers": {"class": "range_in_axis", "from": "data:align", "axis": "T"},
    # one state, which emits the labels of the frames from the second one on
    "arcs": {
        "class": "eval", "from": ["data:align", "numbers"],
        "eval": _stacked(_ZERO, _ZERO, f"tf.where({_FIRST}, -1.0, {_LABEL})", f"0.1 * {_LABEL}"),
        "out_type": {"dtype": "float32", "sparse": False, "shape": (None, 4), "dim": 4},
    },
    "soft": {
        "class": "fast_bw", "from": "scores", "align_target": "fsa", "align_target_key": "layer:arcs", "prior_scale": 0.3,
        "compute_priors": True, "compute_priors_exp_average": 0.1, "tdp_scale": 0.5,
    },
    "scores": {"class": "linear", "from": "data:dense", "n_out": 4, "activation": "log_softmax", "dropout": 0.2},
    "cost": {"class": "copy", "from": "scores", "loss": "via_layer", "loss_opts": {"align_layer": "soft"}},
    "output": {
        "class": "softmax", "from": "data:dense", "n_out": 4, "loss": "fast_bw", "am_scale": 0.7, "prior_scale": 0.2,
        "compute_priors": True, "compute_priors_exp_average": 0.01, "ce_smoothing": 0.1, "ce_target_layer_align": "soft",
        "sprint_opts": {"automata": "layer:arcs"}, "dropout": 0.3,
    },
}  # fmt: skip
OF_FRAMES = {
    "p": {"class": "softmax", "from": "data:dense", "n_out": 4},
    "costs": {"class": "loss", "from": "p", "loss_": "ce", "target_": "align", "loss": "as_is"},
    "errors": {"class": "loss", "from": "p", "loss_": "ce", "target_": "align", "use_error": True, "loss": "as_is"},
    "loop": {
        "class": "rec", "from": "data:dense", "target": "align", "unit": {
            "output": {"class": "softmax", "from": ["data:source", "prev:output"], "target": "align"},
            "cost": {"class": "loss", "from": "output", "loss_": "ce", "target_": "align", "is_output_layer": True, "loss": "as_is"},
        },
    },
    "gaussian": {
        "class": "linear", "from": "data:dense", "loss": "ce", "target": "align",
        "loss_opts": {
            "input_type": "logits", "label_smoothing": 0.2, "label_smoothing_gaussian": True, "custom_inv_norm_factor": "errors",
        },
    },
    "collapsed": {
        "class": "softmax", "from": "data:dense", "loss": "ctc", "target": "classes", "loss_opts": {"target_collapse_repeated": True},
    },
    "decoded": {
        "class": "softmax", "from": "data:dense", "n_out": 4, "loss": "edit_distance", "target": "classes",
        "loss_opts": {"ctc_decode": True, "label_map": {0: 0, 1: None, 2: 0}},
    },
    "output": {"class": "copy", "from": "p"},
}  # fmt: skip
NETWORKS = {"full sum": NETWORK, "losses of frames": OF_FRAMES}
