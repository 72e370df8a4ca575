"""Callbacks of the config at a phase border. tests/parity compares `init_new_network_callback` with RETURNN."""

import numpy as np
import pytest

from boulder.errors import ConfigError, ScheduleError
from boulder.network import describe
from boulder.schedule.canonical import canonical
from boulder.schedule.functions import restore
from boulder.training.growth import begin_phase, carry_slots
from boulder.training.phase import TrainingPhase
from boulder.training.training_options import TrainingOptions
from tests.tiny import EXTERN_DATA, network, phase, scheduled

NAME = "phase of epochs 2–3 (index 1): "


def fresh(spec) -> np.ndarray:
    return np.full(spec.shape, -1, "float32")


def begun(old_net: dict | None, new_net: dict, fresh=fresh, mode="subset", **config):
    """:return: old values, and how the phase begins"""
    old = describe(old_net, EXTERN_DATA).params if old_net else {}
    values = {path: 1 + np.arange(p.size, dtype="float32").reshape(p.shape) for path, p in old.items()}
    new = TrainingPhase.from_json(
        phase(1, range(2, 4), new_net, **config) | {"copy_param_mode": mode, "train": "train.hdf"}
    )
    return values, begin_phase(new, describe(new_net, EXTERN_DATA), values, old, fresh, 17)


def test_growth_callback_sees_all_and_replaces_some():
    seen = {}

    def callback(params, specs, old_params, old_specs, epoch, **_):
        seen.update(locals())
        return {"output/b": old_params["output/b"].astype("float64") + epoch}

    old, result = begun(network(1, 3), network(2, 3), growth_callback=callback)
    assert result.params["output/b"].tolist() == [3, 4, 5, 6, 7, 8]
    assert result.params["output/b"].dtype == "float32"
    assert result.report.by_function == ["output/b"]
    assert "output/b" in result.report.copied
    assert str(result.report).endswith(", 1 set by a function")
    assert set(seen["params"]) == set(seen["specs"]) == set(result.params)
    assert set(seen["old_params"]) == set(seen["old_specs"]) == set(old)
    assert (seen["params"]["fw1/rec/b"] == -1).all()
    assert seen["specs"]["fw1/rec/b"].layer == "fw1"


def test_growth_callback_may_return_none():
    _, plain = begun(network(1, 3), network(2, 3))
    _, result = begun(network(1, 3), network(2, 3), growth_callback=lambda **_: None)
    assert result.report == plain.report
    assert all((result.params[path] == value).all() for path, value in plain.params.items())


def in_place(params, **_):
    params["output/b"][:] = 0


def in_place_old(old_params, **_):
    old_params["output/b"] *= 2


BAD_CALLBACKS = [
    (lambda **_: {"outptu/b": np.zeros(6)}, "growth_callback: returned unknown parameter 'outptu/b'; did you mean 'output/b'?"),
    (lambda **_: {"output/b": np.zeros(4)}, "growth_callback: parameter 'output/b': expected an array of shape (6,), found (4,)"),
    (lambda **_: {"output/b": None}, "growth_callback: parameter 'output/b': expected an array of shape (6,), found ()"),
    (lambda **_: {"output/b": ["x"] * 6}, "growth_callback: parameter 'output/b': expected an array of float32, found <U1"),
    (lambda **_: [1], "growth_callback: returned [1] (list), expected None or a dict of path to array"),
    (lambda **_: 1 / 0, "growth_callback: ZeroDivisionError: division by zero ("),
    (lambda params: None, "growth_callback: TypeError: "),
    (in_place, "growth_callback: ValueError: assignment destination is read-only ("),
    (in_place_old, "growth_callback: ValueError: output array is read-only ("),
]  # fmt: skip


@pytest.mark.parametrize(("callback", "message"), BAD_CALLBACKS)
def test_a_failing_growth_callback_is_a_one_line_error_with_the_phase(callback, message):
    with pytest.raises((ConfigError, ScheduleError)) as error:
        begun(network(1, 3), network(2, 3), growth_callback=callback)
    assert str(error.value).startswith(NAME + message)
    assert "\n" not in str(error.value)


def test_no_callback_is_called_in_the_first_phase():
    def callback(**_):
        raise AssertionError

    _, result = begun(None, network(1, 3), growth_callback=callback, init_new_network_callback=callback)
    assert set(result.report.initialised) == set(result.params)


# init_new_network_callback


