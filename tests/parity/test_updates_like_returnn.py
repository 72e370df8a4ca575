"""Ten steps from the same start and gradients end in RETURNN's parameters, for each optimizer and gradient option."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from boulder.network import describe
from boulder.training import TrainingOptions
from boulder.training.objective import l2_factors
from boulder.training.optimizer import variable_name
from boulder.training.replicas import OneReplica
from boulder.training.update import half_squares
from boulder.training.updater import Updater

pytestmark = pytest.mark.parity

STEPS = 10
SHAPES = {"first/W": (4, 3), "first/b": (3,), "second/W": (3, 5), "second/b": (5,)}
EMBEDDING = "first/W"
# With RETURNN's default epsilon of 1e-16 an entry that never had a gradient is no different from any other; the tests of
# single optimizers use it, those of pairs a larger one, in which rounding does not grow.
OPTIMIZERS = {
    "adam": {"class": "adam"},
    "adam with its own betas": {"class": "Adam", "beta1": 0.5, "beta2": 0.9, "epsilon": 1e-3},
    "AdamOptimizer": {"class": "AdamOptimizer", "learning_rate_multiplier": 0.3},
    "customadam": {"class": "CustomAdam"},
    "nadam": {"class": "nadam"},
    "nadam with its own betas": {"class": "nadam", "beta1": 0.6, "beta2": 0.95},
    "adagrad": {"class": "adagrad"},
    "adagrad from another start": {"class": "adagrad", "initial_accumulator_value": 0.7},
    "adadelta": {"class": "adadelta", "rho": 0.8},
    "rmsprop": {"class": "rmsprop"},
    "rmsprop with momentum": {"class": "RMSProp", "decay": 0.7, "momentum": 0.6},
    "centered rmsprop": {"class": "rmsprop", "centered": True, "epsilon": 1e-4},
    "momentum": {"class": "momentum", "momentum": 0.8},
    "nesterov": {"class": "momentum", "momentum": 0.8, "use_nesterov": True},
    "gradientdescent": {"class": "GradientDescent"},
    "customgradientdescent": {"class": "CustomGradientDescentOptimizer"},
    "normalizedsgd": {"class": "NormalizedSGD"},
    "neuraloptimizer1": {"class": "NeuralOptimizer1", "decrease_factor": 0.3},
    "gradvariancescaled": {"class": "GradVarianceScaled"},
    "ftrl": {"class": "ftrl"},
    "ftrl with all options": {
        "class": "ftrl", "learning_rate_power": -0.4, "initial_accumulator_value": 0.3, "l1_regularization_strength": 0.1,
        "l2_regularization_strength": 0.2, "l2_shrinkage_regularization_strength": 0.3, "beta": 0.4,
    },
    "proximalgradientdescent": {
        "class": "ProximalGradientDescent", "l1_regularization_strength": 0.1, "l2_regularization_strength": 0.2,
    },
    "proximaladagrad": {
        "class": "ProximalAdagrad", "l1_regularization_strength": 0.1, "l2_regularization_strength": 0.2,
    },
}  # fmt: skip
OPTIONS = {
    "accum_grad_multiple_step": 3,
    "gradient_clip": 0.4,
    "gradient_clip_norm": 0.7,
    "gradient_clip_avg_norm": 0.1,
    "gradient_clip_global_norm": 1.5,
    "grad_norm_to_clip_to_zero": 4.0,
    "gradient_nan_inf_filter": True,
    "decouple_constraints": True,
    "maximize_grad_norm": 0.3,
}
LAYERS = {"first": {"L2": 0.02}, "second": {"L2": 0.01}}
ADAM = {"optimizer": {"class": "adam", "epsilon": 1e-3}}
LAYER_CASES = {
    "an optimizer of its own": (ADAM, {"second": {"optimizer": {"class": "momentum", "momentum": 0.5}}}),
    "a multiplier of the rate": (ADAM, {"first": {"optimizer": {"learning_rate_multiplier": 0.1}}}),
    "other clipping": (ADAM | {"gradient_clip": 0.1}, {"second": {"gradient_clip": 0, "gradient_clip_norm": 0.2}}),
    "other accumulation": (
        ADAM,
        {"second": {"accum_grad_multiple_step": 4, "optimizer": {"class": "momentum", "momentum": 0.5}}},
    ),
    "tags": (
        ADAM | {"gradient_clip_global_norm": 0.5, "global_norm_tag": "a", "grad_norm_to_clip_to_zero": 3.0},
        {"first": {"tags": ["a", "b"]}, "second": {"tags": ["b"], "gradient_clip_global_norm_tag": "b"}},
    ),
    "a filter of its own": (ADAM, {"second": {"gradient_nan_inf_filter": True}}),
}


NOT_FOR_EMBEDDINGS = {"customadam", "neuraloptimizer1", "gradvariancescaled"}
"""RETURNN's own classes, which read the slots of single rows while they are written"""


