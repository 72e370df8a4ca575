"""Training options are checked before anything runs."""

import numpy as np
import pytest

from boulder.errors import ConfigError
from boulder.schedule.canonical import canonical
from boulder.training import TrainingOptions
from boulder.training.optimizer import OPTIMIZERS


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"batchsize": 3}, "config: the training does not know 'batchsize'; did you mean 'batch_size'?"),
        ({"learning_rat": 3}, "config: the training does not know 'learning_rat'; did you mean 'learning_rate'?"),
        (
            {"batch_size": 0},
            "config: 'batch_size' must be a positive int, a dict of them per data key, or None for no limit, found 0",
        ),
        ({"batch_size": {"data": "x"}}, "found {'data': 'x'}"),
        ({"max_seqs": True}, "'max_seqs' must be a positive int, or None for no limit, found True"),
        ({"gradient_clip": -1}, "'gradient_clip' must be a number, 0 or more, found -1"),
        ({"random_seed": -1}, "'random_seed' must be an int from 0 to 2**31 - 1, found -1"),
        ({"random_seed": 2**31}, "'random_seed' must be an int from 0 to 2**31 - 1, found 2147483648"),
        (
            {"optimizer": {"class": "adam", "beta1": "x"}},
            "config: 'beta1' of optimizer 'adam' must be a number, 0 or more and less than 1, found 'x'",
        ),
        ({"optimizer": {"class": "Adam", "beta1": 5}}, "must be a number, 0 or more and less than 1, found 5"),
        ({"optimizer": {"class": "adam", "epsilon": -1}}, "must be a finite number, 0 or more, found -1"),
        ({"optimizer": {"class": "lion", "beta1": 0}}, "must be a number, more than 0 and at most 1, found 0"),
        ({"optimizer": {"class": "sgd", "momentum": -3}}, "must be a number from 0 to 1, found -3"),
        ({"optimizer": {"class": "sgd", "nesterov": 1}}, "must be True or False, found 1"),
        ({"optimizer": 3}, "'optimizer' must be a name, or a dict such as {'class': 'adam'}, found 3"),
        ({"optimizer": "adamm"}, "unknown optimizer 'adamm'; did you mean 'adam'?"),
        (
            {"optimizer": {"class": "MultiOptimizer"}},
            "unknown optimizer 'MultiOptimizer'; a layer's 'updater_opts' give it",
        ),
        (
            {"optimizer": {"class": "lion", "beta1": 0.9, "beta_1": 0.9}},
            "'beta1' and 'beta_1' of optimizer 'lion' are the same option, found both",
        ),
        ({"optimizer": {"class": "ftrl", "learning_rate_power": 1}}, "must be a number, 0 or less, found 1"),
        ({"accum_grad_multiple_step": -2}, "'accum_grad_multiple_step' must be an int, 0 or more, found -2"),
        (
            {"gradient_clip_nrm": 1},
            "the training does not know 'gradient_clip_nrm'; did you mean 'gradient_clip_norm'?",
        ),
        ({"global_norm_tag": 1}, "'global_norm_tag' must be a string or None, found 1"),
        ({"extra_updates": {"a/W": 3}}, "must be a dict from parameter path to function, or None, found {'a/W': 3}"),
        ({"optimizer": {"class": "adamm"}}, "unknown optimizer 'adamm'; did you mean 'adam'?"),
        ({"optimizer": {"class": "adam", "beta_1": 0.5}}, "has no option 'beta_1'; did you mean 'beta1'?"),
    ],
)
def test_a_wrong_option_is_an_error_with_the_expected_value(config, message):
    with pytest.raises(ConfigError) as error:
        TrainingOptions.from_config(config)
    assert message in str(error.value)


def test_numpy_values_are_options():
    given = {
        "batch_size": {"data": np.int64(4)},
        "max_seqs": np.int32(3),
        "gradient_clip": np.float32(0.5),
        "use_normalized_loss": np.bool_(True),
        "random_seed": np.int64(2**31 - 1),
        "optimizer": {"class": "adam", "beta1": np.float64(0.5)},
    }
    options = TrainingOptions.from_config(given)
    assert options == TrainingOptions(
        batch_size={"data": 4},
        max_seqs=3,
        gradient_clip=0.5,
        use_normalized_loss=True,
        random_seed=2**31 - 1,
        optimizer={"class": "adam", "beta1": 0.5},
    )
    assert type(options.max_seqs) is type(options.batch_size["data"]) is int


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_slots_of_every_optimizer_are_restored(name):
    import tensorflow as tf

    from boulder.training.optimizer import Optimizer, variable_name

    paths = ["a/W", "b/W"]
    own = {"b/W": {"class": "nadamkeras"}}  # a second group, with a value that belongs to no parameter

    def make():
        variables = {
            path: tf.Variable(np.ones((2, n), "float32"), name=variable_name(n)) for n, path in enumerate(paths)
        }
        optimizer = Optimizer({"class": name}, 1e-8, variables, own)
        optimizer.learning_rate.assign(0.1)
        return optimizer, variables

    def step(optimizer, variables, size):
        for group in optimizer.groups:
            group.apply({path: tf.ones_like(variable) * size for path, variable in variables.items()}, variables)

    one, variables = make()
    for _ in range(3):
        step(one, variables, 0.3)
    slots = one.slots()
    two, others = make()
    for path, value in variables.items():
        others[path].assign(value)
    two.set_slots(slots, one.iterations)
    step(one, variables, 0.7)
    step(two, others, 0.7)
    for path in paths:
        np.testing.assert_array_equal(variables[path].numpy(), others[path].numpy())
    assert one.iterations == two.iterations == 4
    assert all(set(values) <= set(paths) for slot, values in slots.items() if slot != "all")


def test_keys_that_are_no_texts_are_shown_as_in_the_config():
    with pytest.raises(ConfigError, match=r"'batch_size' must be a positive int.*, found \{1: 5\}$"):
        TrainingOptions.from_config(canonical({"batch_size": {1: 5}}))
