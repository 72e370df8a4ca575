"""Messages for losses that do not fit their layer or their target."""

import math

import pytest

NAN, INF = math.nan, math.inf

# net dict, message
BAD_NETWORKS = [
    (
        {"output": {"class": "linear", "n_out": 3, "loss": "cee"}},
        "layer 'output' (linear): unknown loss 'cee'; did you mean 'ce'?",
    ),
    (
        {"output": {"class": "linear", "n_out": 3, "loss": 3}},
        "layer 'output' (linear): option 'loss' must be a string or None, found 3",
    ),
    (
        {"output": {"class": "linear", "n_out": 3, "loss": "ce", "loss_opts": {"smooth": 1}}},
        "layer 'output' (linear): loss 'ce': unknown option 'smooth'; did you mean 'label_smoothing'?",
    ),
    (
        {"output": {"class": "linear", "n_out": 3, "loss_scale": 0.5}},
        "layer 'output' (linear): has 'loss_scale', but no 'loss'",
    ),
    (
        {"output": {"class": "linear", "n_out": 3, "loss_opts": {}}},
        "layer 'output' (linear): has 'loss_opts', but no 'loss'",
    ),
    (
        {"output": {"class": "linear", "n_out": 3, "loss": "ce", "loss_scale": "x"}},
        "layer 'output' (linear): option 'loss_scale' must be a number or None, found 'x'",
    ),
    (
        {"output": {"class": "linear", "n_out": 3, "loss": "ce", "loss_scale": INF}},
        "layer 'output' (linear): option 'loss_scale' must be a number or None, found inf",
    ),
    (
        {"output": {"class": "linear", "n_out": 3, "loss": "ce", "target": "clases"}},
        "layer 'output' (linear): the target of its loss is 'clases', but extern_data has only 'data', 'align', 'classes', 'ints', 'letters', 'number', 'speaker', 'topic', 'unknown'; did you mean 'classes'?",
    ),
    (
        {"output": {"class": "linear", "n_out": 3, "target": "clases"}},
        "layer 'output' (linear): 'target' is 'clases', but extern_data has only 'data', 'align', 'classes', 'ints', 'letters', 'number', 'speaker', 'topic', 'unknown'; did you mean 'classes'?",
    ),
    (
        {"output": {"class": "linear", "n_out": 3, "loss": "ce", "target": "data"}},
        "layer 'output' (linear): loss 'ce' needs an output with a feature axis of size 5 for its target "
        "[batch, time:data, feature:5] float32, found [batch, time:data, feature:3] float32",
    ),
    (
        {"output": {"class": "linear", "n_out": 3, "loss": "ctc", "target": "data"}},
        "layer 'output' (linear): loss 'ctc' needs a sequence of class indices as its target, found [batch, time:data, feature:5] float32",
    ),
    (
        {"output": {"class": "linear", "n_out": 3, "loss": "ctc", "target": "topic"}},
        "layer 'output' (linear): loss 'ctc' needs a sequence of class indices as its target, found [batch], 4 classes int32",
    ),
    (
        {"output": {"class": "linear", "n_out": 3, "loss": "ce", "target": "align"}},
        "layer 'output' (linear): loss 'ce' needs an output with a feature axis of size 4 for its target [batch, time:align], 4 classes int32, found [batch, time:data, feature:3] float32",
    ),
    (
        {"output": {"class": "softmax", "loss": "ce", "target": "topic"}},
        "layer 'output' (softmax): loss 'ce' compares frame by frame, but the output is [batch, time:data, feature:4] float32 and the target [batch], 4 classes int32",
    ),
    (
        {"output": {"class": "softmax", "from": "data:speaker", "loss": "ce", "target": "align"}},
        "layer 'output' (softmax): loss 'ce' compares frame by frame, but the output is [batch, feature:4] float32 and the target [batch, time:align], 4 classes int32",
    ),
    (
        {"output": {"class": "softmax", "from": "data:speaker", "loss": "ctc"}},
        "layer 'output' (softmax): loss 'ctc' needs a time axis and no further axes, but the output is [batch, feature:4] float32",
    ),
    (
        {"output": {"class": "copy", "from": "data:align", "loss": "ce", "target": "align"}},
        "layer 'output' (copy): loss 'ce' needs an output with a feature axis of size 4 for its target [batch, time:align], 4 classes int32, found [batch, time:align], 4 classes int32",
    ),
]


@pytest.mark.parametrize(("network", "message"), BAD_NETWORKS)
def test_message(network, message, check_message):
    check_message(network, message)
