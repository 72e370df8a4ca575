"""RETURNN's classes that Boulder does not have, each with the reason. tests/parity/test_classes_like_returnn.py checks the names."""

_MICROPHONES = "processes the signals of several microphones, before the network that grows"
_INTERNAL = "no class for net dicts: RETURNN makes it itself"
_SEGMENTAL = "of segmental models, whose layers today's RETURNN fails to build: they set sizes before these are known"
_WITHIN_GRAPH = "state that RETURNN keeps in its TensorFlow session; a training here is a function of its inputs"

LAYERS_LEFT_OUT = {
    ":i": "the number of the iteration, read as `:i` in a loop",
    "apply_length_distribution": _SEGMENTAL,
    "batch_median_pooling": "each result would be that of several sequences",
    "classes_to_length_distribution": _SEGMENTAL,
    "classes_to_length_distribution_global": _SEGMENTAL,
    "classes_to_segments": _SEGMENTAL,
    "complex_linear_projection": "a product with trained complex weights; `stft` and `linear` serve today",
    "first_t_frames_noise_estimator": _MICROPHONES,
    "flatten_time": _SEGMENTAL,
    "framewise_statistics": "statistics for RETURNN's summaries; it changes nothing",
    "gradient": "a gradient as an output, whose own gradient is a second derivative of the network",
    "kenlm": "needs the package kenlm and an operation on it, which have no gradient and no GPU",
    "mask_based_gevbeamforming": _MICROPHONES,
    "mask_based_mvdrbeamforming": _MICROPHONES,
    "multichannel_multiresolution_stft_layer": _MICROPHONES,
    "multichannel_stft_layer": _MICROPHONES,
    "normalize_length_scores": _SEGMENTAL,
    "parametric_wiener_filter": _MICROPHONES,
    "segment_alignment": _SEGMENTAL,
    "segment_input": _SEGMENTAL,
    "signal_masking": _MICROPHONES,
    "split_concatenated_multichannel": _MICROPHONES,
    "swap_time_feature": _SEGMENTAL,
    "synthetic_gradient": "a gradient that no loss has",
    "tikhonov_regularization": "the gradient of the loss in the objective: a second derivative of the whole network",
    "unsegment_input": _SEGMENTAL,
    "variable_assign": _WITHIN_GRAPH,
    "variable_read": _WITHIN_GRAPH,
}

UNITS_LEFT_OUT = {
    "_wrapbase": _INTERNAL,
    "blocksparselstm": "needs OpenAI's block-sparse kernels for TensorFlow 1",
    "blocksparsemultiplicativemultisteplstm": "needs OpenAI's block-sparse kernels for TensorFlow 1",
    "devicewrapper": "wraps a cell object of TensorFlow 1, which a net dict cannot hold",
    "dropoutwrapper": "wraps a cell object of TensorFlow 1, which a net dict cannot hold",
    "layerrnn": "the base class of cells",
    "multirnn": "wraps cell objects of TensorFlow 1, which a net dict cannot hold",
    "recseqcellop": "the base class of RETURNN's own units",
    "residualwrapper": "wraps a cell object of TensorFlow 1, which a net dict cannot hold",
    "rnn": "the base class of cells",
    "twodnativelstm": "has two time axes; the layer class `twod_lstm` has it",
}

LOSSES_LEFT_OUT = {
    "sprint": "needs a running RASR, with which RETURNN exchanges scores and gradients; `fast_bw` is the full sum without RASR",
}
