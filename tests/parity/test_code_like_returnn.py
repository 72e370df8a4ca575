"""SpecAugment in the field's style, found in the config by name, masks the frames and features that it masks in RETURNN."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from boulder.network import describe, run_network
from boulder.returnn import load_config

pytestmark = pytest.mark.parity

TEXT = (Path(__file__).parents[1] / "returnn" / "spec_augment.config").read_text()
WITHOUT_CHANCE = """

def drawn(shape, low, high):
    from returnn.tf.compat import v1 as tf

    numbers = tf.reshape(tf.range(tf.reduce_prod(shape)) * 7 + 3, shape)
    return low + numbers % (high - low)
"""
VARIANTS = {"in a loop": "", "at once": "\nmasks_are_vectorized = True\n"}
LENGTHS = {"data": np.array([12, 9, 5, 11], "int32"), "classes": np.array([12, 9, 5, 11], "int32")}
STEPS = [0, 3, 4, 50]


@pytest.fixture(scope="module")
def data():
    random = np.random.default_rng(1)
    return {"data": random.normal(size=[4, 12, 8]).astype("float32"), "classes": np.zeros([4, 12], "int32")}


@pytest.fixture(scope="module")
def expected(returnn, data):
    """:return: variant → RETURNN's output of the layer at each step"""
    cases = [
        {"kind": "code", "text": TEXT + WITHOUT_CHANCE + text, "layer": "augmented", "data": data, "lengths": LENGTHS,
         "steps": STEPS}
        for text in VARIANTS.values()
    ]  # fmt: skip
    return dict(zip(VARIANTS, returnn(cases), strict=True))


@pytest.mark.parametrize("variant", VARIANTS)
def test_masks_match(variant, expected, data, tmp_path):
    path = tmp_path / "spec_augment.config"
    path.write_text(TEXT + WITHOUT_CHANCE + VARIANTS[variant])
    config = load_config(path)
    spec = describe(config.plan().phases[0].network, config.extern_data)
    params = {name: tf.zeros(param.shape) for name, param in spec.params.items()}

    @tf.function(autograph=False)
    def masked(step):
        return run_network(spec, params, data, LENGTHS, train=True, step=step).layers["augmented"].value

    frames = (np.arange(12) < LENGTHS["data"][:, None])[:, :, None]
    for step, value in zip(STEPS, expected[variant], strict=True):
        np.testing.assert_array_equal(masked(tf.constant(step, tf.int64)).numpy() * frames, value * frames)
    zeros = [int((value == 0).sum()) for value in expected[variant]]
    assert 0 < zeros[0] == zeros[1] < zeros[2] < data["data"].size
