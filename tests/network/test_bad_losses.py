"""Messages for losses that do not fit their layer or their target."""

import math

import pytest

from boulder.network import describe
from tests.every_layer import EXTERN_DATA

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
        "relative_positional_encoding", {"n_out": 3, "clipping": 2, "loss": "as_is"},
        "a loss needs the sequences of a batch, and its output is [time:data, time:keys(data), feature:3] float32, the same for all of them",
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


@pytest.mark.parametrize(("option", "value"), [("loss_scale", 0.5), ("loss_opts", {}), ("loss_scale", 0.0)])
@pytest.mark.parametrize("used", [True, False])
def test_options_of_a_missing_loss_are_a_warning(option, value, used):
    network = {
        "layer": {"class": "linear", "n_out": 3, option: value, "from": "data"},
        "output": {"class": "softmax", "loss": "ce", "target": "align", "from": "layer" if used else "data"},
        "off": {"class": "linear", "loss": None, option: value},
    }
    message = f"layer 'layer' \\(linear\\): has '{option}', which has no effect without a 'loss'"
    with pytest.warns(UserWarning, match=message) as caught:
        describe(network, EXTERN_DATA)
    assert len(caught) == 1


def test_the_warning_names_a_layer_of_a_loop():
    network = {
        "output": {
            "class": "rec", "from": "data", "loss": "ce", "target": "align",
            "unit": {"output": {"class": "softmax", "n_out": 4, "loss_scale": 0.2}},
        },
    }  # fmt: skip
    with pytest.warns(UserWarning, match=r"layer 'output/unit/output' \(softmax\): has 'loss_scale'"):
        describe(network, EXTERN_DATA)
