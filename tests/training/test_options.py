"""Training options are checked before anything runs."""

import numpy as np
import pytest

from boulder.errors import ConfigError
from boulder.training import TrainingOptions


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
        ({"optimizer": "adam"}, "'optimizer' must be a dict such as {'class': 'adam'}, found 'adam'"),
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


@pytest.mark.parametrize(
    "name", ["adam", "amsgrad", "adamw", "adamax", "nadam", "sgd", "momentum", "adagrad", "adadelta", "rmsprop", "lion"]
)
def test_slots_of_every_optimizer_are_restored(name):
    import tensorflow as tf

    from boulder.training.optimizer import get_slots, make_optimizer, set_slots, variable_name

    def make():
        variables = [tf.Variable(np.ones((2, n), "float32"), name=variable_name(n)) for n in range(2)]
        return make_optimizer({"class": name}, 1e-8, variables), variables

    paths = ["a/W", "b/W"]
    one, variables = make()
    for _ in range(3):
        one.apply([tf.ones_like(v) * 0.3 for v in variables], variables)
    slots = get_slots(one, paths)
    two, others = make()
    for variable, value in zip(others, variables, strict=True):
        variable.assign(value)
    set_slots(two, paths, slots, 3)
    for optimizer, trained in ((one, variables), (two, others)):
        optimizer.apply([tf.ones_like(v) * 0.7 for v in trained], trained)
    for a, b in zip(variables, others, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    if name != "sgd":
        assert slots
        assert all(set(values) == set(paths) for slot, values in slots.items() if slot != "all")
