"""`choice` with input_type "regression": the true frame in training, the predicted one in a search that a layer `end` ends."""

import numpy as np
import pytest
import tensorflow as tf

from boulder.errors import NetworkError
from boulder.network import describe, run_network

EXTERN_DATA = {"data": {"dim": 2}, "frames": {"dim": 3}}
LENGTHS = {"data": [5, 2], "frames": [4, 3]}


def network(**choice) -> dict:
    """Each frame is the previous one, halved, and 1 more. The search ends at a frame above 1.8, the fourth one from 0."""
    unit = {
        "half": {"class": "eval", "from": "prev:output", "eval": "0.5 * source(0) + 1.0"},
        "output": {
            "class": "choice", "from": "half", "input_type": "regression", "target": "frames", "beam_size": 1,
            "initial_output": 0, **choice,
        },
        "first": {"class": "linear", "from": "half", "n_out": 1, "activation": None, "with_bias": False},
        "one": {"class": "squeeze", "from": "first", "axis": "F"},
        "end": {"class": "compare", "from": "one", "kind": "greater", "value": 1.8},
        "half_out": {"class": "copy", "from": "half", "is_output_layer": True},
    }  # fmt: skip
    loop = {"class": "rec", "from": [], "target": "frames", "unit": unit, "include_eos": True, "max_seq_len": 10}
    return {"output": loop, "decision": {"class": "decide", "from": "output", "is_output_layer": True}}


def run(mode: str, net: dict | None = None, **options):
    spec = describe(net or network(), EXTERN_DATA, mode)
    params = {"output/rec/first/W": tf.constant([[1.0], [0.0], [0.0]])}
    rng = np.random.default_rng(1)
    data = {key: rng.normal(size=(2, max(n), EXTERN_DATA[key]["dim"])).astype("float32") for key, n in LENGTHS.items()}
    lengths = {key: np.array(n, "int32") for key, n in LENGTHS.items()}
    result = run_network(spec, params, data, lengths, losses=False, **options)
    return data, result


@pytest.mark.parametrize("mode", ["train", "eval"])
def test_outside_of_a_search_true_frames_are_read(mode):
    data, result = run(mode)
    output = result.layers["output"]
    np.testing.assert_array_equal(output.ordered(output.template.axes).numpy(), data["frames"])
    half = result.layers["output/half_out"]
    half = half.ordered([axis if axis.kind != "time" else half.axes[0] for axis in output.template.axes]).numpy()
    for found, frames, n in zip(half, data["frames"], LENGTHS["frames"], strict=True):
        np.testing.assert_allclose(found[1:n], 0.5 * frames[: n - 1] + 1, rtol=1e-6)
    np.testing.assert_array_equal(half[:, 0], 1)


def test_a_search_reads_its_own_frames_until_the_end():
    _, result = run("search")
    decision = result.layers["decision"]
    assert not [axis for axis in decision.template.axes if axis.kind == "beam"]
    assert result.lengths[decision.template.time].numpy().tolist() == [4, 4]
    expected = np.array([1.0, 1.5, 1.75, 1.875])[:, None] * np.ones(3)
    for sequence in decision.ordered(decision.template.axes).numpy():
        np.testing.assert_allclose(sequence, expected)


def test_predicted_frames_are_mixed_with_true_ones():
    data, result = run("train", network(scheduled_sampling={"gold_mixin_prob": 0.5}), train=True)
    output = result.layers["output"]
    found = output.ordered(output.template.axes).numpy()
    gold = (found == data["frames"]).all(axis=2)
    assert 0 < gold.sum() < gold.size
    before = np.concatenate([np.zeros((2, 1, 3)), found[:, :-1]], axis=1)
    np.testing.assert_allclose(found[~gold], (0.5 * before + 1)[~gold], rtol=1e-6)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"beam_size": 2}, "'beam_size' must be 1 for input_type 'regression', found 2"),
        ({"cheating": True}, "input_type 'regression' has one hypothesis, so 'cheating' must be False"),
    ],
)
def test_there_is_nothing_to_choose_from(choice, message):
    for mode in ("train", "search"):
        with pytest.raises(NetworkError, match=message):
            describe(network(**choice), EXTERN_DATA, mode)


def test_the_target_must_have_the_features_of_the_source():
    labels = {"data": {"dim": 2}, "frames": {"dim": 3, "sparse": True}}
    with pytest.raises(NetworkError, match="'target' must have features for input_type 'regression', but 'frames' is"):
        describe(network(), labels, "train")
    net = network(scheduled_sampling=True)
    net["output"]["unit"]["half"] = {"class": "linear", "from": "prev:output", "n_out": 4, "activation": None}
    with pytest.raises(NetworkError, match="the source predicts 4 features, but 'frames' is"):
        describe(net, EXTERN_DATA, "train")
