"""Outputs, losses and gradients recorded from RETURNN 1.20261022.211313 on TensorFlow 2.21, on a ragged batch."""

import numpy as np
import pytest

from boulder.network import describe, run_network
from boulder.training.objective import l2_factors

LENGTHS = np.array([7, 3, 5, 1], "int32")
TARGET_LENGTHS = np.array([3, 1, 2, 1], "int32")
EXTERN_DATA = {
    "data": {"dim": 6, "sparse": True},
    "dense": {"dim": 5, "shape": (None, 5)},
    "classes": {"dim": 4, "sparse": True},
    "align": {"dim": 5, "sparse": True},
}
BLSTM_CTC = {
    "embedding": {"class": "linear", "from": "data", "n_out": 5, "activation": None, "with_bias": False},
    "frames": {"class": "repeat", "from": "embedding", "repetitions": 2, "axis": "T"},
    "fw0": {"class": "rec", "unit": "nativelstm2", "from": "frames", "n_out": 4, "direction": 1},
    "bw0": {"class": "rec", "unit": "lstmp", "from": ["frames"], "n_out": 4, "direction": -1},
    "fw1": {"class": "rec", "unit": "LSTMBlock", "from": ["fw0", "bw0"], "n_out": 3, "direction": 1, "dropout": 0.1},
    "bw1": {"class": "rec", "unit": "lstm", "from": ["fw0", "bw0"], "n_out": 3, "direction": -1},
    "output": {"class": "softmax", "from": ["fw1", "bw1"], "loss": "ctc", "target": "classes", "L2": 0.01},
}
MIXED_CE = {
    "hidden": {"class": "linear", "from": "data:dense", "n_out": 6, "activation": "tanh", "trainable": False},
    "both": {"class": "copy", "from": ["hidden", "data:dense"]},
    "dropped": {"class": "dropout", "from": ["both", "hidden"], "dropout": 0.3},
    "gelu": {"class": "linear", "from": ["dropped", "data:dense"], "n_out": 6, "activation": "gelu"},
    "lstm": {"class": "rec", "unit": "nativelstm2", "from": ["dropped"], "n_out": 6},
    "add": {"class": "combine", "kind": "add", "from": ["gelu", "lstm", "hidden"]},
    "average": {"class": "combine", "kind": "average", "from": ["lstm", "gelu", "hidden"]},
    "mul": {"class": "combine", "kind": "mul", "from": ["lstm", "gelu"], "activation": "sigmoid"},
    "eval": {"class": "eval", "eval": "source(0) * tf.sigmoid(source(1)) + a", "eval_locals": {"a": 2.0}, "from": ["add", "mul"]},
    "relu": {"class": "activation", "activation": "relu", "from": ["eval", "average"]},
    # the output of a layer without a softmax is not renormalised
    "sigmoid": {"class": "linear", "activation": "sigmoid", "from": "add", "loss": "ce", "target": "align", "loss_scale": 0.5},
    "output": {"class": "softmax", "from": "relu", "loss": "ce", "target": "align", "L2": 0.1},
}  # fmt: skip
NETWORKS = {"blstm_ctc": BLSTM_CTC, "mixed_ce": MIXED_CE}
# network → layer → (cost, error, frames); network → objective with L2
LOSSES = {
    "blstm_ctc": {"output": (29.42597, 6.0, 7)},
    "mixed_ce": {"sigmoid": (16.00945, 11.0, 16), "output": (40.04034, 11.0, 16)},
}
OBJECTIVES = {"blstm_ctc": 29.51437, "mixed_ce": 49.67572}
# network → layer → sum over unpadded frames of output · (1 + index of the feature)
OUTPUTS = {
    "blstm_ctc": {
        "embedding": -8.24705,
        "frames": -16.49409,
        "fw0": 17.18861,
        "bw0": 42.56606,
        "fw1": -21.20929,
        "bw1": -21.2822,
        "output": 95.21677,
    },
    "mixed_ce": {
        "hidden": -5.26359,
        "both": -11.22899,
        "dropped": -9.73492,
        "gelu": 539.77808,
        "lstm": -10.57019,
        "add": 523.94429,
        "average": 174.6481,
        "mul": 162.4636,
        "eval": 995.49315,
        "relu": 1492.42518,
        "sigmoid": 126.48189,
        "output": 50.29358,
    },
}
# network → parameter → sum of the absolute values of its gradient
GRADIENTS = {
    "blstm_ctc": {
        "bw0/rec/W": 6.02014,
        "bw0/rec/W_re": 2.81546,
        "bw0/rec/b": 4.40804,
        "bw1/rec/W": 6.82778,
        "bw1/rec/W_re": 2.38471,
        "bw1/rec/b": 5.97973,
        "embedding/W": 8.29228,
        "fw0/rec/W": 5.93591,
        "fw0/rec/W_re": 2.51458,
        "fw0/rec/b": 4.66068,
        "fw1/rec/W": 6.5942,
        "fw1/rec/W_re": 2.92089,
        "fw1/rec/b": 6.14238,
        "output/W": 22.73021,
        "output/b": 22.45247,
    },
    "mixed_ce": {
        "gelu/W": 208.73643,
        "gelu/b": 9.13644,
        "lstm/rec/W": 67.26466,
        "lstm/rec/W_re": 5.81886,
        "lstm/rec/b": 5.05904,
        "output/W": 136.34876,
        "output/b": 5.93429,
        "sigmoid/W": 32.73852,
        "sigmoid/b": 3.47152,
    },
}


