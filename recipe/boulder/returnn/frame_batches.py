"""Networks for which RETURNN's batches are concatenated frames, not sequences: those where the order of frames has no effect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from boulder.schedule import Plan
from boulder.schedule.labels import index_label

# By RETURNN's class attribute `recurrent`; `subnetwork` has it, whatever its layers are.
CLASSES = frozenset(
    {
        *("slice_nd", "softmax_over_spatial", "range_in_axis", "range_from_length", "window", "fold", "cumsum"),
        *("unflatten_nd", "conv", "pool", "dct", "transposed_conv", "prefix_in_time", "postfix_in_time"),
        *("time_chunking", "time_unchunking", "eval", "cond", "search_sorted", "subnetwork", "loss", "ctc_loss"),
        *("fast_bw", "rec", "rnn_cell", "generic_attention", "self_attention", "positional_encoding", "kenlm"),
        *("edit_distance", "edit_distance_table", "optimal_completions", "masked_computation", "unmask", "twod_lstm"),
        *(
            "relative_positional_encoding",
            "cum_concat",
            "multichannel_stft_layer",
            "multichannel_multiresolution_stft_layer",
        ),
        *("stft", "istft", "first_t_frames_noise_estimator"),
    }
)
LOSSES = frozenset({"ctc", "edit_distance", "bleu", "expected_loss", "sprint", "fast_bw", "via_layer"})


def depends_on_order(network: Mapping[str, object]) -> bool:
    """
    :param network: net dict
    :return: whether RETURNN forms batches of sequences: some layer or loss in it depends on the order of frames
    """
    return any(_depends(layer) for layer in network.values() if isinstance(layer, Mapping))


def phases_of_frames(plan: Plan) -> Iterator[str]:
    """:return: names of the phases for which RETURNN's batches are concatenated frames"""
    for number, phase in enumerate(plan.phases):
        if not depends_on_order(phase.network):
            yield f"phase {number} ({index_label(phase.index)})"


def _depends(layer: Mapping) -> bool:
    name = layer.get("class")
    evaluates = name == "combine" and layer.get("kind") == "eval"
    return evaluates or name in CLASSES or layer.get("loss") in LOSSES
