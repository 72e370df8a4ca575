"""Running means and variances of `batch_norm` in a training: updates, resuming, growth, averages."""

import numpy as np
import pytest

from boulder.network import describe
from boulder.training.growth import GrowthOptions, grow
from tests.tiny import EXTERN_DATA, phase
from tests.training.preserved import check_is_preserved, linear, trained

NORM = {"class": "batch_norm", "momentum": 0.3, "update_sample_only_in_training": True, "param_version": 2}
DEPTHWISE = {"class": "conv", "filter_size": (3,), "padding": "same", "with_bias": True}
MEAN, VARIANCE = "norm0/batch_norm/v2_mean", "norm0/batch_norm/v2_variance"


def network(layers: int, width: int, **options) -> dict:
    net, source = {}, "data"
    for i in range(layers):
        net[f"h{i}"] = linear(source, width, "tanh")
        net[f"norm{i}"] = NORM | {"from": f"h{i}", **options}
        source = f"norm{i}"
    return net | {"output": {"class": "softmax", "from": source, "loss": "ctc"}}


PHASES = [phase(0, range(1, 3), network(1, 4)), phase(1, range(3, 5), network(2, 6))]


def test_statistics_move_and_are_handed_over(training):
    first, second = training(PHASES[:1], "first"), training(PHASES, "both")
    assert abs(first.params[MEAN]).max() > 1e-3
    assert abs(first.params[VARIANCE] - 1).min() > 1e-3
    assert not first.specs[MEAN].trainable
    assert second.params[MEAN].shape == (6,)


@pytest.mark.long
@pytest.mark.parametrize("batches", [3, pytest.param(17, marks=pytest.mark.slow)])
def test_a_run_that_is_stopped_and_resumed_gives_the_same_bytes(training, stop_at, tmp_path, batches):
    training(PHASES, "whole")
    stop_at(batches)
    with pytest.raises(SystemExit):
        training(PHASES, "stopped")
    training(PHASES, "stopped")
    whole, stopped = ((tmp_path / name / "checkpoint.h5").read_bytes() for name in ("whole", "stopped"))
    assert whole == stopped


def test_statistics_have_moving_averages_too(training):
    checkpoint = training([phase(0, range(1, 3), network(1, 4), ema=0.5)])
    assert abs(checkpoint.averages[MEAN] - checkpoint.params[MEAN]).max() > 1e-6


def test_a_batch_that_is_not_finite_changes_no_statistics(training):
    net = network(1, 4)
    net["h0"] |= {"activation": "exp", "forward_weights_init": 1000.0}
    options = {"stop_on_nonfinite_train_score": False}
    checkpoint = training([phase(0, range(1, 2), net, **options)])
    assert (checkpoint.params[MEAN] == 0).all()
    assert (checkpoint.params[VARIANCE] == 1).all()


def test_noise_and_dropout_of_parameters_leave_statistics_alone():
    from boulder.training.param_dropout import param_dropout_rates
    from boulder.training.training_options import TrainingOptions
    from boulder.training.variational_noise import noise_deviations

    spec = describe(network(1, 4), EXTERN_DATA)
    options = TrainingOptions.from_config(
        {"param_variational_noise": 0.1, "param_dropout": 0.1, "param_dropout_min_ndim": 0}
    )
    every = {path for path, param in spec.params.items() if not param.statistic}
    assert set(noise_deviations(options, spec)) == set(param_dropout_rates(options, spec)) == every


def frames(width: int) -> dict:
    """A widened layer, whose units pass a batch norm and a depthwise convolution one by one."""
    return {
        "h": {"class": "linear", "from": "data", "n_out": width, "activation": "tanh"},
        "norm": NORM | {"from": "h"},
        "conv": DEPTHWISE | {"from": "norm", "n_out": width, "groups": width, "activation": "relu"},
        "output": {"class": "softmax", "from": "conv", "loss": "ctc"},
    }


@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_net2wider_replicates_statistics_and_filters_with_their_units(noise):
    _, report = check_is_preserved(frames(3), frames(5), "net2wider", noise=noise)
    assert report.grown["norm/batch_norm/v2_mean"] == ((3,), (5,))
    assert report.grown["conv/W"] == ((3, 1, 3), (3, 1, 5))
    assert not report.initialised


@pytest.mark.parametrize("mode", ["subset", "subset_by_source", "ifpossible", "stack", "reset"])
def test_statistics_grow_as_their_parameters_in_all_modes(mode):
    old_spec, new_spec = (describe(network(*size), EXTERN_DATA) for size in ((1, 4), (2, 6)))
    old = trained(old_spec)
    new, _ = grow(
        old, old_spec.params, new_spec.params, lambda p: np.full(p.shape, 9, "float32"), mode, GrowthOptions()
    )
    kept = mode in ("subset", "subset_by_source", "stack")
    for name in ("mean", "variance", "gamma", "beta"):
        path = f"norm0/batch_norm/v2_{name}"
        np.testing.assert_array_equal(new[path], [*old[path], 9, 9] if kept else [9] * 6)


def test_layers_in_front_leave_the_statistics_of_later_ones():
    old = {"norm": NORM | {"from": "data:x"}, "output": {"class": "softmax", "from": "norm", "loss": "ctc"}}
    new = {"first": linear("data:x", 3)} | old | {"norm": NORM | {"from": "first"}}
    old_spec, new_spec = (describe(net, EXTERN_DATA | {"x": {"dim": 3}}) for net in (old, new))
    values = trained(old_spec)
    grown, _ = grow(values, old_spec.params, new_spec.params, lambda p: np.zeros(p.shape, "float32"), "subset")
    np.testing.assert_array_equal(grown["norm/batch_norm/v2_mean"], values["norm/batch_norm/v2_mean"])
