"""`boulder try`: a trial of each phase of a config on generated data."""

import json

import pytest
from rich.console import Console

from boulder.errors import BoulderError, ConfigError
from boulder.training.trial import TrialSize
from jobs.commands.stages import Stages
from jobs.commands.try_config import try_config

CONFIG = """#!rnn.py
extern_data = {"data": {"dim": 4}, "classes": {"dim": 5, "sparse": True}, "align": {"dim": 3, "sparse": True}}
train = {"class": "ExternSprintDataset", "sprintConfigStr": "there is no such corpus"}
num_epochs, learning_rate, batch_size, chunking = 4, 0.01, 1000, "50:25"
use_normalized_loss = True


def scale(source):
    import tensorflow as tf

    return FACTOR * source(0)


FACTOR = 1.0
network = {
    "scaled": {"class": "eval", "eval": scale, "from": "data"},
    "pool": {"class": "pool", "mode": "max", "pool_size": (3,), "padding": "same", "from": "scaled"},
    "lstm": {"class": "rec", "unit": "nativelstm2", "n_out": 4, "from": "pool", "dropout": 0.1},
    "frames": {"class": "softmax", "from": "lstm", "loss": "ce", "target": "align"},
    "dump": {"class": "hdf_dump", "from": "lstm", "filename": "lstm.hdf", "is_output_layer": True},
    "output": {"class": "softmax", "from": "lstm", "loss": "ctc", "target": "classes"},
}


def construction_algo(idx, net_dict):
    net_dict["lstm"]["n_out"] = 2
    return net_dict if idx == 0 else None


pretrain = {"construction_algo": construction_algo, "copy_param_mode": "subset", "repetitions": 1}
"""


def tried(tmp_path, text: str = CONFIG, size: TrialSize | None = None, **options) -> tuple[int, str]:
    file = tmp_path / "setup.config"
    file.write_text(text)
    console = Console(width=160, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    code = try_config(str(file), console, size or TrialSize(steps=4), verbose=False, **options)
    return code, console.export_text()


def test_each_phase_is_grown_trained_saved_and_resumed(tmp_path, capsys, monkeypatch):
    stages = []
    monkeypatch.setattr(Stages, "begin", lambda _self, stage: stages.append(stage))
    code, _ = tried(tmp_path, as_json=True)
    first, last = json.loads(capsys.readouterr().out)["phases"]
    assert code == 0
    assert (first["name"], last["name"]) == ("index 0", "original network")
    assert first["params"] < last["params"]
    assert " 0 grown" not in last["growth"]
    for phase in (first, last):
        assert phase["resumed"]
        assert phase["falls"]
        assert len(phase["objective"]) == 4
        assert phase["memory"] > 1e7
        assert 0 < phase["step_seconds"] < phase["build_seconds"]
    build = "build the network, step"
    steps = [f"{build} 1 of 4", "step 2 of 4", "save", "resume", f"{build} 3 of 4", "step 4 of 4"]
    scoring = "build the network for evaluation, score"
    assert [stage.removeprefix("phase index 0: ") for stage in stages[1:8]] == [*steps, scoring]
    assert stages[8] == f"phase original network: create {last['params']} parameters, grown from before"


def test_values_that_are_not_finite_fail_with_the_phase(tmp_path):
    code, text = tried(tmp_path, CONFIG.replace("FACTOR * source(0)", "source(0) / 0.0"), phases=["final"])
    assert code == 1
    assert "phase original network: epoch 2, batch 0: loss or gradient is not finite" in text
    assert text.splitlines()[-1] == "phase original network failed; 0 of 1 phase trains"


def test_streams_without_time_have_a_value_for_each_sequence(tmp_path):
    text = CONFIG.replace(
        "extern_data = {", 'extern_data = {"speaker": {"dim": 7, "sparse": True, "shape": (), "time_dim_axis": None}, '
        '"ivector": {"dim": 6, "shape": (6,), "time_dim_axis": None}, ',
    ).replace('"from": "scaled"}', '"from": ["scaled", "data:ivector", "embedding"]}').replace(
        "network = {", 'network = {"embedding": {"class": "linear", "n_out": 2, "from": "data:speaker"},',
    )  # fmt: skip
    code, text = tried(tmp_path, text, phases=["0"])
    assert code == 0, text


def test_an_error_in_code_of_the_network_is_one_line(tmp_path):
    code, text = tried(tmp_path, CONFIG.replace("FACTOR * source(0)", "source(0) + tf.zeros([7])"), phases=["0"])
    assert code == 1
    (line,) = [line for line in text.splitlines() if line.startswith("phase index 0: ")]
    assert "'scaled'" in line


def test_an_error_of_tensorflow_names_phase_step_and_layer(tmp_path):
    wrong = "tf.gather(source(0), tf.shape(source(0))[2], axis=2)[..., None] + source(0)"
    code, text = tried(tmp_path, CONFIG.replace("FACTOR * source(0)", wrong), phases=["0"])
    (line,) = [line for line in text.splitlines() if line.startswith("phase index 0: ")]
    assert code == 1
    assert line.startswith(
        "phase index 0: build the network, step 1 of 4: layer 'scaled': InvalidArgumentError: indices = 4 is not in [0, 4)"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("extern_data", "no_data"), "extern_data"),
        (('"class": "rec"', '"class": "rek"'), "did you mean 'rec'"),
    ],
)
def test_what_planning_refuses_is_refused_before_anything_is_built(tmp_path, change, message):
    with pytest.raises(BoulderError, match=message):
        tried(tmp_path, CONFIG.replace(*change))


def test_unknown_phases_and_files_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="--phases: found 'finale', expected some of 0, final; did you mean 'final'"):
        tried(tmp_path, phases=["finale"])
    with pytest.raises(ConfigError, match="there is no such file"):
        try_config(str(tmp_path / "no.config"), Console(), TrialSize(), verbose=False)


FULL_SUM = """#!rnn.py
extern_data = {"data": {"dim": 4}, "automata": {"dim": 4}}
num_epochs, learning_rate, batch_size, use_normalized_loss = 4, 0.01, 1000, True
sprint_opts = {"sprintExecPath": "nn-trainer", "automata": "automata"}
priors = {"compute_priors": True, "compute_priors_exp_average": 0.01}
network = {
    "lstm": {"class": "rec", "unit": "nativelstm2", "n_out": 4, "from": "data"},
    "output": {"class": "softmax", "n_out": 7, "from": "lstm", **priors},
    "bw": {"class": "fast_bw", "align_target": "sprint", "sprint_opts": sprint_opts, "from": "output", "input_type": "prob",
           "tdp_scale": 0.6, "prior_scale": 0.3, **priors},
    "cost": {"class": "copy", "from": "output", "loss": "via_layer",
             "loss_opts": {"loss_wrt_to_act_in": "softmax", "align_layer": "bw"}},
}


def construction_algo(idx, net_dict):
    del net_dict["bw"], net_dict["cost"]
    net_dict["output"].update(loss="fast_bw", loss_opts={"sprint_opts": sprint_opts, "prior_scale": 0.3})
    return net_dict if idx == 0 else None


pretrain = {"construction_algo": construction_algo, "repetitions": 1}
"""


@pytest.mark.slow
def test_full_sum_training_gets_automata(tmp_path, capsys):
    code, _ = tried(tmp_path, FULL_SUM, as_json=True)
    phases = json.loads(capsys.readouterr().out)["phases"]
    assert code == 0, phases
    assert all(phase["falls"] for phase in phases)
