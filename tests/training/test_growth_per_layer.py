"""`custom_param_importer`: how a single layer carries parameters over. tests/parity compares it with RETURNN."""

import numpy as np
import pytest

from boulder.errors import ConfigError, NetworkError, ScheduleError
from boulder.network import describe
from boulder.schedule.canonical import canonical
from boulder.schedule.functions import restore
from boulder.training.growth import COPY_PARAM_MODES, GrowthOptions, GrowthReport, grow, plan_growth
from tests.tiny import EXTERN_DATA, network, phase, scheduled


def fresh(spec) -> np.ndarray:
    return np.full(spec.shape, -1, "float32")


def grown(old_net: dict, new_net: dict, mode: str | None = None, **options):
    """:return: old values, new values, report"""
    old, new = describe(old_net, EXTERN_DATA), describe(new_net, EXTERN_DATA)
    values = {path: 1 + np.arange(p.size, dtype="float32").reshape(p.shape) for path, p in old.params.items()}
    return values, *grow(
        values, old.params, new.params, fresh, mode, GrowthOptions(network=new, old_network=old, **options)
    )


def with_importer(net: dict, layer: str, importer) -> dict:
    return net | {layer: net[layer] | {"custom_param_importer": importer}}


@pytest.mark.parametrize("mode", [None, "ifpossible", "subset", "reset", "subset_by_source", "stack"])
def test_reset_applies_to_its_layer_in_every_mode(mode):
    _, plain, report = grown(network(2, 3), network(2, 3), mode)
    _, values, own = grown(network(2, 3), with_importer(network(2, 3), "fw1", "reset"), mode)
    assert [path for path in values if (values[path] != plain[path]).any()] == (
        [] if mode == "reset" else ["fw1/rec/W", "fw1/rec/W_re", "fw1/rec/b"]
    )
    assert all((values[f"fw1/rec/{name}"] == -1).all() for name in ("W", "W_re", "b"))
    assert set(own.initialised) == {*report.initialised, "fw1/rec/W", "fw1/rec/W_re", "fw1/rec/b"}


def test_a_layer_may_grow_although_the_network_does_not():
    for importer in ("subset", "subset_by_source"):
        for mode in (None, "reset"):
            _, values, report = grown(network(1, 2), with_importer(network(1, 3), "fw0", importer), mode)
            assert set(report.grown) == {"fw0/rec/W", "fw0/rec/W_re", "fw0/rec/b"}
            assert values["fw0/rec/b"].tolist() == [1, 2, -1, 3, 4, -1, 5, 6, -1, 7, 8, -1]


def test_net2wider_skips_a_layer_with_an_importer():
    """Without the importer, net2wider cannot widen an output."""
    wide = {**EXTERN_DATA, "classes": {"dim": 7, "sparse": True}}
    old, net = describe(network(1, 2), EXTERN_DATA), network(1, 4)
    new = describe(net, wide)
    with pytest.raises(ConfigError, match=r"layer 'output' .* has the activation softmax, which is over all its units"):
        plan_growth(old.params, new.params, "net2wider", GrowthOptions(network=new, old_network=old))
    for importer, kind in (("subset", "grown"), ("reset", "initialised")):
        new = describe(with_importer(net, "output", importer), wide)
        report = plan_growth(old.params, new.params, "net2wider", GrowthOptions(network=new, old_network=old))
        assert set(getattr(report, kind)) >= {"output/W", "output/b"}
        assert set(report.grown) >= {"fw0/rec/W", "bw0/rec/b"}
    new = describe(net, wide)
    report = plan_growth(
        old.params, new.params, "net2wider", GrowthOptions(network=new, old_network=old, reset_layers=["output"])
    )
    assert report.initialised == ["output/W", "output/b"]


def test_net2wider_needs_the_readers_of_such_a_layer_to_see_as_many_units():
    new = describe(with_importer(network(2, 4), "fw0", "subset"), EXTERN_DATA)
    old = describe(network(2, 2), EXTERN_DATA)
    with pytest.raises(
        ConfigError,
        match="layer 'fw0' has a mode of its own and is read by others, and layer 'fw0' gets wider, from 2 to 4",
    ):
        plan_growth(old.params, new.params, "net2wider", GrowthOptions(network=new, old_network=old))


def test_init_from_applies_to_importers():
    new = network(1, 3)
    new["other"] = new.pop("fw0") | {"custom_param_importer": "subset"}
    new["output"] = {"class": "softmax", "from": ["other", "bw0"], "loss": "ctc"}
    _, values, report = grown(network(1, 2), new, None, init_from={"other": "fw0"})
    assert values["other/rec/b"].tolist() == [1, 2, -1, 3, 4, -1, 5, 6, -1, 7, 8, -1]
    assert report.taken_from == {f"other/rec/{name}": "fw0" for name in ("W", "W_re", "b")}

    def importer(layer, values_dict, session):
        for name, value in values_dict.items():
            layer.params[name].load(session.run(layer.params[name]) * 0 + value.flat[0], session)

    new["other"]["custom_param_importer"] = importer
    _, values, report = grown(network(1, 2), new, "subset", init_from={"other": "fw0"})
    assert (values["other/rec/b"] == 1).all()
    assert report.by_function == [f"other/rec/{name}" for name in ("W", "W_re", "b")]


# Functions


