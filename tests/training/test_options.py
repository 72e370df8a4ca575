"""Training options are checked before anything runs."""

import pytest

from boulder.errors import ConfigError
from boulder.training import TrainingOptions


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"batchsize": 3}, "config: the training does not know 'batchsize'; did you mean 'batch_size'?"),
        ({"learning_rat": 3}, "config: the training does not know 'learning_rat'; did you mean 'learning_rate'?"),
        ({"batch_size": 0}, "config: 'batch_size' must be a positive int, or a dict of them per data key, found 0"),
        ({"batch_size": {"data": "x"}}, "found {'data': 'x'}"),
        ({"max_seqs": True}, "'max_seqs' must be a positive int, found True"),
        ({"gradient_clip": -1}, "'gradient_clip' must be a number, 0 or more, found -1"),
        ({"optimizer": "adam"}, "'optimizer' must be a dict such as {'class': 'adam'}, found 'adam'"),
        ({"optimizer": {"class": "adamm"}}, "unknown optimizer 'adamm'; did you mean 'adam'?"),
        ({"optimizer": {"class": "adam", "beta_1": 0.5}}, "has no option 'beta_1'; did you mean 'beta1'?"),
    ],
)
def test_a_wrong_option_is_an_error_with_the_expected_value(config, message):
    with pytest.raises(ConfigError) as error:
        TrainingOptions.from_config(config)
    assert message in str(error.value)


@pytest.mark.parametrize(
    "name", ["adam", "amsgrad", "adamw", "adamax", "nadam", "sgd", "momentum", "adagrad", "adadelta", "rmsprop", "lion"]
)
def test_slots_of_every_optimizer_are_restored(name):
    import numpy as np
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
