"""A training starts from checkpoints with the parameters, the number of steps and the epoch with which RETURNN's starts."""

import numpy as np
import pytest

from boulder.errors import BoulderError, CheckpointError
from boulder.network import describe, run_network
from boulder.returnn import load_config
from boulder.returnn.checkpoint import open_parameters, write_tensorflow
from boulder.returnn.starting_point import start_from
from boulder.training.starting import Source, take_parameters
from tests.parity.comparing import network_case, random_params

pytestmark = pytest.mark.parity
EXTERN_DATA = {"data": {"dim": 5}, "classes": {"dim": 3, "sparse": True}}
UNITS = ("nativelstm2", "StandardLSTM", "BasicLSTM", "GRU")
LENGTHS = {"data": [4, 2], "classes": [4, 2]}


def network(width: int = 4, unit: str = "nativelstm2", lm: bool = False, **hidden) -> dict:
    net = {
        "hidden": {"class": "linear", "from": "data", "n_out": width, "activation": "tanh", **hidden},
        "lstm": {"class": "rec", "unit": unit, "from": "hidden", "n_out": 2},
        "output": {
            "class": "softmax",
            "from": ["lstm", "lm_lstm"] if lm else "lstm",
            "loss": "ce",
            "target": "classes",
        },
    }
    return net | ({"lm_lstm": {"class": "rec", "unit": "nativelstm2", "from": "data", "n_out": 2}} if lm else {})


def lm(width: int = 2) -> dict:
    return {
        "lstm": {"class": "rec", "unit": "nativelstm2", "from": "data", "n_out": width},
        "output": {"class": "softmax", "from": "lstm", "loss": "ce", "target": "classes"},
    }


SAVED = {
    "a.pretrain.012": network(),
    "b.080": network(),
    "lm.003": lm(),
    "cell.001": network(unit="StandardLSTM"),
    "wide.001": network(6),
}
PRELOAD_LM = "'lm': {'filename': 'lm.003', 'prefix': 'lm_', 'init_for_train': True, 'ignore_missing': True}"
CASES = {
    "import": ("import_model_train_epoch1 = 'a.pretrain.012'", network()),
    "load": ("load = 'a.pretrain.012'", network()),
    "load_of_another_epoch": ("load = 'a.pretrain.012'; load_epoch = 3", network()),
    "load_for_a_new_training": ("load = 'b.080'; start_epoch = 1", network()),
    "preload": (f"preload_from_files = {{{PRELOAD_LM}}}", network(lm=True)),
    "preload_of_recognition": ("preload_from_files = {'a': {'filename': 'b.080'}}", network()),
    "import_after_preload": (
        "import_model_train_epoch1 = 'b.080'\n"
        "preload_from_files = {'a': {'filename': 'a.pretrain.012', 'prefix': 'lstm/rec/', 'init_for_train': True, "
        "'var_name_mapping': {'W': 'lstm/rec/W', 'W_re': 'lstm/rec/W_re', 'b': 'lstm/rec/b'}}}",
        network(),
    ),
    "load_without_preload": (f"load = 'b.080'; preload_from_files = {{{PRELOAD_LM}}}", network()),
    "the_first_preload_wins": (
        "preload_from_files = {'2': {'filename': 'b.080', 'init_for_train': True},\n"
        "'1': {'filename': 'a.pretrain.012', 'init_for_train': True, 'ignore_params_prefixes': ['lstm/', 'output/W']}}",
        network(),
    ),
    "ignored_parameters": (
        "preload_from_files = {'1': {'filename': 'b.080', 'init_for_train': True, 'ignore_params': ['output/b']}}",
        network(),
    ),
    "mapped_names": (
        "preload_from_files = {'1': {'filename': 'lm.003', 'init_for_train': True, 'ignore_missing': True, "
        "'var_name_mapping': {'hidden/b': 'output/b', 'output/b': 'lstm/rec/b'}, 'ignore_params_prefixes': ['lstm/']}}",
        network(3) | {"output": network()["output"]},
    ),
    "missing_parameters_with_leave": ("import_model_train_epoch1 = 'b.080'; load_ignore_missing_vars = True", {**network(), "more": {"class": "linear", "from": "data", "n_out": 2, "activation": None, "is_output_layer": True}}),
    "native_to_cell": ("import_model_train_epoch1 = 'b.080'", network(unit="StandardLSTM")),
    "native_to_basic_cell": ("import_model_train_epoch1 = 'b.080'", network(unit="BasicLSTM")),
    "cell_to_native": ("import_model_train_epoch1 = 'cell.001'", network()),
    "importer_subset": ("import_model_train_epoch1 = 'wide.001'; load_ignore_missing_vars = True", network(3, custom_param_importer="subset") | {"lstm": {**network()["lstm"], "custom_param_importer": "subset"}}),
    "importer_reset": ("import_model_train_epoch1 = 'b.080'", network(custom_param_importer="reset")),
}  # fmt: skip
REFUSED = {
    "missing": ("import_model_train_epoch1 = 'lm.003'", network()),
    "missing_preload": ("preload_from_files = {'a': {'filename': 'lm.003', 'init_for_train': True}}", network()),
    "other_shape": ("import_model_train_epoch1 = 'wide.001'", network()),
    "other_shape_preloaded": (
        "preload_from_files = {'a': {'filename': 'wide.001', 'init_for_train': True, 'ignore_missing': True}}",
        network(),
    ),
    "no_parameter_of_this_prefix": (
        "preload_from_files = {'a': {'filename': 'b.080', 'init_for_train': True, 'prefix': 'decoder_'}}",
        network(),
    ),
    "nothing_in_the_file": (
        "preload_from_files = {'a': {'filename': 'b.080', 'init_for_train': True, 'prefix': 'out', 'ignore_missing': True}}",
        network(),
    ),
    "load_epoch_alone": ("load_epoch = 3", network()),
}