def test_a_function_is_in_the_report_and_receives_copies():
    def importer(layer, values_dict, session):
        assert layer.name == layer.get_absolute_name() == "output"
        assert sorted(values_dict) == sorted(layer.params) == ["W", "b"]
        values_dict["W"][:] = 0  # a copy
        layer.params["b"].assign(values_dict["b"] * 2)

    old, values, report = grown(network(1, 3), with_importer(network(1, 3), "output", importer), "subset")
    assert (values["output/b"] == 2 * old["output/b"]).all()
    assert (values["output/W"] == -1).all()
    assert old["output/W"].all()
    assert report.by_function == ["output/b"]
    assert {"output/W", "output/b"} <= set(report.initialised)
    assert report.dropped == []
    assert str(report).endswith("2 initialised, 0 dropped, 1 set by a function")
    assert report.to_json()["by_function"] == ["output/b"]


def test_a_function_is_not_called_for_a_new_layer():
    def importer(layer, values_dict, session):
        raise AssertionError

    _, _, report = grown(network(1, 3), with_importer(network(2, 3), "fw1", importer), "subset")
    assert report.by_function == []
    assert plan_growth({}, describe(with_importer(network(1, 3), "fw0", importer), EXTERN_DATA).params).copied == []


def test_planning_calls_no_function():
    def importer(layer, values_dict, session):
        raise AssertionError

    new = describe(with_importer(network(1, 3), "output", importer), EXTERN_DATA)
    report = plan_growth(new.params, new.params, "subset", GrowthOptions(network=new))
    assert report == GrowthReport(
        copied=[path for path in new.params if not path.startswith("output/")], initialised=["output/W", "output/b"]
    )


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.zeros(3), r"parameter 'output/b': expected an array of shape \(6,\), found \(3,\)"),
        (np.zeros(6, complex), "parameter 'output/b': expected an array of float32, found complex128"),
        (["a"] * 6, "parameter 'output/b': expected an array of float32, found <U1"),
    ],
)
def test_values_that_a_function_sets_must_fit(value, message):
    def importer(layer, values_dict, session):
        layer.params["b"].load(value, session)

    with pytest.raises(
        ScheduleError, match=f"^layer 'output': custom_param_importer: ConfigError: {message} \\("
    ) as error:
        grown(network(1, 3), with_importer(network(1, 3), "output", importer))
    assert f"{__file__}:" in str(error.value)


def test_an_exception_in_a_function_is_reported_with_its_line():
    def importer(layer, values_dict, session):
        return values_dict["w"]

    with pytest.raises(ScheduleError, match=r"^layer 'output': custom_param_importer: KeyError: 'w' \(.*\.py:\d+\)$"):
        grown(network(1, 3), with_importer(network(1, 3), "output", importer))


def test_a_session_returns_only_parameters():
    def importer(layer, values_dict, session):
        b = layer.params["b"]
        assert session.run([b, {"b": b}])[1]["b"].tolist() == b.numpy().tolist() == [-1] * 6
        assert len(layer.network.get_params_list()) == 9
        layer.network.get_layer("fw0").params["W_re"].load(session.run(b)[0] + np.ones((3, 12)))
        session.run("init")

    with pytest.raises(
        ScheduleError, match=r"session\.run returns the values of parameters, but was called with 'init'"
    ):
        grown(network(1, 3), with_importer(network(1, 3), "output", importer))


def test_an_unknown_importer_is_an_error_with_the_nearest_name():
    with pytest.raises(NetworkError) as error:
        describe(with_importer(network(1, 3), "fw0", "subsets"), EXTERN_DATA)
    assert str(error.value) == (
        "layer 'fw0' (rec): option 'custom_param_importer' must be 'reset' or 'ifpossible' or 'subset' or "
        "'subset_by_source' or a function or None, found 'subsets'; did you mean 'subset'?"
    )


@pytest.mark.parametrize("mode", ["net2wider", "deepen", "stack"])
def test_modes_of_whole_networks_are_no_importers(mode):
    assert mode in COPY_PARAM_MODES
    with pytest.raises(NetworkError, match="option 'custom_param_importer' must be"):
        describe(with_importer(network(1, 3), "fw0", mode), EXTERN_DATA)


def test_in_a_job_a_function_travels_by_value_and_is_not_called_on_a_resume(training, tmp_path):
    def importer(layer, values_dict, session):
        layer.params["b"].load(values_dict["b"] * 0 + 50, session)

    functions: dict = {}
    net = with_importer(network(1, 4), "output", importer)
    first = training([phase(0, range(1, 2), network(1, 4))], "first")
    plain = canonical(phase(1, range(2, 4), net), functions)
    assert list(functions) == [plain["network"]["output"]["custom_param_importer"]["#function"]]
    reports = []
    arguments = {"previous": tmp_path / "first/checkpoint.h5", "growth": lambda _, report: reports.append(report)}
    second = training([restore(plain, functions)], "second", **arguments)
    assert [report.by_function for report in reports] == [["output/b"]]
    assert (np.abs(second.params["output/b"] - 50) < 1).all()
    assert (np.abs(first.params["output/b"]) < 1).all()
    # a later piece of the same phase
    piece = {
        **restore(plain, functions),
        "first_epoch": 4,
        "last_epoch": 4,
        "learning_rate_control": scheduled([0.1], 4),
    }
    third = training([piece], "third", previous=tmp_path / "second/checkpoint.h5")
    assert (third.params["output/b"] != second.params["output/b"]).all()
    assert third.specs == second.specs
