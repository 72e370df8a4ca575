"""Options of losses: bad input, and what they mean where RETURNN has no numbers."""

import pytest
import tensorflow as tf

from boulder.errors import NetworkError
from boulder.network import describe, run_network

EXTERN_DATA = {
    "data": {"dim": 4},
    "classes": {"dim": 4, "sparse": True},
    "labels": {"dim": 3, "sparse": True},
    "dense": {"dim": 4},
}


def softmax(loss: str, target: str = "classes", **loss_opts) -> dict:
    return {
        "output": {
            "class": "softmax",
            "from": "data",
            "n_out": 4,
            "loss": loss,
            "target": target,
            "loss_opts": loss_opts,
        }
    }


def of_frames(**options) -> dict:
    return {"output": {"class": "loss", "from": "data", "loss_": "ce", **options}}


BAD = {
    "kind of input": (
        softmax("ce", input_type="log_prob"),
        "(softmax): loss 'ce': option 'input_type' must be 'prob' or 'logits', found 'log_prob'; did you mean 'prob'?",
    ),
    "no smoothing": (
        softmax("ce", label_smoothing_gaussian=True), "(softmax): 'label_smoothing_gaussian' needs 'label_smoothing', found 0",
    ),
    "options of a logarithm": (
        softmax("ce", safe_log_opts={"eps": 0}),
        "(softmax): 'safe_log_opts' takes 'eps', from above 0 to below 1, and 'use_fake_grad', found 'eps': 0",
    ),
    "a factor of the number of frames": (
        softmax("ce", custom_norm_factor=0.1),
        "(softmax): loss 'ce': unknown option 'custom_norm_factor'; did you mean 'custom_inv_norm_factor'?",
    ),
    "an unknown number of frames": (
        softmax("ce", custom_inv_norm_factor="n"),
        "(softmax): 'loss_opts': 'custom_inv_norm_factor' is 'n', which is no layer",
    ),
    "classes as a number of frames": (
        softmax("ce", custom_inv_norm_factor="n") | {"n": {"class": "copy", "from": "data:classes"}},
        "(softmax): 'loss_opts': 'custom_inv_norm_factor' is [batch, time:classes], 4 classes int32, expected numbers",
    ),
    "a map of some classes": (
        softmax("edit_distance", "labels", ctc_decode=True, label_map={0: 1, 1: None}),
        "(softmax): 'label_map' must map each class from 0 to 2 to a class or None, found {0: 1, 1: None}",
    ),
    "features without decoding": (
        softmax("edit_distance", "labels"),
        "(softmax): loss 'edit_distance' compares sequences of class indices, but the output is [batch, time:data, feature:4] float32",
    ),
    "no class for the blank": (
        softmax("edit_distance", ctc_decode=True),
        "(softmax): 'ctc_decode' needs an output with time and a feature axis of size 5 for its target [batch, time:classes], 4 "
        "classes int32, found [batch, time:data, feature:4] float32",
    ),
    "logs of nothing": (softmax("edit_distance", output_in_log_space=True), "(softmax): 'output_in_log_space' needs 'ctc_decode'"),
    "a loss of sequences": (
        of_frames(loss_="ctc"),
        "(loss): 'loss_' is 'ctc', expected a loss that compares frames, such as 'ce'; layers `ctc_loss`, `edit_distance` and `fast_bw` "
        "give costs of sequences",
    ),
    "no loss": ({"output": {"class": "loss", "from": "data"}}, "(loss): option 'loss_' is missing"),
    "an unknown loss": (of_frames(loss_="cee"), "(loss): unknown loss 'cee'; did you mean 'ce'?"),
    "an unknown option": (
        of_frames(loss_opts_={"label_smothing": 0.1}), "(loss): loss 'ce': unknown option 'label_smothing'; did you mean 'label_smoothing'?",
    ),
    "an unknown target": (
        of_frames(target_="clases"),
        "(loss): 'target' is 'clases', but extern_data has only 'data', 'classes', 'dense', 'labels'; did you mean 'classes'?",
    ),
    "another number of classes": (
        of_frames(target_="labels"),
        "(loss): loss 'ce' needs an output with a feature axis of size 3 for its target [batch, time:labels], 3 classes int32, found "
        "[batch, time:data, feature:4] float32",
    ),
    "a scale": (
        of_frames(loss_opts_={"scale": 0.5}),
        "(loss): 'loss_opts_' takes no 'scale', 'use_normalized_loss' and 'custom_inv_norm_factor'; expected them at its loss",
    ),
    "several sources": (of_frames(**{"from": ["data", "data:dense"]}), "(loss): takes one source, found 2"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_message(name):
    network, message = BAD[name]
    with pytest.raises(NetworkError) as caught:
        describe(network, EXTERN_DATA)
    assert str(caught.value) == f"layer 'output' {message}"


def test_labels_without_a_class_do_not_count():
    best = {"class": "reduce", "mode": "argmax", "axis": "F", "from": "data"}
    layer = {
        **best,
        "loss": "edit_distance",
        "target": "classes",
        "loss_opts": {"label_map": {0: 0, 1: None, 2: 0, 3: 3}},
    }
    spec = describe({"output": layer}, EXTERN_DATA)
    data = {"data": tf.one_hot([[0, 1, 2, 3, 1]], 4), "classes": tf.constant([[2, 1, 1, 3, 3]])}
    loss = run_network(spec, {}, data, dict.fromkeys(data, tf.constant([5]))).losses["output"]
    assert (float(loss.error), float(loss.frames)) == (1.0, 5.0)  # 0 0 3 and 0 3 3


def test_the_number_of_frames_of_another_layer_has_no_padding():
    network = softmax("ce", custom_inv_norm_factor="sum") | {"sum": {"class": "copy", "from": "data:dense"}}
    spec = describe(network, EXTERN_DATA)
    data = {"data": tf.ones([2, 3, 4]), "classes": tf.zeros([2, 3], tf.int32), "dense": tf.ones([2, 3, 4])}
    lengths = {**dict.fromkeys(data, tf.constant([3, 2])), "dense": tf.constant([3, 1])}
    params = {path: tf.zeros(param.shape) for path, param in spec.params.items()}
    assert float(run_network(spec, params, data, lengths).losses["output"].frames) == 16
