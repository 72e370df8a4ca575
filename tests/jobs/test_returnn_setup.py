"""A RETURNN config file is planned and trained as jobs."""

import pytest

from boulder.errors import CheckpointError
from tests.jobs.conftest import ROOT
from tests.tiny import EXTERN_DATA

CONFIG = f"""#!rnn.py
# a config as it is written for RETURNN
import tensorflow as tf
from returnn.import_ import import_
import_("github.com/me/mine", "common", None)
from returnn_import.github_com.me.mine.dev.common import scales

task = "train"
train = {{"class": "HDFDataset", "files": ["@data@/train.hdf"], "seq_ordering": "random"}}
dev = {{"class": "HDFDataset", "files": ["@data@/dev.hdf"]}}
extern_data = {EXTERN_DATA!r}
num_epochs = 5
batch_size = 60
max_seqs = 6
learning_rate = 0.01
adam = True
device = "gpu"
log_verbosity = 5

def scaled(x, network):
    return network.cond_on_train(lambda: scales.scaled(x.placeholder), lambda: x.placeholder)

network = {{
    "embedding": {{"class": "linear", "n_out": 4, "activation": None, "from": "data"}},
    "scale": {{
        "class": "eval", "from": "embedding",
        "eval": "self.network.get_config().typed_value('scaled')(source(0, as_data=True), network=self.network)",
    }},
    "fw": {{"class": "rec", "unit": "nativelstm2", "n_out": 6, "from": "scale"}},
    "output": {{"class": "softmax", "loss": "ctc", "from": "fw"}},
}}

def custom_construction_algo(idx, net_dict):
    if idx == 2:
        return None
    net_dict["fw"]["n_out"] = (3, 4)[idx]
    net_dict["#config"] = {{"batch_size": 30}}
    return net_dict

pretrain = {{"repetitions": 2, "copy_param_mode": "subset", "construction_algo": custom_construction_algo}}
"""
PACKAGE = {
    "__init__.py": "",
    "factors.py": "HALF = 0.5\n",
    "scales.py": """import tensorflow as tf

def scaled(value):
    from .factors import HALF
    return tf.multiply(value, HALF)
""",
}


@pytest.fixture
def setup(project, data, monkeypatch):
    """:return: function (old text, new text) that writes the config file with a replacement"""

    def write(old: str = "", new: str = "") -> None:
        assert old in CONFIG
        (project.folder / "my.config").write_text(CONFIG.replace(old, new, 1).replace("@data@", str(data)))

    package = project.folder / "packages/github.com/me/mine/common"
    package.mkdir(parents=True)
    for name, text in PACKAGE.items():
        (package / name).write_text(text)
    monkeypatch.setenv("RETURNN_PKG_PATH", str(project.folder / "packages"))
    (project.folder / "config/returnn.py").symlink_to(ROOT / "config/returnn.py")
    write()
    return write


def test_plan_shows_its_phases(project, setup):
    code, output = project.run("boulder", "plan", "my.config")
    assert code == 0, output
    rows = [line.split() for line in output.splitlines()]
    assert any(row[:2] == ["0", "1–2"] for row in rows)
    assert any(row[:2] == ["original", "5"] for row in rows)


@pytest.mark.long
def test_it_trains_with_its_function_and_overrides(project, setup):
    (project.folder / "config/returnn.py").unlink()  # a folder without it uses Boulder's
    code, output = project.run("boulder", "run", "my.config", "--cpu", "1", "--mem", "2")
    assert code == 0, output
    assert "finished: my/phase.final" in output
    assert "epoch 5 (original" in output
    assert (project.folder / "output/my/checkpoint.h5").exists()
    assert set(project.states("my.config").values()) == {"finished"}
    assert project.run("boulder", "status") == (
        0,
        "my: 3 of 3 jobs finished, trained to epoch 5\nboulder status CONFIG shows the phases of a config\n",
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "device =",
            "dataset_pipeline = True; device =",
            "my.config: 'dataset_pipeline': found True; Boulder reads data sets by itself",
        ),
        ('"HDFDataset"', '"HDFDatset"', "neither Boulder nor RETURNN has a data set class 'HDFDatset'"),
        (
            '"nativelstm2"',
            '"nativlstm2"',
            "phase 0 (index 0): layer 'fw' (rec): unknown unit 'nativlstm2'; did you mean",
        ),
        ("idx == 2", "idx = 2", "my.config, line 34: SyntaxError"),
        (
            "typed_value('scaled')",
            "typed_value('scald')",
            "phase 0 (index 0): layer 'scale': 'eval' asks for the option 'scald', which the config lacks; did you mean "
            "'scaled'?",
        ),
    ],
)
def test_an_error_is_reported_in_one_line(project, setup, old, new, message):
    setup(old, new)
    code, output = project.run("boulder", "run", "config/returnn.setup('my.config')")
    assert code == 1
    assert [line for line in output.splitlines() if line.startswith("error: ")] == output.splitlines()
    assert message in output


def test_it_starts_from_the_checkpoints_that_the_config_names(setup, project, monkeypatch):
    import config.returnn
    from jobs.pipeline import laid_out_pipelines
    from sisyphus import gs

    monkeypatch.chdir(project.folder)
    monkeypatch.setattr(gs, "BASE_DIR", str(project.folder))
    setup("device =", "import_model_train_epoch1 = 'old/net.080'; device =")
    with pytest.raises(
        CheckpointError, match=r"pipeline 'my': start_from: checkpoint .*/old/net.080.index: there is no"
    ):
        config.returnn.setup("my.config")
    (project.folder / "old").mkdir()
    (project.folder / "old/net.080.index").touch()
    config.returnn.setup("my.config")
    start = laid_out_pipelines()["my"].jobs[0].previous_checkpoint.creator
    [source] = start.sources
    path = source.pop("checkpoint")
    assert (path.get_path(), source) == (
        str(project.folder / "old/net.080.index"), {"use_importers": True, "keep_step": True},
    )  # fmt: skip
    assert start.functions  # of the network travel with it
