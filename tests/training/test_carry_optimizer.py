"""`carry_optimizer`: optimizer slots at the border between two phases."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boulder.errors import ConfigError
from boulder.network import describe
from boulder.training import TrainingPhase
from boulder.training.growth import GrowthOptions, carry_iterations, carry_slots, grow
from tests.tiny import EXTERN_DATA, network, phase

INITIAL = 0.5
BORDER = [phase(0, range(1, 3), network(1, 4)), phase(1, range(3, 5), network(2, 6))]
TRAIN = {"train": "train.hdf"}


def grown(old_net, new_net, mode, carry, **options):
    """:return: (parameters, one slot of them), each with its values where it was known before and INITIAL elsewhere"""
    old_network, new_network = (describe(net, EXTERN_DATA) for net in (old_net, new_net))
    old_specs, new_specs = old_network.params, new_network.params
    options = GrowthOptions(network=new_network, old_network=old_network, **options)
    random = np.random.default_rng(0)
    old = {path: random.uniform(1, 2, spec.shape).astype("float32") for path, spec in old_specs.items()}

    def fresh(spec):
        return np.full(spec.shape, INITIAL, "float32")

    params, report = grow(old, old_specs, new_specs, fresh, mode, options)
    initial = {"velocity": {path: fresh(spec) for path, spec in new_specs.items()}}
    slots = carry_slots(carry, {"velocity": old}, initial, old_specs, new_specs, mode, options)
    return params, slots["velocity"], report


SIZES = st.tuples(st.integers(1, 3), st.integers(1, 4))


@given(SIZES, st.integers(0, 2), st.integers(0, 3), st.sampled_from([None, "reset", "subset_by_source", "stack"]))
def test_law_slots_follow_their_parameters(size, deeper, wider, mode):
    nets = network(*size), network(size[0] + deeper, size[1] + wider)
    params, slots, _ = grown(*nets, mode, "grow")
    for path, value in params.items():
        assert (slots[path] == value).all()


@given(SIZES, st.integers(0, 2), st.integers(0, 3))
def test_law_keep_carries_only_the_slots_of_copied_parameters(size, deeper, wider):
    nets = network(*size), network(size[0] + deeper, size[1] + wider)
    params, slots, report = grown(*nets, "subset_by_source", "keep")
    for path, value in params.items():
        assert (slots[path] == (value if path in report.copied else INITIAL)).all()


def test_reset_carries_no_slots():
    _, slots, _ = grown(network(1, 2), network(1, 2), None, "reset")
    assert all((value == INITIAL).all() for value in slots.values())


def test_a_replicated_unit_has_the_slots_of_its_original_undivided():
    params, slots, _ = grown(network(1, 1), network(1, 3), "net2wider", "grow")
    np.testing.assert_allclose(params["output/W"][:3] * 3, slots["output/W"][:3], rtol=1e-6)
    assert len(np.unique(slots["output/W"][:3], axis=0)) == 1


def test_values_of_no_parameter_are_carried_over_at_any_position():
    before, initial = {"all": {"7": np.array(0.9)}}, {"all": {"11": np.array(1.0)}}
    assert carry_slots("grow", before, initial, {}, {}) == {"all": {"11": np.array(0.9)}}


def test_another_optimizer_starts_with_fresh_slots():
    assert carry_slots("grow", {"momentum": {}}, {"accumulator": {}}, {}, {}) == {"accumulator": {}}
    assert carry_iterations("grow", 7, {"momentum": {}}, {"accumulator": {}}) == 0
    assert carry_iterations("keep", 7, {"momentum": {}}, {"momentum": {}}) == 7


# In training


@pytest.mark.long
@pytest.mark.parametrize(
    ("carry", "optimizer"), [("keep", "adam"), pytest.param("grow", "nadam", marks=pytest.mark.slow)]
)
def test_carried_slots_make_a_border_between_equal_networks_a_no_op(training, carry, optimizer):
    options = {"optimizer": {"class": optimizer}}
    whole = training([phase(0, range(1, 4), network(1, 4), **options)], "whole")
    halves = [phase(0, range(1, 3), network(1, 4), **options), phase(1, range(3, 4), network(1, 4), **options)]
    parts = training([halves[0], halves[1] | {"carry_optimizer": carry}], "parts")
    reset = training(halves, "reset")
    assert parts.iterations == whole.iterations > reset.iterations
    for path, value in whole.params.items():
        np.testing.assert_array_equal(parts.params[path], value)
    assert any((reset.params[path] != value).any() for path, value in whole.params.items())


@pytest.mark.slow
def test_one_run_per_phase_gives_the_same_bytes_as_one_run_for_all(training, tmp_path):
    phases = [BORDER[0], BORDER[1] | {"carry_optimizer": "grow", "copy_param_mode": "subset_by_source"}]
    training(phases, "all")
    training(phases[:1], "first")
    training(phases[1:], "second", previous=tmp_path / "first/checkpoint.h5")
    assert (tmp_path / "all/checkpoint.h5").read_bytes() == (tmp_path / "second/checkpoint.h5").read_bytes()


def test_reset_is_the_default():
    given = BORDER[1] | {"carry_optimizer": "reset", "init_from": {}, "growth_noise": 0.0}
    assert TrainingPhase.from_json(given | TRAIN) == TrainingPhase.from_json(BORDER[1] | TRAIN)


def test_a_renamed_layer_in_training(training):
    reports = []
    net = network(1, 4)
    net["again"] = net.pop("fw0")
    net["bw0"]["from"], net["output"]["from"] = ["embedding"], ["again", "bw0"]
    second = phase(1, range(3, 4), net) | {"init_from": {"again": "fw0"}, "copy_param_mode": "subset_by_source"}
    training([BORDER[0], second], growth=lambda _phase, report: reports.append(report))
    assert reports[1].taken_from == {f"again/rec/{name}": "fw0" for name in ("W", "W_re", "b")}
    assert reports[1].initialised == reports[1].dropped == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"carry_optimizer": "gro"}, "index 0: unknown carry_optimizer 'gro'; did you mean 'grow'?"),
        ({"carry_optimiser": "grow"}, "index 0: a phase has no 'carry_optimiser'; did you mean 'carry_optimizer'?"),
    ],
)
def test_a_wrong_phase_is_an_error(change, message):
    with pytest.raises(ConfigError) as caught:
        TrainingPhase.from_json(BORDER[0] | TRAIN | change)
    assert str(caught.value) == message
