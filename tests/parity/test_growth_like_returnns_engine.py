"""Each network of a pretraining starts with the parameters that RETURNN's engine gives it, from equal initial values."""

import itertools
import random

import numpy as np
import pytest

from boulder.errors import ConfigError
from boulder.network import describe
from boulder.schedule import plan
from boulder.training.growth import begin_phase, subset
from boulder.training.phase import TrainingPhase
from tests.parity import growth_functions
from tests.parity.growth_functions import with_functions
from tests.tiny import scheduled

pytestmark = pytest.mark.parity
EXTERN_DATA = {"data": {"dim": 4, "sparse": True}, "classes": {"dim": 3, "sparse": True}}


def rec(source, n_out: int, direction: int = 1) -> dict:
    return {"class": "rec", "unit": "nativelstm2", "from": source, "n_out": n_out, "direction": direction}


def linear(source, n_out: int, activation: str | None = "tanh") -> dict:
    return {"class": "linear", "from": source, "n_out": n_out, "activation": activation}


def stack(layers: int, width: int, loop: int = 0) -> dict:
    """:return: layers fw0, fw1, …, followed by a loop with the layer `s` if `loop` is not 0"""
    net, source = {"embedding": linear("data", 2, None)}, "embedding"
    for i in range(layers):
        net[f"fw{i}"], source = rec(source, width), f"fw{i}"
    if loop:
        unit = {"s": linear(["data:source", "prev:s"], loop), "output": linear("s", 3)}
        net["loop"], source = {"class": "rec", "from": source, "unit": unit}, "loop"
    return net | {"output": {"class": "softmax", "from": source, "loss": "ce", "target": "classes"}}


def with_options(net: dict, **options: dict) -> dict:
    """:param options: layer → additional options; `loop__s` is the layer `s` in the loop"""
    net = {name: dict(layer) for name, layer in net.items()}
    for name, more in options.items():
        if "__" in name:
            loop, inner = name.split("__")
            net[loop]["unit"] = {**net[loop]["unit"], inner: {**net[loop]["unit"][inner], **more}}
        else:
            net[name].update(more)
    return net


def importing(importer: str) -> dict:
    return {"custom_param_importer": importer}


def values_of(specs, seed: int) -> dict:
    rng = np.random.default_rng(seed)
    return {path: rng.normal(size=spec.shape).astype("float32") for path, spec in specs.items()}


def engine_case(*nets: dict, callback: str | None = None, **pretrain) -> dict:
    specs = [describe(with_functions(net), EXTERN_DATA).params for net in nets]
    return {
        "kind": "engine", "nets": list(nets), "pretrain": pretrain, "extern_data": EXTERN_DATA, "callback": callback,
        "params": values_of(specs[0], 0), "fresh": [values_of(spec, seed) for seed, spec in enumerate(specs[1:], 1)],
    }  # fmt: skip


def boulder_results(case: dict) -> list:
    """:return: for each later network, path → array and the growth report; the last entry is the error if there is one"""
    nets = with_functions(dict(enumerate(case["nets"])))
    pretrain = case["pretrain"] | {"construction_algo": lambda idx, net_dict: nets.get(idx)}
    phases = plan(nets[len(nets) - 1], pretrain, num_epochs=len(nets)).phases
    config = {"init_new_network_callback": getattr(growth_functions, case["callback"])} if case["callback"] else {}
    old, result = case["params"], []
    for before, planned, fresh in zip(phases, phases[1:], case["fresh"], strict=False):
        network = describe(planned.network, EXTERN_DATA)
        phase = TrainingPhase.from_json(
            {
                "index": planned.index, "start": planned.epochs[0], "first_epoch": planned.epochs[0],
                "last_epoch": planned.epochs[-1], "network": planned.network, "config": config, "learning_rate_control": scheduled([]),
                "train": "train.hdf", "copy_param_mode": planned.copy_param_mode, "reset_layers": list(planned.reset_layers),
            }
        )  # fmt: skip
        old_specs = describe(before.network, EXTERN_DATA).params
        try:
            begun = begin_phase(phase, network, old, old_specs, lambda spec, fresh=fresh: fresh[spec.path].copy(), 0)
        except ConfigError as error:
            return [*result, error]
        old = begun.params
        result.append((begun.params, begun.report))
    return result


