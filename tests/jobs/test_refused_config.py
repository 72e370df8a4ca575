"""`boulder plan` and `boulder run` tell everything that they refuse in a RETURNN config, and what has no effect."""

import json

import pytest

from tests.jobs.conftest import ROOT
from tests.tiny import EXTERN_DATA

CONFIG = f"""#!rnn.py
task = "train"
train = {{"class": "HDFDataset", "files": ["@data@/train.hdf"]}}
extern_data = {EXTERN_DATA!r}
network = {{"output": {{"class": "softmax", "loss": "ce", "from": "data"}}}}
num_epochs = 1
batch_size = 60
learning_rate = 0.01
log_verbosity = 5
device = "gpu"
debug_print_layer_output = False
gradient_clip_norms = 3
"""
REFUSED = "use_horovod = True\ndataset_pipeline = True\n"  # which stay refused


@pytest.fixture
def boulder(project, data):
    """:return: function (text added to the config, arguments) → exit code, output"""
    (project.folder / "config/returnn.py").symlink_to(ROOT / "config/returnn.py")

    def run(text: str, *arguments: str) -> tuple[int, str]:
        (project.folder / "my.config").write_text(CONFIG.replace("@data@", str(data)) + text)
        return project.run("boulder", *arguments)

    return run


def test_plan_shows_the_phases_and_all_that_run_would_refuse(boulder):
    code, output = boulder(REFUSED, "plan", "my.config")
    assert code == 1
    table, _, refused = output.partition("`boulder run` would refuse it:\n")
    assert "output" in table
    assert refused.splitlines() == [
        "  'use_horovod': found True; Boulder shares batches among GPUs by itself: arguments gpus and nodes",
        "  'dataset_pipeline': found True; Boulder reads data sets by itself",
    ]


def test_run_refuses_the_same(boulder):
    code, output = boulder(REFUSED, "run", "config/returnn.setup('my.config')")
    assert code == 1
    first, *lines = output.splitlines()
    assert first.startswith("error: /")
    assert first.endswith("my.config: 2 problems:")
    assert lines == [
        "  'use_horovod': found True; Boulder shares batches among GPUs by itself: arguments gpus and nodes",
        "  'dataset_pipeline': found True; Boulder reads data sets by itself",
    ]


def test_without_a_plan_all_is_told_as_well(boulder):
    algo = "pretrain = {'construction_algo': lambda idx, net_dict: 1 / 0}\n"
    code, output = boulder(REFUSED + algo, "plan", "my.config")
    assert code == 1
    first, *lines = output.splitlines()
    assert first.endswith("my.config: 3 problems:")
    assert "ZeroDivisionError" in lines[2]


def test_json_has_the_problems(boulder):
    code, output = boulder(REFUSED, "plan", "--json", "my.config")
    (planned,) = json.loads(output)
    assert (code, len(planned["problems"])) == (1, 2)


def test_the_check_and_the_run_show_a_table_of_options_without_effect(boulder):
    code, checked = boulder("", "plan", "--check", "my.config")
    assert code == 0, checked
    code, output = boulder("", "run", "config/returnn.setup('my.config')")
    assert code == 0, output
    for text in (checked, output):
        rows = [" ".join(line.split()) for line in text.splitlines()]
        assert any(row.startswith("log_verbosity it changes only what RETURNN prints") for row in rows)
        assert any(row.startswith("gradient_clip_norms neither RETURNN nor Boulder reads it; did you") for row in rows)