def steps(seed: int, sparse: bool = False, nonfinite: bool = False) -> list:
    """:return: (learning rate, path → gradient) of each step; rates change, and some gradients are large"""
    random = np.random.default_rng(seed)
    result = []
    for step in range(STEPS):
        scale = 2.0 if step % 4 == 2 else 0.6
        gradients = {path: random.normal(0, scale, shape).astype("float32") for path, shape in SHAPES.items()}
        if sparse:  # with equal rows, and rows without a gradient
            rows = random.integers(0, 3, 4).astype("int32")
            gradients[EMBEDDING] = (rows, random.normal(0, scale, (4, 3)).astype("float32"))
        if nonfinite and step in (3, 4, 7):
            gradients["second/W"][1, 2] = [np.nan, np.inf, -np.inf][step % 3]
        result.append((0.02 / (1 + step // 3), gradients))
    return result


def start() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {path: random.uniform(-1, 1, shape).astype("float32") for path, shape in SHAPES.items()}


def network(layers: dict) -> dict:
    first, second = (layers.get(name, {}) for name in ("first", "second"))
    return {
        "first": {"class": "linear", "activation": None, "n_out": 3, "from": "data", **first},
        "second": {"class": "linear", "activation": None, "n_out": 5, "from": "first", **second},
        "output": {"class": "copy", "from": "second", "loss": "as_is", "is_output_layer": True},
    }


def ours(config: dict, steps: list, layers: dict) -> list[dict[str, np.ndarray]]:
    spec = describe(network(layers), {"data": {"dim": 4}})
    options = TrainingOptions.from_config(config)
    values = start()
    variables = {path: tf.Variable(values[path], name=variable_name(i)) for i, path in enumerate(sorted(SHAPES))}
    updater = Updater(options, spec, variables, OneReplica())

    def gradient(path: str, given):
        if isinstance(given, tuple):
            result = tf.IndexedSlices(tf.constant(given[1]), tf.constant(given[0]), tf.constant(SHAPES[path]))
        else:
            result = tf.constant(given)
        l2 = 0 if config.get("decouple_constraints") else l2_factors(spec).get(path, 0)
        return tf.convert_to_tensor(result) + 2 * l2 * variables[path] if l2 else result

    results = []
    for number, (rate, gradients) in enumerate(steps):
        updater.learning_rate.assign(rate)
        found, slopes = [gradient(path, gradients[path]) for path in variables], []
        if config.get("maximize_grad_norm"):  # RETURNN's objective has a Σ w⁴ in addition
            found = [tf.convert_to_tensor(g) + 4 * w**3 for g, w in zip(found, variables.values(), strict=True)]
            second = [
                12 * w**2 + 2 * (0 if config.get("decouple_constraints") else l2_factors(spec).get(path, 0))
                for path, w in variables.items()
            ]
            slopes = [g / tf.linalg.global_norm(found) * s for g, s in zip(found, second, strict=True)]
        squares = half_squares(found)
        updater.update(found, squares, tf.constant(True), tf.constant(number, tf.int64), slopes)
        results.append({path: variable.numpy() for path, variable in variables.items()})
    return results


def cases() -> dict[str, tuple[dict, list, dict]]:
    """:return: name → options of the config, steps, layers"""
    result = {}
    for number, (name, optimizer) in enumerate(OPTIMIZERS.items()):
        config = {"optimizer": optimizer}
        result[f"{name}"] = (config, steps(number), {})
        if name not in NOT_FOR_EMBEDDINGS:
            result[f"{name} of an embedding"] = (config, steps(number, sparse=True), {})
        for option in OPTIONS:
            result[f"{name}, {option}"] = (
                config | {"optimizer_epsilon": 1e-3, option: OPTIONS[option]},
                steps(number, nonfinite=option == "gradient_nan_inf_filter"),
                LAYERS,
            )
    for option, value in OPTIONS.items():
        nonfinite = option == "gradient_nan_inf_filter"
        result[f"{option} of an embedding"] = (ADAM | {option: value}, steps(len(result), True, nonfinite), LAYERS)
    for one, other in itertools.combinations(OPTIONS, 2):
        both = {one: OPTIONS[one], other: OPTIONS[other]}
        nonfinite = "gradient_nan_inf_filter" in both
        for sparse in (False, True):
            name = f"{one}, {other}{' of an embedding' * sparse}"
            result[name] = (ADAM | both, steps(len(result), sparse, nonfinite), LAYERS)
    for name, (config, own) in LAYER_CASES.items():
        layers = {layer: {"updater_opts": options} for layer, options in own.items()}
        result[f"a layer with {name}"] = (config, steps(len(result), nonfinite="filter" in name), layers)
    return result


CASES = cases()
QUICK = [name for name in CASES if "," not in name]
SLOW = [name for name in CASES if "," in name]


def reference(returnn, names: list[str]) -> dict:
    """:return: name of a case → parameters after each step, from RETURNN"""
    requests = []
    for config, given, layers in map(CASES.get, names):
        of_path = {path: layers.get(path.partition("/")[0], {}) for path in SHAPES}
        requests.append({"kind": "update", "config": config, "values": start(), "steps": given, "layers": of_path})
    return dict(zip(names, returnn(requests), strict=True))


@pytest.fixture(scope="module")
def of_quick(returnn):
    return reference(returnn, QUICK)


@pytest.fixture(scope="module")
def of_slow(returnn):
    return reference(returnn, SLOW)


def compare(name: str, theirs: dict) -> None:
    assert not isinstance(theirs[name], str), theirs[name]
    config, given, layers = CASES[name]
    for step, (mine, expected) in enumerate(zip(ours(config, given, layers), theirs[name], strict=True), 1):
        for path in SHAPES:
            np.testing.assert_allclose(mine[path], expected[path], rtol=1e-6, atol=1e-6, err_msg=f"{path}, step {step}")


@pytest.mark.parametrize("name", QUICK)
def test_ten_steps_end_in_the_parameters_of_returnn(name, of_quick):
    compare(name, of_quick)


@pytest.mark.slow
@pytest.mark.parametrize("name", SLOW)
def test_ten_steps_with_several_options_end_in_the_parameters_of_returnn(name, of_slow):
    compare(name, of_slow)
