"""Stages between gradient and update. A stage is a class in one file and an entry in `STAGES`."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from boulder.errors import ConfigError
from boulder.network import describe
from boulder.training import TrainingOptions
from boulder.training.update import (
    STAGES,
    Accumulate,
    AddNoise,
    ClipByGlobalNorm,
    ClipByValue,
    ParameterOptions,
    Stage,
    Update,
    half_squares,
    make_stages,
)
from tests.tiny import phase

SGD = {"optimizer": {"class": "sgd"}}


def network(width: int) -> dict:
    return {
        "hidden": {"class": "linear", "activation": "tanh", "from": "data", "n_out": width},
        "output": {"class": "softmax", "from": "hidden", "loss": "ce", "target": "classes"},
    }


PATHS = ("layer0/W", "layer1/W")
NETWORK = {
    "layer0": {"class": "linear", "activation": None, "n_out": 2, "from": "data", "with_bias": False},
    "layer1": {"class": "linear", "activation": None, "n_out": 1, "from": "layer0", "with_bias": False},
    "output": {"class": "copy", "from": "layer1", "loss": "as_is"},
}


def update(*gradients: list[float], step: int = 0) -> Update:
    named = {path: tf.constant(gradient) for path, gradient in zip(PATHS, gradients, strict=False)}
    variables = {path: tf.zeros_like(gradient) for path, gradient in named.items()}
    squares = dict(zip(named, half_squares(named.values()), strict=True))
    return Update(named, squares, variables, tf.constant(step, tf.int64), {})


def entries(update: Update) -> list:
    return [tf.convert_to_tensor(gradient).numpy().tolist() for gradient in update.gradients.values()]


def of_parameters(layers: dict | None = None, **options) -> ParameterOptions:
    """:param layers: layer → its `updater_opts`"""
    net = {name: layer | {"updater_opts": (layers or {}).get(name)} for name, layer in NETWORK.items()}
    return ParameterOptions.of_network(TrainingOptions.from_config(options), describe(net, {"data": {"dim": 1}}))


def test_stages_apply_in_the_order_of_returnn():
    assert make_stages(of_parameters()) == []
    every = {
        "gradient_clip_global_norm": 1.0, "gradient_clip": 2.0, "gradient_noise": 0.1, "accum_grad_multiple_step": 2,
        "gradient_nan_inf_filter": True, "gradient_clip_avg_norm": 3.0, "gradient_clip_norm": 4.0,
        "grad_norm_to_clip_to_zero": 5.0, "maximize_grad_norm": 0.1,
    }  # fmt: skip
    assert [type(stage) for stage in make_stages(of_parameters(**every))] == STAGES


def test_options_of_a_layer_take_precedence():
    options = of_parameters({"layer1": {"gradient_clip": 0}}, gradient_clip=2.0)
    assert make_stages(options) == [ClipByValue({"layer0/W": 2.0})]
    assert make_stages(of_parameters({"layer1": {"gradient_clip": 3.0}})) == [ClipByValue({"layer1/W": 3.0})]


def test_a_loop_hands_its_options_to_its_layers():
    unit = {
        "s": {"class": "linear", "activation": None, "n_out": 2, "from": ["data:source", "prev:s"]},
        "output": {"class": "linear", "n_out": 1, "from": "s", "updater_opts": {"gradient_clip": 2.0}},
    }
    net = {
        "loop": {"class": "rec", "unit": unit, "from": "data", "updater_opts": {"gradient_clip": 1.0}},
        "output": {"class": "copy", "from": "loop", "loss": "as_is"},
    }
    options = ParameterOptions.of_network(TrainingOptions(), describe(net, {"data": {"dim": 1}}))
    limits = {path.removeprefix("loop/rec/"): limit for path, limit in options.of("gradient_clip").items()}
    assert limits == {"s/W": 1.0, "s/b": 1.0, "output/W": 2.0, "output/b": 2.0}


@pytest.mark.parametrize(
    ("own", "options", "message"),
    [
        ({"gradient_clp": 1}, {}, "unknown option 'gradient_clp'; did you mean 'gradient_clip'?"),
        ({"gradient_clip": -1}, {}, "'gradient_clip' must be a number, 0 or more, found -1"),
        ({"tags": "a"}, {}, "'tags' must be a list of strings, found 'a'"),
        ({"optimizer": {"beta3": 1}}, {}, "optimizer 'adam' has no option 'beta3'; did you mean 'beta1'?"),
        ({"maximize_grad_norm": 1}, {}, "'maximize_grad_norm' counts for all parameters; it belongs into the config"),
    ],
)
def test_wrong_options_of_a_layer_are_errors(own, options, message):
    with pytest.raises(ConfigError, match="updater_opts' of the layer of 'layer0/W': ") as error:
        of_parameters({"layer0": own}, **options).check("index 0")
    assert message in str(error.value)


def test_a_tag_that_no_layer_has_is_an_error():
    with pytest.raises(ConfigError) as error:
        of_parameters({"layer0": {"tags": ["encoder"]}}, gradient_clip_global_norm=1.0, global_norm_tag="encodr").check(
            "x"
        )
    assert "'global_norm_tag' is 'encodr', but no layer with parameters has it in the 'tags'" in str(error.value)
    assert str(error.value).endswith("did you mean 'encoder'?")


def test_entries_are_clipped():
    assert entries(ClipByValue(dict.fromkeys(PATHS, 2.0))(update([-3.0, 1.0], [5.0]))) == [[-2, 1], [2]]


def test_all_gradients_are_scaled_down_by_their_norm_before_other_stages():
    stage = ClipByGlobalNorm(dict.fromkeys(PATHS, 1.0))
    before = update([3.0, 0.0], [4.0])
    np.testing.assert_allclose(np.concatenate(entries(stage(before))), [0.6, 0, 0.8], rtol=1e-6)
    changed = before.mapped(lambda gradient, _: 0 * gradient + 1, dict.fromkeys(PATHS))
    np.testing.assert_allclose(np.concatenate(entries(stage(changed))), [0.2, 0.2, 0.2], rtol=1e-6)
    assert entries(ClipByGlobalNorm(dict.fromkeys(PATHS, 10.0))(before)) == [[3, 0], [4]]


def test_rows_of_an_embedding_count_one_by_one_in_norms_and_limits():
    """As in RETURNN, equal rows are not added up before."""
    rows = tf.IndexedSlices(tf.constant([[3.0], [3.0]]), tf.constant([1, 1]), tf.constant([2, 1]))
    given = Update({"a/W": rows}, {"a/W": half_squares([rows])[0]}, {}, tf.constant(0, tf.int64), {})
    assert float(given.norm()) == pytest.approx(18**0.5)
    assert entries(ClipByValue({"a/W": 2.0})(given)) == [[[0], [4]]]


def test_noise_depends_on_seed_step_and_parameter():
    def noise(step: int = 0, seed: int = 1) -> tuple:
        stage = AddNoise(dict.fromkeys(PATHS, 0.5), seed)
        return tuple(np.concatenate(entries(stage(update([0.0] * 500, [0.0] * 500, step=step)))))

    first = noise()
    assert first == noise()
    assert len({first, noise(step=1), noise(seed=2), first[:500], first[500:]}) == 5
    assert max(map(abs, first)) <= 1.0  # two standard deviations
    assert np.std(first) == pytest.approx(0.5 * 0.88, rel=0.05)  # of a normal distribution that is cut off there


def test_gradients_are_summed_and_due_with_the_last_batch():
    stage = Accumulate({PATHS[0]: 3})
    stage.build({PATHS[0]: tf.zeros(1)})
    results = [stage(update([float(step)], [1.0], step=step)) for step in range(7)]
    assert [entries(result)[0] for result in results] == [[0], [1], [3], [3], [7], [12], [6]]
    assert [bool(result.due[PATHS[0]]) for result in results] == [step % 3 == 2 for step in range(7)]
    assert not any(PATHS[1] in result.due for result in results)
    assert stage.slots()["sum"][PATHS[0]].numpy() == [6]


class Noise(Stage):
    """Stateless noise on the gradients of one layer, by step and path."""

    @classmethod
    def from_options(cls, options):
        return cls()

    def __call__(self, update):
        path = "output/W"
        gradient = update.gradients[path]
        noise = tf.random.stateless_normal(gradient.shape, seed=[7, update.step], stddev=0.1)
        return replace(update, gradients={**update.gradients, path: gradient + noise})


@pytest.fixture
def stage(monkeypatch):
    return lambda cls: monkeypatch.setattr("boulder.training.update.STAGES", [cls, *STAGES])


@pytest.mark.long
@pytest.mark.parametrize("options", [{"accum_grad_multiple_step": 2}, {"gradient_noise": 0.1}, {}])
def test_stages_with_state_or_noise_resume_and_carry_over(training, stop_at, stage, tmp_path, options):
    if not options:
        stage(Noise)
    phases = [
        phase(0, range(1, 2), network(4), max_seqs=7, **options),  # an odd number of batches: a sum is handed over
        phase(1, range(2, 3), network(6), max_seqs=7, **options) | {"carry_optimizer": "grow"},
    ]
    first = training(phases[:1], "first")
    training(phases, "undisturbed")
    for batches in (2, 9):
        stop_at(batches)
        with pytest.raises(SystemExit):
            training(phases, "stopped")
    training(phases, "stopped")
    assert (tmp_path / "undisturbed/checkpoint.h5").read_bytes() == (tmp_path / "stopped/checkpoint.h5").read_bytes()
    if "accum_grad_multiple_step" in options:
        assert first.step % 2 == 1
        assert first.slots.keys() == {"momentum", "velocity", "Accumulate.sum"}
        assert first.slots["Accumulate.sum"]["output/b"].any()
        assert first.iterations == first.step // 2


def test_two_batches_accumulated_are_one_batch(training):
    """With SGD on a sum over frames, two batches of 15 sequences make the same update as one of 30."""
    net = {"output": {"class": "softmax", "from": "data", "loss": "ce"}}
    sgd = SGD | {"batch_size": 1000, "batching": "default", "use_normalized_loss": False}
    joint = training([phase(0, range(1, 2), net, max_seqs=30, **sgd)], "joint")
    apart = training([phase(0, range(1, 2), net, max_seqs=15, accum_grad_multiple_step=2, **sgd)], "apart")
    assert (joint.step, apart.step) == (1, 2)
    for path, value in joint.params.items():
        np.testing.assert_allclose(apart.params[path], value, rtol=1e-5, atol=1e-7)
