"""The layer classes and losses that depend on the order of frames are those of RETURNN."""

import json
import subprocess
import sys

import pytest

from boulder.returnn.frame_batches import CLASSES, LOSSES, depends_on_order

pytestmark = pytest.mark.parity

OF_RETURNN = """
import json
from returnn.tf.layers import base, basic, rec, signal_processing
layers = {c for m in (base, basic, rec, signal_processing) for c in vars(m).values() if isinstance(c, type)}
found = [{c.layer_class for c in layers if issubclass(c, base.LayerBase) and c.layer_class and c.recurrent}]
found += [{c.class_name for c in layers if issubclass(c, base.Loss) and c.class_name and c.recurrent}]
print(json.dumps([sorted(names) for names in found]))
"""


def test_classes_and_losses_are_returnns():
    run = subprocess.run([sys.executable, "-c", OF_RETURNN], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-2000:]
    layers, losses = json.loads(run.stdout.splitlines()[-1])
    private = {name for name in layers if name.startswith((":", "_"))}
    assert set(layers) - private - {"combine"} == CLASSES  # combine depends on its kind
    assert set(losses) == LOSSES


@pytest.mark.parametrize(
    ("layer", "depends"),
    [
        ({"class": "linear", "activation": "tanh"}, False),
        ({"class": "combine", "kind": "add"}, False),
        ({"class": "combine", "kind": "eval", "eval": "source(0)"}, True),
        ({"class": "softmax", "loss": "ce"}, False),
        ({"class": "softmax", "loss": "ctc"}, True),
        ({"class": "rec", "unit": "lstm"}, True),
    ],
)
def test_a_layer_depends_on_the_order_by_its_class_kind_or_loss(layer, depends):
    assert depends_on_order({"#config": {}, "output": layer}) is depends
