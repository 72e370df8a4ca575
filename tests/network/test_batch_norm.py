"""`batch_norm`: statistics over the frames of the batch, their updates, and messages."""

import numpy as np
import pytest

from boulder.network import describe, run_network

NET = {"output": {"class": "batch_norm", "from": "data", "momentum": 0.25}}
PATH = "output/batch_norm/output_output_output_"
MEAN, VARIANCE = f"{PATH}mean", f"{PATH}variance"


@pytest.fixture
def params(extern_data):
    spec, rng = describe(NET, extern_data), np.random.default_rng(0)
    return {path: rng.uniform(0.5, 2, param.shape).astype("float32") for path, param in spec.params.items()}


def test_training_normalizes_with_the_frames_of_the_batch_and_moves_the_running_statistics(
    run, params, random_batch, values
):
    data, lengths = random_batch((4, 0, 2))
    frames = np.concatenate([data["data"][0, :4], data["data"][2, :2]])
    output = run(NET, data, lengths, params, train=True)
    gamma, beta = (params[f"{PATH}{name}"][0, 0] for name in ("gamma", "beta"))
    real = np.arange(4)[None, :, None] < lengths["data"][:, None, None]
    expected = (np.where(real, data["data"], 0) - frames.mean(0)) / np.sqrt(frames.var(0) + 1e-3) * gamma + beta
    np.testing.assert_allclose(values(output), expected, rtol=1e-4, atol=1e-5)
    assert set(output.updates) == {MEAN, VARIANCE}
    for path, seen in ((MEAN, frames.mean(0)), (VARIANCE, frames.var(0))):
        assert output.updates[path].shape == (1, 1, 5)
        np.testing.assert_allclose(output.updates[path], 0.75 * params[path] + 0.25 * seen, rtol=1e-5)


@pytest.mark.parametrize("train", [True, False])
def test_neither_the_amount_nor_the_content_of_the_padding_matters(run, params, random_batch, values, train):
    import tensorflow as tf

    data, lengths = random_batch((4, 2))
    padded = np.concatenate([data["data"], np.full((2, 3, 5), np.inf, "float32")], 1)
    padded[1, 2:] = np.nan
    wider = tf.Variable(padded)
    with tf.GradientTape() as tape:
        found = run(NET, data | {"data": wider}, lengths, params, train=train)
        total = tf.reduce_sum(found.layers["output"].value[0] ** 3)
    alone = run(NET, data, lengths, params, train=train)
    np.testing.assert_array_equal(values(found)[0], values(alone)[0])
    np.testing.assert_array_equal(values(found)[1, :2], values(alone)[1, :2])
    assert np.isfinite(tape.gradient(total, wider)[0]).all()
    for path, update in found.updates.items():
        np.testing.assert_array_equal(update, alone.updates[path])


def test_a_batch_without_frames_changes_nothing(run, params, random_batch):
    output = run(NET, *random_batch((0, 0)), params, train=True)
    for path, value in output.updates.items():
        np.testing.assert_array_equal(value, params[path])


def test_outside_of_training_nothing_changes_and_a_delayed_result_depends_on_no_other_sequence(
    extern_data, random_batch, values, run
):
    net = {"output": NET["output"] | {"update_sample_only_in_training": True}}
    spec = describe(net, extern_data)
    params = {path: np.full(param.shape, 0.5, "float32") for path, param in spec.params.items()}
    output = run(net, *random_batch((4, 2)), params)
    assert not output.updates
    real = np.arange(4)[None, :, None] < np.array([4, 2])[:, None, None]
    expected = (np.where(real, random_batch((4, 2))[0]["data"], 0) - 0.5) / np.sqrt(0.5 + 1e-3) * 0.5 + 0.5
    np.testing.assert_allclose(values(output), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("recompute", [True, "group"])
def test_values_that_are_computed_again_give_the_same_updates_and_gradients(extern_data, random_batch, recompute):
    import tensorflow as tf

    def gradients(**options):
        net = {
            "h": {"class": "linear", "from": "data", "n_out": 5, "activation": "tanh", **options},
            "norm": NET["output"] | {"from": "h", **options},
            "output": {"class": "softmax", "from": "norm", "loss": "ce", "target": "align"},
        }
        spec, rng = describe(net, extern_data), np.random.default_rng(0)
        params = {
            p: tf.Variable(rng.uniform(0.5, 2, s.shape).astype("float32")) for p, s in sorted(spec.params.items())
        }
        with tf.GradientTape() as tape:
            found = run_network(spec, params, *random_batch((4, 2)), train=True)
        return tape.gradient(found.losses["output"].cost, params), found.updates

    plain, again = gradients(), gradients(recompute=recompute)
    for ours, theirs in zip(again, plain, strict=True):
        assert ours.keys() == theirs.keys()
        for path, value in theirs.items():
            if value is not None:
                np.testing.assert_allclose(ours[path], value, rtol=1e-6, atol=1e-7, err_msg=path)


NORM = {"class": "batch_norm", "from": "data"}
BAD = [
    (NORM | {"momentum": 1.5}, "'momentum' must be a number from 0 to 1, found 1.5"),
    (NORM | {"use_sample": -0.1}, "'use_sample' must be a number from 0 to 1, found -0.1"),
    (NORM | {"epsilon": -1}, "'epsilon' must be 0 or more, found -1"),
    (NORM | {"param_version": 3}, "option 'param_version' must be 0 or 1 or 2, found 3"),
    (NORM | {"masked_tim": True}, "unknown option 'masked_tim'; did you mean 'masked_time'?"),
    (
        NORM | {"from": "data:letters"},
        "needs float32 values with a feature axis, but its input is [batch, time:letters], 6 classes int32",
    ),
    (
        NORM | {"from": "data:number"},
        "needs float32 values with a feature axis, but its input is [batch, time:number] float32",
    ),
    (NORM | {"batch_norm": True}, "'batch_norm' is an option of other layers; this one has those options itself"),
    (
        {"class": "linear", "n_out": 3, "batch_norm": {"momentun": 0.1}},
        "'batch_norm': unknown option 'momentun'; did you mean 'momentum'?",
    ),
    (
        {"class": "copy", "from": "data:letters", "batch_norm": True},
        "batch normalization needs float32 values with a feature axis of known size, found [batch, time:letters], 6 classes int32",
    ),
    (
        {"class": "rec", "unit": {"output": {"class": "copy", "from": "data:source"}}, "batch_norm": True},
        "'batch_norm' does not apply to the layers within; expected a layer 'batch_norm' after it",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("layer", "message"), BAD)
def test_message(layer, message, check_message):

    check_message({"output": layer}, f"layer 'output' ({layer['class']}): {message}")


def test_a_layer_that_is_computed_frame_by_frame_is_refused(check_message):
    unit = {
        "norm": {"class": "batch_norm", "from": "prev:output"},
        "output": {"class": "linear", "from": ["data:source", "norm"], "n_out": 3},
    }
    check_message(
        {"output": {"class": "rec", "from": "data", "unit": unit}},
        "layer 'output/norm' (batch_norm): 'batch_norm/mean' is over all frames, but the layer is computed frame by frame; "
        "expected a layer that the loop can compute for all frames at once",
    )
