"""Other data takes the place of the data sets of a RETURNN config."""

import pytest

import jobs  # noqa: F401 (finds Sisyphus)
from boulder.errors import BoulderError, ConfigError
from tests.jobs.conftest import ROOT
from tests.tiny import EXTERN_DATA

CONFIG = f"""#!rnn.py
train = {{"class": "ExternSprintDataset", "sprintTrainerExecPath": "nn-trainer", "partition_epoch": 4, "seq_ordering": "random"}}
dev = {{"class": "ExternSprintDataset", "sprintTrainerExecPath": "nn-trainer"}}
eval_datasets = {{"devtrain": dev}}
extern_data = {EXTERN_DATA!r}
num_epochs, batch_size, learning_rate, batching = 3, 60, 0.01, "sorted"
network = {{"output": {{"class": "softmax", "loss": "ctc", "from": "data"}}}}

def construction(idx, net_dict):
    if idx == 2:
        return None
    net_dict["hidden"] = {{"class": "linear", "n_out": 2 + idx, "from": "data", "activation": "tanh"}}
    net_dict["output"]["from"] = "hidden"
    net_dict["#config"] = {{"train": {{**train, "partition_epoch": idx + 1}}, "batch_size": 30}}
    return net_dict

pretrain = {{"construction_algo": construction}}
"""


@pytest.fixture
def folder(project, data, monkeypatch):
    from sisyphus import gs

    monkeypatch.chdir(project.folder)
    monkeypatch.setattr(gs, "BASE_DIR", str(project.folder))
    (project.folder / "config/returnn.py").symlink_to(ROOT / "config/returnn.py")
    (project.folder / "setups").mkdir()
    (project.folder / "setups/my.config").write_text(CONFIG)
    for name in ("train", "dev"):
        (project.folder / f"{name}.hdf").symlink_to(data / f"{name}.hdf")
    return project.folder


def laid_out(**arguments):
    import config.returnn
    from jobs.notices import kept_notices
    from jobs.pipeline import laid_out_pipelines

    config.returnn.setup("setups/my.config", **arguments)
    return [job.phases[0] for job in laid_out_pipelines()["my"].jobs], kept_notices()["my"]


def test_own_data_replaces_all_data_sets_of_the_config_and_of_its_phases(folder):
    phases, notices = laid_out(train="train.hdf", dev=["dev.hdf"])
    for phase in phases:
        assert [path.get_path() for path in phase["train"]["files"]] == [str(folder / "train.hdf")]
        assert phase["train"]["seq_ordering"] == "sorted"  # that of `batching`
        assert "partition_epoch" not in phase["train"]
        assert [path.get_path() for path in phase["dev"]["files"]] == [str(folder / "dev.hdf")]
        assert "eval_datasets" not in phase
    assert [phase["config"]["batch_size"] for phase in phases] == [30, 30, 60]
    told = {f"{notice.option}: {notice.text}" for notice in notices}
    assert {
        "train: other data takes its place; so its sprintTrainerExecPath, partition_epoch, seq_ordering have no effect",
        "dev: other data takes its place; so its sprintTrainerExecPath have no effect",
        "eval_datasets: left out, since other data takes the place of 'train'",
        "train: in '#config' of 2 of 3 phases: left out, since other data takes its place",
    } <= told


def test_a_description_says_how_the_data_is_read_and_no_dev_data_is_scored(folder):
    phases, _ = laid_out(train={"class": "HDFDataset", "files": ["train.hdf"], "partition_epoch": 2, "chunking": "4:2"})
    assert {phase["train"]["partition_epoch"] for phase in phases} == {2}
    assert {phase["config"]["chunking"] for phase in phases} == {"4:2"}
    assert not any("dev" in phase for phase in phases)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"train": "trian.hdf"}, "train_data: .*/trian.hdf: no such file"),
        ({"train": {"class": "HDFDatset"}}, "'train': .* data set class 'HDFDatset', .*'HDFDataset'"),
        ({"train": 3}, "train: found 3, expected a path"),
        ({"train": "train.hdf", "dev": ["dev.hdf", "dve.hdf"]}, "dev_data: .*/dve.hdf: no such file"),
    ],
)
def test_wrong_data_is_reported_before_any_job_is_made(folder, arguments, message):
    with pytest.raises(BoulderError, match=message):
        laid_out(**arguments)


def test_streams_are_compared_with_those_of_the_config(folder):
    text = CONFIG.replace(
        repr(EXTERN_DATA), "{'data': {'dim': 7, 'sparse': True}, 'classes': {'dim': 5, 'sparse': True}}"
    )
    (folder / "setups/my.config").write_text(text)
    with pytest.raises(
        BoulderError, match=r"train.hdf: 'data' holds sparse labels .* dimension 6, expected .* dimension 7"
    ):
        laid_out(train="train.hdf")


def test_keywords_of_a_config_become_positions(folder):
    from jobs.commands.config_name import check_config_name

    assert check_config_name("config/returnn.setup('a.config', 4)") == "config/returnn.setup('a.config', 4)"
    called = check_config_name("config/returnn.setup('a.config', mem=9, train='my(1).hdf')")
    assert called == "config/returnn.setup('a.config', 2, 9, 24, 1, 1, 'my(1).hdf', None)"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("'a.config', cpus=1", "there is no argument 'cpus', expected path, cpu, .*; did you mean 'cpu'"),
        ("'a.config', path='b'", "multiple values for argument 'path'"),
        ("cpu=2", "missing a required argument: 'path'"),
        ("a.config, cpu=2", "expected Python literals, such as config/returnn.setup"),
    ],
)
def test_wrong_keywords_of_a_config_are_reported(folder, arguments, message):
    from jobs.commands.config_name import check_config_name

    with pytest.raises(ConfigError, match=message):
        check_config_name(f"config/returnn.setup({arguments})")


def test_plan_shows_a_config_on_own_data(project, folder):
    code, output = project.run("boulder", "plan", "config/returnn.setup('setups/my.config', train='train.hdf')")
    assert code == 0, output
    assert any(line.split()[:2] == ["original", "3"] for line in output.splitlines())