def check(returnn, cases: list[dict]) -> list:
    """:return: Boulder's results, whose parameters equal those of RETURNN"""
    results = []
    for case, returnns in zip(cases, returnn(cases), strict=True):
        ours = boulder_results(case)
        assert len(ours) == len(returnns), case["nets"]
        for (params, _), expected in zip(ours, returnns, strict=True):
            assert set(params) == set(expected)
            for path, value in expected.items():
                np.testing.assert_array_equal(params[path], value, err_msg=f"{path}: {case['nets']} {case['pretrain']}")
        results.append(ours)
    return results


def random_stack(rng: random.Random) -> dict:
    """:return: net dict of a random number of layers with random widths, sources and importers"""
    net, names = {}, ["data"]
    for i in range(rng.randint(1, 3)):
        name, width = f"layer{i}", rng.choice([2, 3, 4, 6])
        dense = [source for source in names if source != "data"]
        source = rng.sample(dense, rng.randint(1, len(dense))) if dense else "data"
        kind = rng.choice(["linear", "rec", "both", "copy"]) if dense else "linear"
        if kind == "linear":
            net[name] = linear(source, width)
        elif kind == "rec":
            net[f"r{name}"] = rec(source, width)
        elif kind == "both":
            net |= {f"fw{i}": rec(source, width), f"bw{i}": rec(source, width, -1)}
        else:
            net[f"c{name}"] = {"class": "copy", "from": source}
        names = list(net)
    net["output"] = {"class": "softmax", "from": names[-2:], "loss": "ce", "target": "classes"}
    importers = [None] * 6 + ["reset", "ifpossible", "subset", "@copy_with_checks", "@sevens"]
    for name, layer in net.items():
        importer = rng.choice(importers)
        if importer and layer["class"] != "copy":
            net[name] = layer | importing(importer)
    if rng.random() < 0.2:
        net["#copy_param_mode"] = rng.choice(["reset", "subset", "ifpossible"])
    return net


@pytest.mark.slow
def test_60_random_pretrainings_carry_over_the_same_parameters(returnn):
    rng, cases = random.Random(3), []
    while len(cases) < 60:
        options = {"copy_param_mode": rng.choice([None, "ifpossible", "subset", "subset", "reset"])}
        if rng.random() < 0.3:
            options["copy_output_layer"] = rng.choice([True, False])
        new = engine_case(random_stack(rng), random_stack(rng), **options)
        # the tests below cover the cases where RETURNN fails or copies parts of negative size
        if not isinstance(boulder_results(new)[-1], ConfigError) and not loses_parameters(new):
            cases.append(new)
    reports = [report for result in check(returnn, cases) for _, report in result]
    for kind in ("copied", "grown", "shrunk", "initialised", "dropped", "by_function"):
        assert any(getattr(report, kind) for report in reports), kind


def loses_parameters(case: dict) -> bool:
    """:return: whether a layer of both networks has fewer parameters in the second one"""
    old, new = (describe(with_functions(net), EXTERN_DATA).params for net in case["nets"])
    return bool(
        set(old) - set(new) and {old[path].layer for path in set(old) - set(new)} & {p.layer for p in new.values()}
    )


IN_LOOPS = [None, "reset", "ifpossible", "subset", "@sevens", "@copy_with_checks"]


def test_options_of_a_loop_and_of_its_layers_combine_as_in_returnn(returnn):
    def net(loop: str | None, inner: str | None) -> dict:
        options = {"loop": loop and importing(loop), "loop__s": inner and importing(inner)}
        return with_options(stack(1, 3, loop=4), **{layer: value for layer, value in options.items() if value})

    combinations = [("subset", loop, inner) for loop in IN_LOOPS for inner in IN_LOOPS]
    combinations += [(None, "subset", inner) for inner in IN_LOOPS] + [(None, loop, "subset") for loop in IN_LOOPS]
    cases = [
        engine_case(stack(1, 3, loop=2), net(loop, inner), copy_param_mode=mode) for mode, loop, inner in combinations
    ]
    cases += [
        engine_case(stack(1, 3, loop=2), stack(1, 3, loop=3), copy_param_mode="subset", copy_output_layer=copy)
        for copy in (True, False)
    ]
    check(returnn, cases)


