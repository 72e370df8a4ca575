"""Encoder-decoder for speech synthesis in config/prompts.py, after Tacotron (Wang et al. 2017) and Tacotron 2 (Shen et al. 2018).

Convolutions and a BLSTM encode the characters. An LSTM decoder predicts several frames of a mel spectrogram at a time, from the
previous ones, which a small network with dropout (prenet) narrows, and a context vector. The context is a weighted mean of the
encoder's frames. Its weights are a window whose position p only moves forward, by at most two characters, as in Graves 2013
("Generating sequences with recurrent neural networks", section 5.1), so that half an hour of speech suffices to learn them:

    p_t = p_{t-1} + 2 σ(u · s_t + b)        α_t,i = softmax_i(-β_t (i - p_t)²)        c_t = Σ_i α_t,i h_i

Beside the frames, the decoder predicts whether a frame is the last one, its stop token.
"""

import math
from dataclasses import dataclass

from boulder.speech.mel_frames import MelFrames

EACH_ENTRY = {"*": None}  # an independent dropout mask per entry; by RETURNN's default, all frames of a batch share one
CHARACTERS_PER_FRAME = 0.9  # at the beginning of training
SHARPNESS = 0.5  # β, at the beginning of training
GUIDANCE = 0.02  # scale of the loss that pulls the position to that of a constant speaking rate


@dataclass(frozen=True)
class Size:
    """
    :param convolutions: number of convolutions of the encoder
    :param encoder: units of each, and of each direction of the BLSTM
    :param decoder: units of the decoder's LSTM
    :param prenet: units of the prenet
    """

    convolutions: int
    encoder: int
    decoder: int
    prenet: int


def network(size: Size, mel: MelFrames) -> dict:
    """:return: net dict"""
    net = {"embedding": linear("data", size.encoder, with_bias=False)}
    source = "embedding"
    for number in range(size.convolutions):
        net[f"conv{number}"] = {
            "class": "conv", "from": source, "n_out": size.encoder, "filter_size": [5], "padding": "same",
            "activation": "relu", "with_bias": True,
        }  # fmt: skip
        source = f"conv{number}"
    for name, direction in (("fw", 1), ("bw", -1)):
        net[name] = {
            "class": "rec", "unit": "nativelstm2", "from": source, "n_out": size.encoder, "direction": direction,
        }  # fmt: skip
    return net | {
        "encoder": {"class": "copy", "from": ["fw", "bw"]},
        "zero": {"class": "constant", "value": 0.0, "with_batch_dim": True},
        "range": {"class": "range_in_axis", "from": "encoder", "axis": "T", "dtype": "float32"},
        "numbers": {"class": "combine", "kind": "add", "from": ["zero", "range"], "allow_broadcast_all_sources": True},
        "decoder": {
            "class": "rec", "from": [], "target": "spectrogram", "unit": decoder(size, mel), "include_eos": True,
            "max_seq_len": "max_len_from('base:encoder') * 3 + 20",
        },
        "output": {"class": "copy", "from": "decoder/mel"},
    }  # fmt: skip


def decoder(size: Size, mel: MelFrames) -> dict:
    """:return: net dict of the loop over frames"""
    drop = {"dropout": 0.5, "dropout_noise_shape": EACH_ENTRY, "dropout_on_forward": True}  # as in Tacotron 2
    return {
        "output": {
            "class": "choice", "from": "mel", "input_type": "regression", "target": "spectrogram", "beam_size": 1,
            "initial_output": 0,
        },
        "prenet1": linear("prev:output", 2 * size.prenet, "relu"),
        "prenet2": linear("prenet1", size.prenet, "relu", **drop),
        "prenet": {"class": "copy", "from": "prenet2", **drop},
        "s": {"class": "rec", "unit": "nativelstm2", "from": ["prenet", "prev:context"], "n_out": size.decoder},
        "speed": linear("s", 1, "sigmoid", bias_init=inverse_sigmoid(CHARACTERS_PER_FRAME / 2)),
        "position": {
            "class": "eval", "from": ["prev:position", "speed"], "eval": "source(0) + 2 * source(1)",
            "initial_output": 0, "loss": "mean_l1", "target": "reached", "loss_scale": GUIDANCE,
        },
        "sharpness": linear("s", 1, "softplus", bias_init=math.log(math.expm1(SHARPNESS))),
        "energy": {
            "class": "eval", "from": ["base:numbers", "position", "sharpness"],
            "eval": "-source(2) * tf.math.squared_difference(source(0), source(1))",
        },
        "att_weights": {"class": "softmax_over_spatial", "from": "energy", "is_output_layer": True},
        "context": {"class": "generic_attention", "weights": "att_weights", "base": "base:encoder"},
        "readout": linear(["s", "context"], size.decoder, "tanh"),
        "mel": linear("readout", mel.dim, loss="mean_l1", target="spectrogram", is_output_layer=True),
        "stop_token": linear(
            "readout", 1, loss="bin_ce", loss_opts={"pos_weight": 5.0}, target="is_last", loss_scale=1.0
        ),
        "stop": {"class": "squeeze", "from": "stop_token", "axis": "F"},
        "end": {"class": "compare", "from": "stop", "kind": "greater", "value": 0.0},
    }  # fmt: skip


def linear(source: str | list[str], n_out: int, activation: str | None = None, **options) -> dict:
    return {"class": "linear", "from": source, "n_out": n_out, "activation": activation, **options}


def inverse_sigmoid(value: float) -> float:
    return math.log(value / (1 - value))
