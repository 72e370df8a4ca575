"""Decoders with local and monotonic attention, compiled: a sequence's loss and labels are the same in a batch and alone.

tests/parity compares their numbers with RETURNN's.
"""

import numpy as np
import pytest

from boulder.network import describe, run_network
from tests.parity.monotonic_style import DECODERS

LABELS = {"dim": 7, "sparse": True}
EXTERN_DATA = {"data": {"dim": 8}, "classes": LABELS}
FRAMES, TARGETS = [12, 5, 9], [5, 2, 3]
NAMES = [pytest.param(name, marks=[] if name == "gaussian" else pytest.mark.slow) for name in DECODERS]


def batch(seed: int = 1) -> tuple[dict, dict]:
    rng = np.random.default_rng(seed)
    data = {"data": rng.normal(size=(3, 12, 8)).astype("float32"), "classes": rng.integers(0, 7, (3, 5), "int32")}
    return data, {"data": np.array(FRAMES, "int32"), "classes": np.array(TARGETS, "int32")}


def compiled(name: str, mode: str, wanted):
    """:return: function (data, lengths) → `wanted(output of the network)`"""
    import tensorflow as tf

    spec = describe(DECODERS[name], EXTERN_DATA, mode)
    rng = np.random.default_rng(2)
    params = {path: tf.constant(rng.normal(size=p.shape), tf.float32) for path, p in sorted(spec.params.items())}
    data = {"data": tf.TensorSpec([None, None, 8], "float32"), "classes": tf.TensorSpec([None, None], "int32")}
    lengths = {key: tf.TensorSpec([None], "int32") for key in data}

    def run(data, lengths):
        return wanted(run_network(spec, params, data, lengths, losses=mode == "train"))

    return tf.function(run, input_signature=[data, lengths], autograph=False)


def alone(data: dict, lengths: dict, seq: int) -> tuple[dict, dict]:
    own = {key: value[seq : seq + 1] for key, value in lengths.items()}
    return {key: value[seq : seq + 1, : own[key][0]] for key, value in data.items()}, own


@pytest.mark.parametrize("name", NAMES)
def test_the_loss_of_a_batch_is_the_sum_of_the_losses_of_its_sequences(name):
    loss = compiled(name, "train", lambda out: out.losses["output/output_prob"].cost)
    data, lengths = batch()
    separate = sum(float(loss(*alone(data, lengths, seq))) for seq in range(3))
    np.testing.assert_allclose(float(loss(data, lengths)), separate, rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_a_search_finds_the_same_labels_in_a_batch_and_alone(name):
    def wanted(out):
        decision = out.layers["decision"]
        return decision.ordered(decision.template.axes), out.lengths[decision.template.time]

    search = compiled(name, "search", wanted)

    def labels(*arguments) -> list:
        found, sizes = (x.numpy() for x in search(*arguments))
        return [row[:n].tolist() for row, n in zip(found, sizes, strict=True)]

    data, lengths = batch()
    # pooled to half the frames: the limit of the labels of the shortest is that of the longest in the batch
    limit = [row[:3] for row in labels(data, lengths)]
    assert [labels(*alone(data, lengths, seq))[0][:3] for seq in range(3)] == limit
