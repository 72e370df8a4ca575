"""Networks of a hybrid model: softmax and full-sum alignment keep a prior each, and one uses it."""

PRIORS = {"compute_priors": True, "compute_priors_exp_average": 0.3}
OF_SOFTMAX, OF_ALIGNMENT = "p/priors", "bw/priors"


def hybrid(layers: int, width: int, dropout: float = 0.0, **options) -> dict:
    """
    :param dropout: of the softmax
    :param options: of the first layer
    """
    net, source = {}, "data"
    for i in range(layers):
        net[f"h{i}"] = {"class": "linear", "activation": "tanh", "from": source, "n_out": width}
        source = f"h{i}"
    net["h0"] |= options
    alignment = {"class": "fast_bw", "align_target": "ctc", "from": "p", "input_type": "prob", "prior_scale": 0.3}
    cost = {"class": "copy", "from": "p", "loss": "via_layer"}
    return net | {
        "p": {"class": "softmax", "n_out": 6, "from": source, "dropout": dropout, **PRIORS},
        "bw": alignment | PRIORS,
        "output": cost | {"loss_opts": {"align_layer": "bw", "loss_wrt_to_act_in": "softmax"}},
    }
