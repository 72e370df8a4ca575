"""Encoder-decoder with attention for config/g2p_attention.py, after the RETURNN speech setups (Zeyer et al. 2018).

A BLSTM encoder reads the letters. An LSTM decoder generates one phoneme at a time, from the previous phoneme and a context
vector. The context is a weighted mean of the encoder's frames h. The weights depend on the decoder's state s and on the sum of
the previous weights:

    e_t,i = v · tanh(W s_t + V h_i + u Σ_{t' < t} α_t',i)        α_t = softmax(e_t)        c_t = Σ_i α_t,i h_i
"""

from dataclasses import dataclass

from jobs.lexicon_to_hdf import END

EACH_ENTRY = {"*": None}  # an independent dropout mask per entry; by RETURNN's default, all frames of a batch share one


@dataclass(frozen=True)
class Size:
    """
    :param layers: number of BLSTM layers of the encoder
    :param encoder: units per direction of the encoder
    :param decoder: units of the decoder's LSTM
    :param dropout: dropout rate before each BLSTM layer, the decoder and its softmax
    """

    layers: int
    encoder: int
    decoder: int
    dropout: float


def network(size: Size, *, ctc_scale: float, label_smoothing: float) -> dict:
    """
    :param ctc_scale: scale of the CTC loss on the encoder; 0: no CTC loss
    :param label_smoothing: label smoothing of the decoder's cross-entropy
    :return: net dict
    """
    drop = {"dropout": size.dropout, "dropout_noise_shape": EACH_ENTRY}
    net = {"embedding": linear("data", 64, with_bias=False)}
    source = ["embedding"]
    for layer in range(size.layers):
        names = [f"lstm{layer}_fw", f"lstm{layer}_bw"]
        for name, direction in zip(names, (1, -1), strict=True):
            net[name] = {
                "class": "rec", "unit": "nativelstm2", "from": source, "n_out": size.encoder, "direction": direction, **drop,
            }  # fmt: skip
        source = names
    net["encoder"] = {"class": "copy", "from": source}
    net["keys"] = linear("encoder", size.decoder)
    net["output"] = {
        "class": "rec", "from": [], "target": "targets", "unit": decoder(size, drop, label_smoothing),
        "max_seq_len": "max_len_from('base:encoder') * 2 + 2",
    }  # fmt: skip
    net["decision"] = {"class": "decide", "from": "output", "is_output_layer": True}
    if ctc_scale:
        net["frames"] = {"class": "repeat", "from": "encoder", "repetitions": 2}
        net["ctc"] = {
            "class": "softmax", "from": "frames", "loss": "ctc", "target": "classes", "loss_scale": ctc_scale, **drop,
        }  # fmt: skip
    return net


def decoder(size: Size, drop: dict, label_smoothing: float) -> dict:
    """:return: net dict of the loop over phonemes"""
    smoothing = {"loss_opts": {"label_smoothing": label_smoothing}} if label_smoothing else {}
    return {
        "output": {
            "class": "choice", "from": "output_prob", "target": "targets", "beam_size": 8, "initial_output": END,
        },
        "end": {"class": "compare", "from": "output", "value": END},
        "label": linear("prev:output", 64, with_bias=False),
        "s": {"class": "rec", "unit": "nativelstm2", "from": ["label", "prev:context"], "n_out": size.decoder, **drop},
        "query": linear("s", size.decoder, with_bias=False),
        "looked_at": linear("prev:att_weights_sum", size.decoder, with_bias=False),
        "energy_in": {
            "class": "combine", "kind": "add", "from": ["base:keys", "query", "looked_at"], "activation": "tanh",
        },
        "energy": linear("energy_in", 1, with_bias=False),
        "att_weights": {"class": "softmax_over_spatial", "from": "energy", "is_output_layer": True},
        "att_weights_sum": {"class": "combine", "kind": "add", "from": ["prev:att_weights_sum", "att_weights"]},
        "context": {"class": "generic_attention", "weights": "att_weights", "base": "base:encoder"},
        "readout": linear(["s", "label", "context"], size.decoder, activation="tanh", **drop),
        "output_prob": {
            "class": "softmax", "from": "readout", "loss": "ce", "target": "targets", **smoothing, **drop,
        },
    }  # fmt: skip


def linear(
    source: str | list[str], n_out: int, *, activation: str | None = None, with_bias: bool = True, **options
) -> dict:
    return {
        "class": "linear", "from": source, "n_out": n_out, "activation": activation, "with_bias": with_bias, **options,
    }  # fmt: skip