def params_of(net: dict, seed: int = 2) -> dict:
    return random_params(describe(net, EXTERN_DATA), seed)


@pytest.fixture(scope="module")
def started(returnn, tmp_path_factory):
    """:return: name of a case → (config, parameters that are initial values, RETURNN's result)"""
    folder = tmp_path_factory.mktemp("checkpoints")
    saving = [
        {"kind": "save", "net": net, "extern_data": EXTERN_DATA, "params": params_of(net, seed), "step": 100 + seed, "path": str(folder / name)}
        for seed, (name, net) in enumerate(SAVED.items())
    ]  # fmt: skip
    cases, configs = [], {}
    for name, (text, net) in {**CASES, **REFUSED}.items():
        file = folder / f"{name}.config"
        num_epochs = f"network = {net!r}; extern_data = {EXTERN_DATA!r}; num_epochs = 200"
        file.write_text(f"#!rnn.py\n{num_epochs}\n{text}\n".replace("'filename': '", f"'filename': '{folder}/"))
        text = file.read_text().replace("epoch1 = '", f"epoch1 = '{folder}/").replace("load = '", f"load = '{folder}/")
        file.write_text(text)
        configs[name] = load_config(file)
        options = {key: value for key, value in configs[name].values.items() if key != "config"}
        cases.append(
            {"kind": "start", "options": options, "params": params_of(net, 50), "path": str(folder / f"{name}.run")}
        )
    results = returnn([*saving, *cases])[len(saving) :]
    return {
        name: (configs[name], case["params"], result)
        for (name, case), result in zip(zip(configs, cases, strict=True), results, strict=True)
    }


def boulder_start(config, fresh: dict):
    """:return: the same as RETURNN's result"""
    sources = start_from(config) or []
    epochs = [source.pop("epoch", 0) for source in sources]
    read = [Source.of(source, "start_from") for source in sources]
    files = [(source, open_parameters(source.checkpoint)) for source in read]
    taken = take_parameters(files, describe(config.network, EXTERN_DATA), lambda spec: fresh[spec.path])
    return {"epoch": max(epochs, default=0) + 1, "step": taken.step, "values": {**fresh, **taken.values}}, taken


