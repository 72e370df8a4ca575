"""The layer `loss`: the cost or the error of each frame."""

import pytest
import tensorflow as tf

from boulder.network import describe, run_network

EXTERN_DATA = {
    "data": {"dim": 4},
    "classes": {"dim": 4, "sparse": True},
    "labels": {"dim": 3, "sparse": True},
    "dense": {"dim": 4},
}


def of_frames(**options) -> dict:
    return {"output": {"class": "loss", "from": "data", "loss_": "ce", **options}}


BAD = {
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
    "an unknown part": (
        {"x": of_frames()["output"], "output": {"class": "copy", "from": "x/lost"}},
        "(copy): 'from' names 'x/lost', but 'x' has only the parts loss, error; did you mean 'loss'?",
    ),
    "several sources": (of_frames(**{"from": ["data", "data:dense"]}), "(loss): takes one source, found 2"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_message(name, check_output):
    network, message = BAD[name]
    check_output(network, EXTERN_DATA, message)


def test_costs_of_other_losses_than_ce():
    layer = {"class": "loss", "from": "data", "loss_": "mean_l1", "target_": "dense"}
    spec = describe({"output": layer}, EXTERN_DATA)
    data = {"data": tf.ones([1, 3, 4]), "dense": tf.constant([[[0.0] * 4, [1, 1, 1, 3], [9] * 4]])}
    output = run_network(spec, {}, data, dict.fromkeys(data, tf.constant([2]))).layers["output"]
    assert output.ordered(output.template.axes).numpy().tolist() == [[1, 0.5]]