def parameter(path: str, shape: tuple[int, ...]) -> np.ndarray:
    return (0.7 * np.sin(1.7 * np.arange(np.prod(shape)) + len(path))).reshape(shape).astype("float32")


def batch() -> tuple[dict, dict]:
    """:return: data, lengths"""
    seq, frame = np.meshgrid(range(4), range(7), indexing="ij")
    data = {
        "data": (3 * seq + 5 * frame) % 6,
        "dense": np.sin(2.3 * np.arange(4 * 7 * 5)).reshape(4, 7, 5).astype("float32"),
        "classes": (seq + 3 * frame)[:, :3] % 4,
        "align": (2 * seq + 3 * frame) % 5,
    }
    lengths = {"data": LENGTHS, "dense": LENGTHS, "classes": TARGET_LENGTHS, "align": LENGTHS}
    for key, values in data.items():
        values[np.arange(values.shape[1]) >= lengths[key][:, None]] = 0
        data[key] = values if key == "dense" else values.astype("int32")
    return data, lengths


@pytest.mark.parametrize("name", NETWORKS)
def test_outputs_losses_and_gradients_are_returnns(name):
    import tensorflow as tf

    spec = describe(NETWORKS[name], EXTERN_DATA)
    variables = {path: tf.Variable(parameter(path, param.shape)) for path, param in spec.params.items()}
    data, lengths = batch()
    with tf.GradientTape() as tape:
        result = run_network(spec, variables, data, lengths)
        objective = sum(spec.losses[layer].scale * loss.cost for layer, loss in result.losses.items())
        for path, factor in l2_factors(spec).items():
            objective += factor * tf.reduce_sum(tf.square(variables[path]))
    gradients = tape.gradient(objective, variables)

    assert {layer: tuple(map(float, loss[:3])) for layer, loss in result.losses.items()} == {
        layer: pytest.approx(loss, rel=1e-5) for layer, loss in LOSSES[name].items()
    }
    assert float(objective) == pytest.approx(OBJECTIVES[name], rel=1e-5)
    sums = {}
    for layer, output in result.layers.items():
        mask = (
            np.arange(output.value.shape[output.axes.index(output.template.time)])[None, :, None]
            < (np.asarray(result.lengths[output.template.time])[:, None, None])
        )
        values = output.ordered(output.template.axes).numpy().astype("float64")
        sums[layer] = float((values * mask * (1 + np.arange(values.shape[-1]))).sum())
    assert sums == pytest.approx(OUTPUTS[name], rel=1e-5)
    found = {
        path: float(np.abs(tf.convert_to_tensor(gradients[path])).sum(dtype="float64")) for path in GRADIENTS[name]
    }
    assert found == pytest.approx(GRADIENTS[name], rel=2e-5)