@pytest.mark.parametrize("name", CASES)
def test_it_starts_with_the_same_parameters_steps_and_epoch(started, name):
    config, fresh, expected = started[name]
    assert "error" not in expected, expected
    ours, _ = boulder_start(config, fresh)
    assert (ours["epoch"], ours["step"]) == (expected["epoch"], expected["step"])
    assert set(ours["values"]) == set(expected["values"])
    for path, value in expected["values"].items():
        np.testing.assert_array_equal(ours["values"][path], value, err_msg=path)


def test_the_cases_take_different_parameters(started):
    taken = {name: boulder_start(*started[name][:2])[1] for name in CASES}
    counts = {name: (len(found.values), len(found.initialised)) for name, found in taken.items()}
    assert counts["import"] == (7, 0)
    assert counts["preload"] == (3, 7)
    assert counts["preload_of_recognition"] == (0, 7)
    assert counts["mapped_names"] == (3, 4)
    assert {path: origin.rpartition("/")[2] for path, origin in taken["mapped_names"].origins.items()}.keys() == {
        "hidden/b",
        "output/b",
        "output/W",
    }


@pytest.mark.parametrize("name", sorted(set(REFUSED) - {"other_shape"}))
def test_what_returnn_refuses_is_refused(started, name):
    config, fresh, expected = started[name]
    assert "error" in expected
    with pytest.raises(BoulderError):
        boulder_start(config, fresh)


def test_arrays_of_another_shape_are_loaded_by_returnn_without_a_word_and_refused_here(started):
    config, fresh, expected = started["other_shape"]
    assert expected["values"]["hidden/W"].shape == (5, 6)
    assert describe(config.network, EXTERN_DATA).params["hidden/W"].shape == (5, 4)
    with pytest.raises(
        CheckpointError, match=r"'hidden/W' has the shape \(5, 4\) in the network and \(5, 6\) in the file"
    ):
        boulder_start(config, fresh)


@pytest.fixture(scope="module")
def losses(returnn, tmp_path_factory):
    """:return: (unit, writer of the file) → (loss here, RETURNN's loss), with the parameters of the same file"""
    import tensorflow as tf

    folder, cases, saving, loading = tmp_path_factory.mktemp("losses"), {}, [], []
    for unit in UNITS:
        case = network_case(network(unit=unit), EXTERN_DATA, LENGTHS)
        shared = {"net": case["net"], "extern_data": EXTERN_DATA}
        for writer in ("boulder", "returnn"):
            path = str(folder / f"{unit}.{writer}.012")
            if writer == "boulder":
                write_tensorflow(path, case["params"], 77)
            else:
                saving.append({"kind": "save", **shared, "params": case["params"], "step": 77, "path": path})
            loading.append({"kind": "load", **shared, "path": path, "data": case["data"], "lengths": case["lengths"]})
            cases[unit, writer] = case, path
    results = returnn([*saving, *loading])[len(saving) :]
    found = {}
    for key, theirs in zip(cases, results, strict=True):
        case, path = cases[key]
        spec, file = describe(case["net"], EXTERN_DATA), open_parameters(path)
        taken = take_parameters([(Source(checkpoint=path, keep_step=True), file)], spec, lambda spec: None)
        variables = {path: tf.constant(value) for path, value in taken.values.items()}
        ours = run_network(spec, variables, case["data"], case["lengths"]).losses["output"]
        found[key] = (float(ours.cost), taken.step), (float(theirs["output"]["cost"]), theirs["step"])
    return found


@pytest.mark.parametrize("writer", ["boulder", "returnn"])
@pytest.mark.parametrize("unit", UNITS)
def test_a_file_of_either_program_has_the_same_loss_in_both(losses, unit, writer):
    ours, theirs = losses[unit, writer]
    assert ours == (pytest.approx(theirs[0], rel=1e-5), theirs[1])
    assert ours[1] == 77
