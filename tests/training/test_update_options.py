"""Options of the update in a training: batches that are not finite, accumulation, a fresh optimizer, extra updates."""

import numpy as np
import pytest
import tensorflow as tf

from boulder.data import HdfWriter
from boulder.errors import ConfigError
from boulder.network import describe
from boulder.training import TrainingOptions
from boulder.training.scores import read_scores
from boulder.training.updater import check_updates
from tests.tiny import EXTERN_DATA, phase

NETWORK = {"output": {"class": "softmax", "from": "data", "loss": "ce"}}
SGD = {"optimizer": "sgd", "batching": "default", "use_normalized_loss": False}


@pytest.fixture
def with_a_five(tmp_path):
    """:return: four sequences, of which only the third has a 5 in its data"""
    with HdfWriter(tmp_path / "data.hdf", EXTERN_DATA) as writer:
        for i, length in enumerate([2, 3, 4, 2]):
            labels = (np.arange(length) + i).astype("int32") % 5
            data = labels if i != 2 else labels + (labels == 4)
            writer.write(f"seq-{i}", {"data": data, "classes": labels})
    return {"train": [tmp_path / "data.hdf"], "dev": []}


BLOWS_UP = NETWORK | {
    "blow": {
        "class": "eval", "from": "data", "eval": "0.0 * tf.one_hot(source(0), 6) / (5.0 - tf.cast(source(0), 'float32'))[..., None]",
        "loss": "as_is", "out_type": {"dtype": "float32", "sparse": False, "dim": 6},
    },
}  # fmt: skip


def test_a_batch_that_is_not_finite_is_skipped_named_and_counted(training, with_a_five, tmp_path, stop_at):
    lines: list[str] = []
    phases = [phase(0, range(1, 2), BLOWS_UP, max_seqs=1, stop_on_nonfinite_train_score=False, **SGD)]
    ended = training(phases, "all", say=lines.append, **with_a_five)
    (told,) = [line for line in lines if "not finite" in line]
    assert told.startswith("epoch 1, batch 2: loss or gradient is not finite (")
    assert told.endswith("on the sequences seq-2; it made no update")
    (record,) = read_scores(tmp_path / "all/scores.jsonl")
    assert (record["skipped"], record["steps"]) == (1, 4)
    assert all(np.isfinite(value) for value in record["train"].values())
    assert all(np.isfinite(value).all() for value in ended.params.values())
    assert (ended.step, ended.iterations) == (4, 3)
    stop_at(3)
    with pytest.raises(SystemExit):
        training(phases, "stopped", **with_a_five)
    training(phases, "stopped", **with_a_five)
    assert (tmp_path / "all/checkpoint.h5").read_bytes() == (tmp_path / "stopped/checkpoint.h5").read_bytes()
    assert read_scores(tmp_path / "stopped/scores.jsonl")[0]["skipped"] == 1


def test_a_sum_of_gradients_goes_on_without_the_batch_that_is_not_finite(training, with_a_five):
    options = {"accum_grad_multiple_step": 4, "stop_on_nonfinite_train_score": False, **SGD}
    ended = training([phase(0, range(1, 2), BLOWS_UP, max_seqs=1, **options)], **with_a_five)
    assert (ended.step, ended.iterations) == (4, 1)
    assert all(np.isfinite(value).all() for value in ended.params.values())


def test_a_number_of_batches_that_the_period_does_not_divide_is_told_once(training, with_a_five):
    lines: list[str] = []
    phases = [phase(0, range(1, 4), NETWORK, max_seqs=1, accum_grad_multiple_step=3, **SGD)]
    ended = training(phases, say=lines.append, **with_a_five)
    (told,) = [line for line in lines if "accum_grad_multiple_step" in line]
    assert told.startswith(
        "epoch 1: 'accum_grad_multiple_step' is 3, which does not divide the 4 batches of this epoch"
    )
    assert (ended.step, ended.iterations) == (12, 4)  # batches are counted across the epochs


