"""No operation of a step makes a tensor much larger than the layers' outputs and the parameters."""

import numpy as np
import pytest

from boulder.lazy import tf
from boulder.network import describe, run_network
from tests.conformer import block, linear

BATCH, FRAMES, WIDTH = 3, 20, 32
STREAMS = {"data": {"dim": WIDTH}, "classes": {"dim": 8, "sparse": True}}
SELF_ATTENTION = {
    "class": "self_attention", "from": "data", "n_out": WIDTH, "total_key_dim": WIDTH, "num_heads": 4,
}  # fmt: skip
NETWORKS = {
    "self_attention": {"x": SELF_ATTENTION},
    "conformer": block("x", "data", dim=WIDTH, heads=4, kernel=3, clipping=8, norm={}),
    "linear over two axes": {
        "split": {"class": "split_dims", "from": "data", "axis": "F", "dims": (4, -1)},
        "wide": linear("split", WIDTH),
        "x": {"class": "merge_dims", "from": "wide", "axes": "static"},
    },
}


@pytest.mark.parametrize("name", NETWORKS)
def test_tensors_of_a_step_are_no_products_of_frames_and_parameters(name):
    net = NETWORKS[name] | {"output": {"class": "softmax", "from": "x", "loss": "ce", "target": "classes"}}
    spec = describe(net, STREAMS)
    params = {path: tf.Variable(np.ones(param.shape, "float32")) for path, param in spec.params.items()}
    data = {"data": tf.ones([BATCH, FRAMES, WIDTH]), "classes": tf.ones([BATCH, FRAMES], tf.int32)}

    @tf.function(autograph=False)
    def gradients():
        with tf.GradientTape() as tape:
            lengths = {key: tf.fill([BATCH], FRAMES) for key in data}
            cost = run_network(spec, params, data, lengths, train=True).losses["output"].cost
        return tape.gradient(cost, list(params.values()))

    operations = gradients.get_concrete_function().graph.get_operations()
    sizes = {op.name: max((x.shape.num_elements() or 0 for x in op.outputs), default=0) for op in operations}
    largest = max(sizes, key=sizes.get)
    assert sizes[largest] <= BATCH * FRAMES * max(4 * FRAMES, 4 * WIDTH), largest