def test_init_new_network_callback_receives_the_arguments_of_returnn():
    seen = {}

    def callback(session, new_epoch, new_network, old_network_params):
        seen.update(locals())
        seen["b"] = session.run(new_network.layers["output"].params["b"])

    _, result = begun(network(1, 3), network(2, 3), init_new_network_callback=callback)
    assert (seen["new_epoch"], seen["old_network_params"].global_train_step) == (2, 17)
    assert seen["b"].tolist() == [-1] * 6
    values = seen["old_network_params"].values_dict
    assert {layer: sorted(names) for layer, names in values.items()} == {
        "embedding": ["W"], "fw0": ["W", "W_re", "b"], "bw0": ["W", "W_re", "b"], "output": ["W", "b"],
    }  # fmt: skip
    _, plain = begun(network(1, 3), network(2, 3))
    assert result.report == plain.report
    assert all((result.params[path] == value).all() for path, value in plain.params.items())


def test_values_that_the_callback_removes_are_initialised_and_reported_as_dropped():
    def callback(old_network_params, **_):
        del old_network_params.values_dict["fw0"]["W"]

    old, result = begun(network(1, 3), network(1, 3), init_new_network_callback=callback)
    assert (result.report.initialised, result.report.dropped) == (["fw0/rec/W"], ["fw0/rec/W"])
    assert result.report.old_shapes.keys() == old.keys()
    assert (result.params["fw0/rec/W"] == -1).all()


def test_moved_values_keep_their_optimizer_slots_and_new_values_have_none():
    def callback(old_network_params, **_):
        values = old_network_params.values_dict
        values["bw0"] = values["fw0"]
        values["output"]["W"] = np.zeros((2, 2))

    old, result = begun(network(1, 3), network(1, 4), init_new_network_callback=callback)
    assert all((result.params[f"bw0/rec/{n}"] == result.params[f"fw0/rec/{n}"]).all() for n in ("W", "W_re", "b"))
    assert result.report.grown["output/W"] == ((2, 2), (8, 6))
    assert sorted(result.report.dropped) == ["bw0/rec/W", "bw0/rec/W_re", "bw0/rec/b"]
    specs = describe(network(1, 4), EXTERN_DATA).params
    initial = {"m": {path: np.zeros(spec.shape, "float32") for path, spec in specs.items()}}
    slots = carry_slots("grow", {"m": old}, initial, result.old_specs, specs, "subset", result.options)["m"]
    assert slots["fw0/rec/b"].tolist() == [1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9, 0, 10, 11, 12, 0]
    assert (slots["bw0/rec/W"] == slots["fw0/rec/W"]).all()
    assert not slots["output/W"].any()
    assert (slots["output/b"] == old["output/b"]).all()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("x", "old values of 'output/b': expected an array of numbers, found 'x' (str)"),
        (object(), "old values of 'output/b': expected an array of numbers, found <object"),
    ],
)
def test_old_values_that_are_not_arrays_are_an_error(value, message):
    def callback(old_network_params, **_):
        old_network_params.values_dict["output"]["b"] = value

    with pytest.raises(ConfigError) as error:
        begun(network(1, 3), network(2, 3), init_new_network_callback=callback)
    assert str(error.value).startswith(f"{NAME}init_new_network_callback: {message}")


def test_an_exception_in_a_callback_is_a_one_line_error_with_the_phase():
    def callback(new_network, **_):
        new_network.get_layer("fw9")

    with pytest.raises(ScheduleError) as error:
        begun(network(1, 3), network(2, 3), init_new_network_callback=callback)
    assert str(error.value).startswith(
        f"{NAME}init_new_network_callback: ConfigError: the new network has no layer 'fw9' with parameters; did you mean 'fw"
    )


# As options


@pytest.mark.parametrize("option", ["growth_callback", "init_new_network_callback"])
def test_a_callback_must_be_a_function(option):
    with pytest.raises(ConfigError, match=f"^index 3: '{option}' must be a function or None, found 'f'$"):
        TrainingOptions.from_config({option: "f"}, "index 3")


def test_in_a_job_the_callback_travels_by_value_and_is_called_only_at_the_start_of_the_phase(training, tmp_path):
    def callback(specs, **_):
        return {"output/b": np.full(specs["output/b"].shape, 50)}

    functions: dict = {}
    plain = canonical(phase(1, range(2, 3), network(1, 4), growth_callback=callback), functions)
    assert list(functions) == [plain["config"]["growth_callback"]["#function"]]
    training([phase(0, range(1, 2), network(1, 4))], "first")
    told = []
    second = training([restore(plain, functions)], "second", tmp_path / "first/checkpoint.h5", told.append)
    assert (np.abs(second.params["output/b"] - 50) < 1).all()
    assert any("1 set by a function" in line for line in told)
    piece = {
        **restore(plain, functions),
        "first_epoch": 3,
        "last_epoch": 3,
        "learning_rate_control": scheduled([1.0], 3),
    }
    third = training([piece], "third", tmp_path / "second/checkpoint.h5")
    assert not (np.abs(third.params["output/b"] - 50) < 0.01).any()
    assert (third.params["output/b"] != 50).all()
