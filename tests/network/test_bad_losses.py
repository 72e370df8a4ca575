"""Messages for losses that do not fit their layer or their target."""

import math

import pytest

INF = math.inf

STREAMS = "'data', 'align', 'classes', 'ints', 'letters', 'number', 'speaker', 'topic', 'unknown'"
DATA = "[batch, time:data, feature:5] float32"
ALIGN = "[batch, time:align], 4 classes int32"
# layer class, options, message after the name of the layer
BAD_LAYERS = [
    ("linear", {"n_out": 3, "loss": "cee"}, "unknown loss 'cee'; did you mean 'ce'?"),
    ("linear", {"n_out": 3, "loss": 3}, "option 'loss' must be a string or None, found 3"),
    (
        "linear", {"n_out": 3, "loss": "ce", "loss_opts": {"smooth": 1}},
        "loss 'ce': unknown option 'smooth'; did you mean 'label_smoothing'?",
    ),
    ("linear", {"n_out": 3, "loss_scale": 0.5}, "has 'loss_scale', but no 'loss'"),
    ("linear", {"n_out": 3, "loss_opts": {}}, "has 'loss_opts', but no 'loss'"),
    (
        "linear", {"n_out": 3, "loss": "ce", "loss_scale": "x"},
        "option 'loss_scale' must be a number or None, found 'x'",
    ),
    (
        "linear", {"n_out": 3, "loss": "ce", "loss_scale": INF},
        "option 'loss_scale' must be a number or None, found inf",
    ),
    (
        "linear", {"n_out": 3, "loss": "ce", "target": "clases"},
        f"the target of its loss is 'clases', but extern_data has only {STREAMS}; did you mean 'classes'?",
    ),
    (
        "linear", {"n_out": 3, "target": "clases"},
        f"'target' is 'clases', but extern_data has only {STREAMS}; did you mean 'classes'?",
    ),
    (
        "linear", {"n_out": 3, "loss": "ce", "target": "data"},
        f"loss 'ce' needs an output with a feature axis of size 5 for its target {DATA}, found [batch, time:data, feature:3] float32",
    ),
    (
        "linear", {"n_out": 3, "loss": "ctc", "target": "data"},
        f"loss 'ctc' needs a sequence of class indices as its target, found {DATA}",
    ),
    (
        "linear", {"n_out": 3, "loss": "ctc", "target": "topic"},
        "loss 'ctc' needs a sequence of class indices as its target, found [batch], 4 classes int32",
    ),
    (
        "linear", {"n_out": 3, "loss": "ce", "target": "align"},
        f"loss 'ce' needs an output with a feature axis of size 4 for its target {ALIGN}, found [batch, time:data, feature:3] float32",
    ),
    (
        "softmax", {"loss": "ce", "target": "topic"},
        "loss 'ce' compares frame by frame, but the output is [batch, time:data, feature:4] float32 and the target [batch], 4 classes int32",
    ),
    (
        "softmax", {"from": "data:speaker", "loss": "ce", "target": "align"},
        f"loss 'ce' compares frame by frame, but the output is [batch, feature:4] float32 and the target {ALIGN}",
    ),
    (
        "softmax", {"from": "data:speaker", "loss": "ctc"},
        "loss 'ctc' needs a time axis and no further axes, but the output is [batch, feature:4] float32",
    ),
    (
        "copy", {"from": "data:align", "loss": "ce", "target": "align"},
        f"loss 'ce' needs an output with a feature axis of size 4 for its target {ALIGN}, found {ALIGN}",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("class_name", "options", "message"), BAD_LAYERS)
def test_message_of_a_layer(class_name, options, message, check_message):
    check_message({"output": {"class": class_name, **options}}, f"layer 'output' ({class_name}): {message}")
