"""The optimizers: the names of their slots, which checkpoints hold, and their operations, of which each parameter has one."""

import numpy as np
import pytest
import tensorflow as tf

from boulder.training.optimizer import OPTIMIZERS, Optimizer, variable_name

SLOTS = {
    "adam": {"momentum", "velocity"},
    "customadam": {"momentum", "velocity"},
    "nadam": {"momentum", "velocity"},
    "amsgrad": {"momentum", "velocity", "velocity_hat"},
    "gradvariancescaled": {"momentum", "variance"},
    "adamw": {"momentum", "velocity"},
    "adamax": {"momentum", "norm"},
    "nadamkeras": {"all", "momentum", "velocity"},
    "lamb": {"momentum", "velocity"},
    "lion": {"momentum"},
    "adafactor": {"all", "velocity"},
    "sgd": set(),
    "gradientdescent": set(),
    "customgradientdescent": set(),
    "normalizedsgd": set(),
    "momentum": {"momentum"},
    "nesterov": {"momentum"},
    "neuraloptimizer1": {"momentum"},
    "adagrad": {"accumulator"},
    "adadelta": {"accumulated_delta_var", "accumulated_grad"},
    "rmsprop": {"momentum", "velocity"},
    "ftrl": {"accumulator", "linear"},
    "proximalgradientdescent": set(),
    "proximaladagrad": {"accumulator"},
}
VARIANTS = {
    "sgd": [{"momentum": 0.5}, {"momentum": 0.5, "nesterov": True}, {"weight_decay": 0.1}],
    "adamw": [{"amsgrad": True}, {"weight_decay": 0.3}],
    "adamax": [{}],
}
"""options under which Keras has the same optimizer"""
WITH_ROWS = ["nadam", "adagrad", "adadelta", "rmsprop", "momentum", "nesterov", "ftrl"]


def made(name: str, count: int = 1, **options) -> tuple[Optimizer, dict[str, tf.Variable]]:
    start = np.linspace(-1, 1, 6, dtype="float32").reshape(2, 3)
    variables = {f"layer{i}/W": tf.Variable(start + i, name=variable_name(i)) for i in range(count)}
    optimizer = Optimizer({"class": name, **options}, 1e-4, variables)
    optimizer.learning_rate.assign(0.1)
    return optimizer, variables


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_slots_have_the_names_under_which_checkpoints_hold_them(name):
    assert made(name)[0].slots().keys() == SLOTS[name]


@pytest.mark.parametrize(
    ("name", "options"), [(name, options) for name, variants in VARIANTS.items() for options in variants]
)
def test_the_updates_of_keras_are_made(name, options):
    import keras

    optimizer, variables = made(name, **options)
    classes = {"sgd": keras.optimizers.SGD, "adamw": keras.optimizers.AdamW, "adamax": keras.optimizers.Adamax}
    theirs = tf.Variable(variables["layer0/W"])
    reference = classes[name](0.1, **options) if name == "sgd" else classes[name](0.1, epsilon=1e-4, **options)
    random = np.random.default_rng(1)
    for _ in range(4):
        gradient = tf.constant(random.normal(size=(2, 3)), tf.float32)
        reference.apply([gradient], [theirs])
        optimizer.groups[0].apply({"layer0/W": gradient}, variables)
    np.testing.assert_allclose(variables["layer0/W"], theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", WITH_ROWS)
def test_slices_of_all_rows_make_the_update_of_the_whole_gradient(name):
    """Slices are updated by the formula, whole gradients by TensorFlow's operation."""
    (whole, variables), (sliced, others) = made(name), made(name)
    for step in range(4):
        gradient = tf.constant(np.random.default_rng(step).normal(size=(2, 3)), tf.float32)
        whole.groups[0].apply({"layer0/W": gradient}, variables)
        slices = tf.IndexedSlices(gradient, tf.constant([0, 1]), tf.constant([2, 3]))
        sliced.groups[0].apply({"layer0/W": slices}, others)
    np.testing.assert_allclose(variables["layer0/W"], others["layer0/W"], rtol=1e-5, atol=1e-6)
    for slot, values in whole.slots().items():
        np.testing.assert_allclose(values["layer0/W"], sliced.slots()[slot]["layer0/W"], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["adam", "momentum", "rmsprop", "ftrl", "adamax", "adagrad", "adadelta", "sgd"])
def test_a_further_parameter_needs_one_further_operation(name):
    def operations(count: int) -> int:
        optimizer, variables = made(name, count)

        @tf.function(autograph=False)
        def update() -> None:
            optimizer.groups[0].apply({path: tf.zeros([2, 3]) for path in variables}, variables)

        found = update.get_concrete_function().graph.get_operations()
        return sum(operation.type not in ("Placeholder", "Const") for operation in found)

    assert operations(5) - operations(4) == 1
