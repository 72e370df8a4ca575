"""Dropout: a no-op in evaluation, preserves the mean, and is a function of (seed, step, layer name) alone."""

import numpy as np
import pytest

LENGTHS = [5, 2, 4]
EACH_ENTRY = {"*": None}


def dropped(run, values, data, lengths, *, name="output", noise=None, rate=0.5, **kwargs):
    layer = {"class": "dropout", "dropout": rate, "dropout_noise_shape": noise, "is_output_layer": True}
    return values(run({name: layer}, data, lengths, **kwargs), name)


@pytest.mark.parametrize("noise", [None, EACH_ENTRY])
def test_no_op_in_evaluation_and_at_rate_0(noise, run, values, random_batch):
    data, lengths = random_batch(LENGTHS)
    assert (dropped(run, values, data, lengths, noise=noise) == data["data"]).all()
    assert (dropped(run, values, data, lengths, noise=noise, rate=0, train=True) == data["data"]).all()


def test_kept_entries_are_scaled_so_that_the_mean_is_preserved(run, values, random_batch):
    data, lengths = random_batch([40] * 100)
    data["data"][:] = 1
    found = dropped(run, values, data, lengths, noise=EACH_ENTRY, rate=0.25, train=True)
    np.testing.assert_allclose(np.unique(found), [0, 1 / 0.75], rtol=1e-6)
    assert found.mean() == pytest.approx(1, abs=0.02)  # 20,000 entries: 5 standard deviations


@pytest.mark.parametrize(
    ("noise", "shared"),
    [
        (None, (True, True, False)),  # RETURNN's default
        ({}, (True, True, False)),
        ({"*": None}, (False, False, False)),
        ({"*": -1}, (False, False, False)),
        ({"B": None}, (False, True, False)),
        ({"T": None}, (True, False, False)),
        ({"*": None, "T": 1}, (False, True, False)),
        ({"T": 1, "*": None}, (False, True, False)),
        ({"F": 1}, (True, True, True)),
        ({"*": 1, "B": None}, (False, True, True)),
    ],
)
def test_dropout_noise_shape_selects_the_axes_that_share_a_mask(noise, shared, run, values, random_batch):
    data, lengths = random_batch([30] * 30)
    data["data"][:] = 1
    steps = [dropped(run, values, data, lengths, noise=noise, train=True, step=step) for step in range(8)]
    constant = [[(found == found.take([0], axis)).all() for axis in range(3)] for found in steps]
    assert tuple(np.all(constant, axis=0)) == shared
    assert set(np.unique(steps)) == {0, 2}  # entries are dropped, and not all of them


def test_a_mask_shared_by_all_frames_does_not_depend_on_the_batch(run, values, random_batch):
    data, lengths = random_batch(LENGTHS)
    one, its_length = random_batch([3], seed=1)
    mask = dropped(run, values, data, lengths, train=True, step=3)[0, 0] == 0
    assert ((dropped(run, values, one, its_length, train=True, step=3) == 0) == mask).all()
    assert 0 < mask.sum() < 5


@pytest.mark.parametrize("noise", [None, EACH_ENTRY])
def test_a_function_of_seed_step_and_layer_name(noise, run, values, random_batch):
    import tensorflow as tf

    data, lengths = random_batch([9] * 9)

    def mask(**kwargs):
        masks = [dropped(run, values, data, lengths, noise=noise, train=True, **{"step": 0} | kwargs | {"step": s}) == 0
                 for s in ([kwargs["step"]] if "step" in kwargs else range(8))]  # fmt: skip
        return np.stack(masks)

    tf.random.set_seed(1)
    first = mask(seed=7)
    tf.random.set_seed(2)  # TensorFlow's own random state has no effect
    assert (mask(seed=7) == first).all()
    assert (mask(seed=8) != first).any()
    assert (mask(seed=7, name="other") != first).any()
    assert any((first[i] != first[0]).any() for i in range(1, 8))  # by step
    assert (mask(seed=7, step=tf.constant(5, tf.int64))[0] == first[5]).all()


def test_compiled_dropout_equals_eager_dropout(run, values, random_batch):
    import tensorflow as tf

    data, lengths = random_batch(LENGTHS)

    @tf.function(autograph=False)
    def compiled(step):
        return dropped(run, lambda out, name: out.layers[name].value, data, lengths, train=True, step=step)

    for step in range(3):
        eager = dropped(run, values, data, lengths, train=True, step=step)
        assert (compiled(tf.constant(step, tf.int64)).numpy() == eager).all()


def test_gradients_pass_through_kept_entries_only(run, random_batch):
    import tensorflow as tf

    data, lengths = random_batch(LENGTHS)
    x = tf.constant(np.ones_like(data["data"]))
    with tf.GradientTape() as tape:
        tape.watch(x)
        net = {"output": {"class": "dropout", "dropout": 0.5, "dropout_noise_shape": EACH_ENTRY}}
        y = run(net, data | {"data": x}, lengths, train=True).layers["output"].value
    assert (tape.gradient(y, x).numpy() == y.numpy()).all()


def test_dropout_of_other_layers_applies_to_their_input(run, values, random_batch):
    data, lengths = random_batch(LENGTHS)
    for layer in (
        {"class": "linear", "n_out": 2, "activation": "tanh"},
        {"class": "rec", "n_out": 2},
        {"class": "repeat", "repetitions": 2},
        {"class": "activation", "activation": "exp"},
    ):
        plain = {"d": {"class": "dropout", "dropout": 0.0}, "output": layer | {"from": "d"}}
        own = {"output": layer | {"dropout": 0.9, "from": "data"}}
        assert (values(run(plain, data, lengths)) == values(run(own, data, lengths))).all()
        differs = [
            values(run(own, data, lengths, train=True, step=s)) != values(run(own, data, lengths)) for s in range(3)
        ]
        assert np.any(differs)


def test_dropout_on_forward_drops_in_evaluation_and_in_a_search(run, values, random_batch):
    data, lengths = random_batch(LENGTHS)
    layer = {"class": "dropout", "dropout": 0.5, "dropout_noise_shape": EACH_ENTRY, "is_output_layer": True}
    always = {"output": layer | {"dropout_on_forward": True}}
    evaluated = values(run(always, data, lengths), "output")
    assert 0.2 < (evaluated == 0).mean() < 0.8
    np.testing.assert_array_equal(evaluated, values(run(always, data, lengths), "output"))
    np.testing.assert_array_equal(evaluated, values(run(always, data, lengths, train=True), "output"))
