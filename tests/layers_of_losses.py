"""A tiny network with alignments, the losses on them, and further losses."""


def _linear(n_out: int, activation=None, **options) -> dict:
    return {"class": "linear", "from": "data:dense", "n_out": n_out, "activation": activation, **options}


def _copy(source: str, **loss_opts) -> dict:
    return {"class": "copy", "from": source, "loss": "via_layer", "loss_opts": loss_opts}


def _fast_bw(source: str, align_target: str, **options) -> dict:
    return {"class": "fast_bw", "from": source, "align_target": align_target, "input_type": "prob", **options}


NETWORK = {
    "p": _linear(4, "softmax"),
    "soft": _fast_bw("p", "ctc", align_target_key="classes"),
    "soft_cost": _copy("p", align_layer="soft", loss_wrt_to_act_in=True),
    "q": _linear(3, "softmax"),
    "states": _fast_bw("q", "hmm", align_target_key="classes", hmm_opts={"loop": 0.5, "silence": 0}),
    "states_cost": _copy("q", error_signal_layer="states"),
    "numbers": _linear(8, "softmax"),
    "stairs": _fast_bw("numbers", "staircase", staircase_seq_len_source="p"),
    "stairs_cost": _copy("numbers", align_layer="stairs"),
    "best": {
        "class": "forced_align", "from": "p", "align_target": "data:classes", "input_type": "prob", "topology": "ctc",
        "loss": "bleu", "target": "align",
    },
    "native": {
        "class": "softmax", "from": "data:dense", "loss": "ctc", "target": "classes",
        "loss_opts": {"use_native": True, "ctc_opts": {"label_loop": False}},
    },
    "viterbi": {
        "class": "softmax", "from": "data:dense", "loss": "ctc", "target": "classes", "loss_opts": {"use_viterbi": True},
    },
    "logits": _linear(4),
    "sequences": {"class": "ctc_loss", "logits": "logits", "targets": "data:classes", "loss": "as_is"},
    "frames": {
        "class": "sparse_softmax_cross_entropy_with_logits", "logits": "logits", "targets": "data:align", "loss": "as_is",
    },
    "edits": {"class": "edit_distance", "a": "data:align", "b": "best", "loss": "as_is"},
    "generic": _linear(4, "exp", loss="generic_ce", target="align"),
    "bounded": _linear(4, "softmax", loss="ce", target="align", loss_opts={"fake_upper_bound": 1.0}),
    "l1": _linear(5, loss="l1", target="dense"),
    "sse": _linear(5, loss="sse_sigmoid", target="dense"),
    "clusters": _linear(5, loss="deep_clustering", target="dense", loss_opts={"embedding_dimension": 5, "nr_of_sources": 5}),
    "output": _linear(2, "tanh", loss="as_is"),
}  # fmt: skip
NETWORKS = {"losses": NETWORK}
