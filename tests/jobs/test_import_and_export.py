"""`boulder import`, `boulder export`, and the jobs that do the same."""

import numpy as np
import pytest

from boulder.network import describe
from boulder.training import Checkpoint
from boulder.training.starting import starting_checkpoint
from tests.tiny import EXTERN_DATA, network

CONFIG = f"""#!rnn.py
from tests.tiny import network as tiny

extern_data = {EXTERN_DATA!r}
num_epochs = 4
network = tiny(1, 6)

def custom_construction_algo(idx, net_dict):
    return tiny(1, 4) if idx == 0 else None

pretrain = {{"repetitions": 2, "construction_algo": custom_construction_algo}}
"""


@pytest.fixture
def folder(project):
    """:return: the project's folder, with my.config and a checkpoint of its epoch 2, whose network has the width 4"""
    (project.folder / "my.config").write_text(CONFIG)
    net = network(1, 4)
    options = {"epoch": 2, "phase_start": 1, "index": 0, "random_seed": 8}
    made, _ = starting_checkpoint([], net, describe(net, EXTERN_DATA), **options)
    made.step, made.slots = 12, {"m": {path: np.zeros_like(value) for path, value in made.params.items()}}
    made.save(project.folder / "old.h5")
    return project.folder


@pytest.mark.long
def test_a_checkpoint_goes_to_returnns_format_and_back(project, folder):
    code, output = project.run("boulder", "export", "old.h5", "-o", "model/net")
    assert code == 0, output
    files = [f"model/net.002.{part}" for part in ("data-00000-of-00001", "index", "meta")]
    assert [line for line in output.splitlines() if line.startswith("model/")] == files
    assert "9 parameters of epoch 2, step 12; optimizer slots are left out: m" in output
    code, output = project.run("boulder", "import", "model/net.002", "--config", "my.config", "-o", "new.h5")
    assert code == 0, output
    assert "output/W ← model/net.002: output/W" in output.splitlines()
    assert "new.h5: epoch 2, step 12; optimizer slots are left out" in output
    old, new = Checkpoint.load(folder / "old.h5"), Checkpoint.load(folder / "new.h5")
    assert (new.epoch, new.step, new.phase_start, new.index, new.slots) == (2, 12, 1, 0, {})
    assert new.specs == old.specs
    for path, value in old.params.items():
        np.testing.assert_array_equal(new.params[path], value)


@pytest.mark.slow
def test_a_saved_model_is_exported_by_the_configs_network(project, folder):
    command = ["boulder", "export", "old.h5", "--saved-model", "saved", "--config", "my.config"]
    code, output = project.run(*command, "--layer", "output", "--layer", "fw0")
    assert code == 0, output
    lines = output.splitlines()
    assert "input 'data': [batch, time:data], 6 classes int32, with 'data_lengths'" in lines
    assert "output 'output': [batch, time:data, feature:6] float32, with 'output_lengths'" in lines
    assert "output 'fw0': [batch, time:data, feature:4] float32, with 'fw0_lengths'" in lines
    assert (folder / "saved/saved_model.pb").exists()
    code, output = project.run(*command)
    assert code == 1
    assert output.splitlines()[-1].endswith("saved: cannot be written: Directory not empty")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["import", "old.h5", "--config", "my.config", "--epoch", "3", "-o", "n.h5"], "'fw0/rec/W' has the shape (4, 24) in the network and (4, 16) in the file"),
        (["import", "old.h5", "--config", "my.config", "--epoch", "5", "-o", "n.h5"], "is of epoch 5, but my.config has 4 epochs; expected --epoch"),
        (["import", "none.h5", "--config", "my.config", "-o", "n.h5"], "checkpoint none.h5: there is no such file"),
        (["import", "none.012", "--config", "my.config", "-o", "n.h5"], "checkpoint none.012: there is no file none.012.index, expected a"),
        (["import", "old.h5", "--config", "my.config", "-o", "old.h5"], "--output old.h5: the file exists already"),
        (["import", "old.h5", "--config", "your.config", "-o", "n.h5"], "your.config"),
        (["export", "old.h5", "--saved-model", "s"], "--saved-model needs --config"),
        (["export", "old.h5", "--saved-model", "s", "-o", "n"], "--output n: names RETURNN's files, expected either it or --saved-model s"),
        (["export", "old.h5", "--layer", "output", "--search"], "--layer, --search: only for a SavedModel, expected --saved-model FOLDER"),
        (["export", "old.h5", "--saved-model", "s", "--config", "my.config", "--layer", "outpt"], "there is no layer 'outpt'; did you mean 'output'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line(project, folder, command, message):
    code, output = project.run("boulder", *command)
    assert code == 1
    [error] = [line for line in output.splitlines() if line.startswith("error: ")]
    assert message in error
    assert sorted(path.name for path in folder.glob("n.h5")) == []


JOBS = """
from jobs.export_checkpoint import ExportCheckpointJob
from jobs.import_checkpoint import ImportCheckpointJob
from jobs.saved_model import SavedModelJob
from sisyphus import tk
from tests.tiny import EXTERN_DATA, network


def exported():
    old = tk.Path("old.h5")
    export = ExportCheckpointJob(checkpoint=old)
    again = ImportCheckpointJob(
        sources=[{"checkpoint": export.out_index, "keep_step": True}], network=network(1, 4), extern_data=EXTERN_DATA,
        epoch=2, index=0,
    )
    saved = SavedModelJob(checkpoint=again.out_checkpoint, extern_data=EXTERN_DATA)
    tk.register_output("again.h5", again.out_checkpoint)
    tk.register_output("saved", saved.out_saved_model)
"""


@pytest.mark.slow
def test_jobs_export_and_import(project, folder):
    project.write_config(JOBS, "jobs_of_checkpoints")
    code, output = project.run("boulder", "run", "config/jobs_of_checkpoints.exported")
    assert code == 0, output
    old, new = Checkpoint.load(folder / "old.h5"), Checkpoint.load(folder / "output/again.h5")
    assert (new.epoch, new.step) == (2, 12)
    for path, value in old.params.items():
        np.testing.assert_array_equal(new.params[path], value)
    assert (folder / "output/saved/saved_model.pb").exists()