def test_copy_output_layer_ignores_layers_in_a_loop(returnn):
    unit = {
        "s": linear("data:source", 3),
        "output": {"class": "softmax", "from": "s", "loss": "ce", "target": "classes"},
    }
    net = {
        "embedding": linear("data", 2, None),
        "output": {"class": "rec", "from": "embedding", "unit": unit, "target": "classes"},
    }
    changed = net | {"embedding": linear("data", 2, "relu")}
    [[(_, report)]] = check(returnn, [engine_case(net, changed, copy_output_layer=False)])
    assert report.initialised == []


def test_an_importer_overrides_every_mode_but_not_copy_output_layer(returnn):
    cases = []
    for mode, importer, width in itertools.product(
        [None, "ifpossible", "subset", "reset"], ["reset", "ifpossible", "subset", "@sevens", "@last_rows"], [2, 5]
    ):
        new = with_options(stack(2, width), fw0=importing(importer), output=importing(importer)) | {
            "#copy_param_mode": mode
        }
        cases.append(engine_case(stack(1, 3), new, copy_param_mode="subset", copy_output_layer=width == 5))
    check(returnn, cases)


CALLBACKS = ["drops_output", "drops_in_loop", "drops_loop", "renames", "doubles", "initializes"]


def test_init_new_network_callback_has_the_same_effect(returnn):
    cases = [
        engine_case(stack(2, 3, loop=2), stack(2, width, loop=width), copy_param_mode="subset", callback=callback)
        for callback in CALLBACKS
        for width in (2, 5)
    ]
    reports = {case["callback"]: report for case, [(_, report)] in zip(cases, check(returnn, cases), strict=True)}
    assert {"output/W", "output/b"} <= {*reports["drops_output"].dropped} & {*reports["drops_output"].initialised}
    assert reports["drops_in_loop"].dropped == []
    assert "loop/rec/s/W" in reports["drops_loop"].dropped
    assert {"fw1/rec/W", "fw1/rec/b"} <= {*reports["renames"].dropped}
    assert {"fw0/rec/W", "output/b"} <= {*reports["initializes"].by_function}


# Cases where RETURNN fails or gives a wrong result


def test_a_removed_parameter_is_an_error_in_returnn_and_is_dropped_here(returnn):
    without = with_options(stack(2, 3), output={"with_bias": False})
    cases = [engine_case(stack(1, 3), without, copy_param_mode=mode) for mode in (None, "subset")]
    for case, [error] in zip(cases, returnn(cases), strict=True):
        assert "param 'b' unknown" in error
        [(_, report)] = boulder_results(case)
        assert report.dropped == ["output/b"]


def test_an_assertion_of_returnn_in_subset_is_an_error_here(returnn):
    """If a source is as wide as the layer itself, the rule confuses the two and computes negative sizes."""

    def net(width: int, sources: int) -> dict:
        net = {f"fw{i}": linear("data", width) for i in range(sources)}
        joined = linear(list(net), width)
        return net | {
            "joined": joined,
            "output": {"class": "softmax", "from": "joined", "loss": "ce", "target": "classes"},
        }

    old = {**net(2, 1), "joined": linear("fw0", 4), "output": net(2, 1)["output"]}
    case = engine_case(old, net(4, 2), copy_param_mode="subset")
    [[returnns_error]] = returnn([case])
    assert returnns_error.startswith("AssertionError")
    [error] = boulder_results(case)
    assert str(error).startswith(
        "phase of epochs 2–2 (index 1): growth of parameter 'joined/W' from (2, 4) to (8, 4): "
    )


def test_a_part_of_negative_size_is_accepted_by_returnn_and_an_error_here(returnn):
    old, fresh, splits = np.ones((3, 7), "float32"), np.zeros((4, 2), "float32"), [[1, 1, 2], [2]]
    [(_, old_splits)] = returnn([{"kind": "subset", "old": old, "fresh": fresh, "splits": splits}])
    assert old_splits == [[-4, 0, 7], [7]]
    with pytest.raises(
        ConfigError, match=r"^an axis of size 3 cannot have been split like the new one, \[1, 1, 2\]; use"
    ):
        subset(old, fresh, ((1, 1, 2), (2,)))
