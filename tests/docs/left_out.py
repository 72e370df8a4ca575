"""RETURNN's classes that Boulder does not have, each with the reason. tests/parity/test_classes_like_returnn.py checks the names."""

_MICROPHONES = "signal processing for several microphones, outside of what networks are grown for"
_COMPLEX = "complex numbers, which no other layer reads"
_INTERNAL = "no class for net dicts: RETURNN makes it itself"
_WITHIN_GRAPH = "state that RETURNN keeps in its TensorFlow session; a training here is a function of its inputs"

LAYERS_LEFT_OUT = {
    ":i": "the number of the iteration, read as `:i` in a loop",
    "alternating_real_to_complex": _COMPLEX,
    "complex_linear_projection": _COMPLEX,
    "complex_to_alternating_real": _COMPLEX,
    "decide_keep_beam": "layers outside of a loop see the best hypothesis only",
    "fill_unused": _INTERNAL,
    "first_t_frames_noise_estimator": _MICROPHONES,
    "forward": _INTERNAL,
    "framewise_statistics": "statistics for RETURNN's summaries; it changes nothing",
    "get_rec_accumulated": _INTERNAL,
    "global_train_step": "the step of a training is no input of its network; schedules set options per index",
    "image_summary": "a picture for RETURNN's summaries; `hdf_dump` writes any layer",
    "mask_based_gevbeamforming": _MICROPHONES,
    "mask_based_mvdrbeamforming": _MICROPHONES,
    "multichannel_multiresolution_stft_layer": _MICROPHONES,
    "multichannel_stft_layer": _MICROPHONES,
    "parametric_wiener_filter": _MICROPHONES,
    "random": _WITHIN_GRAPH,
    "random_state_init": _WITHIN_GRAPH,
    "rec_last_output": _INTERNAL,
    "rec_unstack": _INTERNAL,
    "remove": _INTERNAL,
    "signal_masking": _MICROPHONES,
    "source": "data streams are read as `data` and `data:KEY`",
    "split_batch_beam": _INTERNAL,
    "split_concatenated_multichannel": _MICROPHONES,
    "synthetic_gradient": "a gradient that no loss has",
    "tile_features": _MICROPHONES,
    "train_flag": "a function in `eval` asks `self.network.train_flag`",
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
    "fast_bw": "needs automata of a running RASR; `via_layer` with the layer `fast_bw` has others",
    "sampling_loss": "draws random numbers that a resumed training could not repeat",
    "sprint": "needs a running RASR, with which RETURNN exchanges scores and gradients",
}

# Under way: may be there or not. Empty when they are.
EXPECTED_LAYERS = """
    accumulate_mean apply_length_distribution batch_median_pooling batch_norm batch_softmax boolean_mask cast
    choice_get_beam_scores choice_get_src_beams classes_to_length_distribution classes_to_length_distribution_global
    classes_to_segments combine_dims concat concat_attention cond cum_concat cumsum dct dot_attention edit_distance
    edit_distance_table elemwise_prod flatten_batch flatten_time fold gather gather_nd gauss_window_attention gradient
    hidden identity istft kenlm length loss masked_computation math_norm mel_filterbank norm normalize_length_scores
    optimal_completions pad print rand_int range range_from_length reshape resize scaled_grad scatter_nd search_sorted
    segment_alignment segment_input seq_len_mask shift_axis slice slice_nd split split_batch_time stack stft subnetwork
    swap_axes swap_time_feature switch tikhonov_regularization tile time_chunking time_unchunking top_k transpose
    transposed_conv unflatten_batch unflatten_nd unmask unsegment_input variable weighted_sum window
"""
EXPECTED_UNITS = ""
EXPECTED_LOSSES = """
    expected_loss
"""
