"""Running statistics of batch norm through RETURNN's checkpoints: both programs read them, and score with them alike."""

import numpy as np
import pytest
import tensorflow as tf

from boulder.network import describe, run_network
from boulder.returnn import load_config
from boulder.returnn.checkpoint import open_parameters, write_tensorflow
from boulder.training.averaging import average_checkpoints
from boulder.training.starting import Source, starting_checkpoint, take_parameters
from tests.parity.comparing import network_case
from tests.parity.test_starting_like_returnn import boulder_start

pytestmark = pytest.mark.parity
EXTERN_DATA = {"data": {"dim": 5}, "classes": {"dim": 3, "sparse": True}}
LENGTHS = {"data": [6, 4], "classes": [6, 4]}
VERSIONS = (0, 1, 2)


def network(version: int = 0, prefix: str = "") -> dict:
    norm = {"momentum": 0.3, "masked_time": True, "update_sample_only_in_training": True, "param_version": version}
    layers = {
        "hidden": {"class": "linear", "from": "data", "n_out": 4, "activation": "tanh"},
        "norm": norm | {"class": "batch_norm", "from": f"{prefix}hidden"},
        "again": {"class": "linear", "from": f"{prefix}norm", "n_out": 4, "activation": "relu", "batch_norm": norm},
        "output": {"class": "softmax", "from": f"{prefix}again", "loss": "ce", "target": "classes"},
    }
    return {prefix + name: layer for name, layer in layers.items()}


def positive(params: dict) -> dict:
    return {path: abs(value) + 0.5 if "variance" in path else value for path, value in params.items()}


STARTS = {f"{old} to {new}": (old, network(new)) for old in VERSIONS for new in VERSIONS if old <= new}
PRELOADS = {f"preload {version}": (version, network(version, "lm_")) for version in (1, 2)}


def of(case: dict) -> dict:
    return {"net": case["net"], "extern_data": EXTERN_DATA}


@pytest.fixture(scope="module")
def trained(returnn):
    """:return: `param_version` → case, whose parameters are those after three batches in RETURNN's training"""
    cases = {version: network_case(network(version), EXTERN_DATA, LENGTHS) for version in VERSIONS}
    cases = {version: case | {"params": positive(case["params"])} for version, case in cases.items()}
    results = returnn([case | {"steps": 3} for case in cases.values()])
    assert all(any("mean" in path for path in result["after"]) for result in results)
    return {
        version: case | {"params": {path: result["after"][path] for path in case["params"]}}
        for (version, case), result in zip(cases.items(), results, strict=True)
    }


@pytest.fixture(scope="module")
def results(returnn, trained, tmp_path_factory):
    """:return: folder of the checkpoints; (name) → RETURNN's result"""
    folder = tmp_path_factory.mktemp("statistics")
    jobs = {}
    for version, case in trained.items():
        jobs["save", version] = {
            "kind": "save", **of(case), "params": case["params"], "step": 9, "path": str(folder / f"returnn{version}.001"),
        }  # fmt: skip
        write_tensorflow(str(folder / f"boulder{version}.001"), case["params"], 9)
        for writer in ("returnn", "boulder"):
            jobs["load", version, writer] = {
                "kind": "load", **of(case), "path": str(folder / f"{writer}{version}.001"), "train": False,
                "data": case["data"], "lengths": case["lengths"],
            }  # fmt: skip
    for name, (version, net) in (STARTS | PRELOADS).items():
        file = folder / f"{name}.config"
        path = str(folder / f"returnn{version}.001")
        preload = {"lm": {"filename": path, "prefix": "lm_", "init_for_train": True}}
        start = f"preload_from_files = {preload!r}" if name in PRELOADS else f"import_model_train_epoch1 = {path!r}"
        file.write_text(f"#!rnn.py\nnetwork = {net!r}\nextern_data = {EXTERN_DATA!r}\nnum_epochs = 9\n{start}\n")
        options = {key: value for key, value in load_config(file).values.items() if key != "config"}
        fresh = network_case(net, EXTERN_DATA, LENGTHS)["params"]
        jobs["start", name] = {
            "kind": "start",
            "options": options,
            "params": fresh,
            "path": str(folder / f"{name}.run"),
        }
    return folder, dict(zip(jobs, returnn([dict(job) for job in jobs.values()]), strict=True))


def cost(case: dict, params: dict) -> float:
    variables = {path: tf.constant(value) for path, value in params.items()}
    spec = describe(case["net"], EXTERN_DATA)
    return float(run_network(spec, variables, case["data"], case["lengths"]).losses["output"].cost)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_file_of_either_program_has_the_same_scores_in_both(trained, results, version):
    folder, found = results
    case = trained[version]
    spec = describe(case["net"], EXTERN_DATA)
    for writer in ("returnn", "boulder"):
        file = open_parameters(str(folder / f"{writer}{version}.001"))
        taken = take_parameters([(Source(checkpoint=str(file.path), keep_step=True), file)], spec, lambda _: None)
        assert taken.step == found["load", version, writer]["step"] == 9
        theirs = float(found["load", version, writer]["output"]["cost"])
        assert cost(case, taken.values) == pytest.approx(theirs, rel=1e-5)
    others = case["params"] | {path: p * 0 + 1 for path, p in case["params"].items() if "mean" in path}
    assert cost(case, others) != pytest.approx(theirs, rel=1e-3)  # the statistics matter


@pytest.mark.parametrize("name", [*STARTS, *PRELOADS])
def test_a_training_starts_with_the_statistics_of_a_checkpoint_of_the_same_or_an_older_layout(results, name):
    folder, found = results
    expected = found["start", name]
    assert "error" not in expected, expected
    fresh = network_case((STARTS | PRELOADS)[name][1], EXTERN_DATA, LENGTHS)["params"]
    ours, taken = boulder_start(load_config(folder / f"{name}.config"), fresh)
    assert not taken.initialised
    assert set(ours["values"]) == set(expected["values"])
    for path, value in expected["values"].items():
        np.testing.assert_array_equal(ours["values"][path], value, err_msg=path)


def test_an_average_of_checkpoints_has_the_mean_statistics_which_returnn_scores_with(returnn, trained, tmp_path):
    case = trained[2]
    spec = describe(case["net"], EXTERN_DATA)
    for epoch, factor in enumerate((1.0, 0.5), 1):
        made, _ = starting_checkpoint([], case["net"], spec, epoch=epoch, phase_start=1, index=0, random_seed=1)
        made.params = {path: (value * factor).astype("float32") for path, value in case["params"].items()}
        made.save(tmp_path / f"{epoch}.h5")
    average = average_checkpoints([tmp_path / f"{epoch}.h5" for epoch in (1, 2)]).params
    for path, value in case["params"].items():
        np.testing.assert_allclose(average[path], 0.75 * value, rtol=1e-6)
    write_tensorflow(str(tmp_path / "average.002"), average, 9)
    [theirs] = returnn(
        [{"kind": "load", **of(case), "path": str(tmp_path / "average.002"), "train": False, "data": case["data"], "lengths": case["lengths"]}]
    )  # fmt: skip
    assert cost(case, average) == pytest.approx(float(theirs["output"]["cost"]), rel=1e-5)