def test_the_optimizer_starts_anew_at_each_epoch_and_after_so_many_batches(training, with_a_five, tmp_path, stop_at):
    phases = [phase(0, range(1, 3), NETWORK, max_seqs=1, reset_updater_vars_mod_step=3)]
    ended = training(phases, "all", **with_a_five)
    assert (ended.step, ended.iterations) == (8, 1)
    stop_at(3)  # right before the optimizer starts anew
    with pytest.raises(SystemExit):
        training(phases, "stopped", **with_a_five)
    training(phases, "stopped", **with_a_five)
    assert (tmp_path / "all/checkpoint.h5").read_bytes() == (tmp_path / "stopped/checkpoint.h5").read_bytes()


def test_extra_updates_follow_each_batch(training, with_a_five):
    phases = [
        phase(0, range(1, 2), NETWORK, extra_updates={"output/b": lambda var: var.assign(tf.ones_like(var))}, **SGD)
    ]
    assert (training(phases, **with_a_five).params["output/b"] == 1).all()


def zero(variable):
    return variable.assign(0 * variable)


@pytest.mark.parametrize(
    ("updates", "message"),
    [
        ({"outptu/b": lambda var: var}, "'extra_updates': there is no parameter 'outptu/b'; did you mean 'output/b'?"),
        (
            {"output/b": zero},
            "the function of 'output/b' is called with the parameter as 'var', and must take nothing else",
        ),
    ],
)
def test_wrong_extra_updates_are_errors(updates, message):
    with pytest.raises(ConfigError) as error:
        check_updates(TrainingOptions(extra_updates=updates), describe(NETWORK, EXTERN_DATA))
    assert message in str(error.value)


def test_the_norm_of_the_gradients_is_maximized(training, with_a_five):
    """Against the derivative by finite differences, for one batch of all sequences."""
    rate, factor = 0.01, 5.0
    config = SGD | {"max_seqs": 10, "maximize_grad_norm": factor}
    net = {"output": {"class": "linear", "activation": None, "n_out": 5, "with_bias": False, "from": "data"}}
    net["loss"] = {"class": "eval", "from": "output", "eval": "source(0) ** 4", "loss": "as_is"}
    net["output"]["forward_weights_init"] = 0.5
    ended = training([phase(0, range(1, 2), net, **config)], **with_a_five)
    counts = np.bincount([0, 1, 1, 2, 3, 2, 3, 5, 0, 3, 4], minlength=6)[:, np.newaxis] * np.ones((6, 5))
    gradient, curvature = counts * 4 * 0.5**3, counts * 12 * 0.5**2
    norm = np.sqrt((counts * (4 * 0.5**3) ** 2).sum())  # frames count one by one, see `Update`
    raw = np.sqrt((gradient**2).sum())
    assert norm < raw
    slope = gradient * curvature / norm
    np.testing.assert_allclose(ended.params["output/W"], 0.5 - rate * (gradient - factor * slope), rtol=1e-5)


def test_decoupled_l2_of_a_layer_replaces_that_of_its_loop_as_in_returnn(training, with_a_five):
    """RETURNN 1.20261022 decays `s` by its own L2 and `output` by the loop's; in the objective, both would count for `s`."""
    unit = {
        "s": {"class": "linear", "activation": "tanh", "n_out": 3, "from": ["data:source", "prev:s"], "L2": 0.2},
        "output": {"class": "linear", "activation": None, "n_out": 5, "from": "s", "with_bias": False},
    }
    network = {
        "embedding": {"class": "linear", "activation": None, "n_out": 4, "from": "data", "with_bias": False},
        "loop": {"class": "rec", "from": "embedding", "unit": unit, "L2": 0.1},
        "output": {"class": "activation", "activation": "softmax", "from": "loop", "loss": "ce"},
    }
    rate = {"learning_rate_control": {"class": "scheduled", "first_epoch": 1, "rates": [0.0]}}
    before, after = (
        training([phase(0, range(1, 2), network, decouple_constraints=decoupled, **SGD) | rate], name, **with_a_five)
        for name, decoupled in (("no", False), ("yes", True))
    )
    assert before.step == after.step == 1
    for path, l2 in (("loop/rec/s/W", 0.2), ("loop/rec/output/W", 0.1), ("embedding/W", 0)):
        np.testing.assert_allclose(after.params[path], before.params[path] * (1 - 2 * l2), rtol=1e-6)
