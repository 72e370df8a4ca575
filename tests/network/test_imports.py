"""The manager checks networks on a login node, so that must not import TensorFlow, which takes seconds and gigabytes."""

import subprocess
import sys

CODE = """
import sys
from boulder.network import describe
net = {
    "lstm": {"class": "rec", "unit": "nativelstm2", "from": "data", "n_out": 4},
    "twice": {"class": "repeat", "from": "lstm", "repetitions": 2},
    "f": {"class": "eval", "from": ["twice", "drop"], "eval": "tf.tanh(source(0)) + source(1)"},
    "drop": {"class": "dropout", "from": "twice", "dropout": 0.1},
    "sum": {"class": "combine", "kind": "add", "from": ["f", "act"]},
    "act": {"class": "activation", "activation": "relu", "from": "f"},
    "ce": {"class": "softmax", "from": "sum", "loss": "ce"},
    "output": {"class": "softmax", "from": "sum", "loss": "ctc"},
}
spec = describe(net, {"data": {"dim": 5}, "classes": {"dim": 3, "sparse": True}})
assert spec.num_params == 5 * 16 + 4 * 16 + 16 + 4 * 3 + 3 + 4 * 4 + 4
print(sorted(name for name in sys.modules if name.split(".")[0] in ("tensorflow", "keras", "returnn")))
"""


def test_describe_does_not_import_tensorflow():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
