"""Trainings of whole setups, written in the style of the field, give RETURNN's learning rates, scores and parameters."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from boulder.data import HdfWriter, open_dataset
from boulder.returnn import load_config
from boulder.training import Checkpoint
from boulder.training.learning_rate.measure import named_scores
from jobs.pipeline import lay_out
from sisyphus import gs, tk
from tests.audio_zip import TEXTS, entries, files, write_zip
from tests.jobs.conftest import ROOT, make_project

pytestmark = pytest.mark.parity
SETUPS = Path(__file__).with_name("setups")
NAMES = sorted(path.stem for path in SETUPS.glob("*.config"))
QUICK = "two_losses"
EXTERN_DATA = {"data": {"dim": 5}, "classes": {"dim": 6, "sparse": True}, "words": {"dim": 4, "sparse": True}}


def write_data(folder: Path) -> None:
    """Frames whose class is that of the largest of the first features, of the frame or of the one before."""
    for seed, (name, count) in enumerate((("train", 24), ("dev", 7), ("devtrain", 6))):
        random = np.random.default_rng(seed)
        with HdfWriter(folder / f"{name}.hdf", EXTERN_DATA) as writer:
            for number in range(count):
                frames = random.normal(size=(int(random.integers(5, 14)), 5)).astype("float32")
                classes = frames.argmax(axis=1).astype("int32")
                classes[1:][frames[:-1, 0] > 1] = 5
                words = random.integers(0, 4, size=len(frames) // 3 + 1).astype("int32")
                writer.write(f"{name}-{number}", {"data": frames, "classes": classes, "words": words})


def write_data_of_setups(folder: Path) -> None:
    """Four sequences of each length, so that batches of four have no padding."""
    streams = {"data": {"dim": 10}, "phones": {"dim": 8, "sparse": True}, "bpe": {"dim": 12, "sparse": True}}
    for seed, (name, groups) in enumerate((("train", 6), ("dev", 2))):
        random = np.random.default_rng(seed)
        with HdfWriter(folder / f"setups-{name}.hdf", streams) as writer:
            for number in range(4 * groups):
                frames = random.normal(size=(24 + 6 * (number % groups), 10)).astype("float32")
                phones = random.integers(0, 8, size=3 + number % groups).astype("int32")
                bpe = random.integers(0, 12, size=2 + number % 2).astype("int32")
                writer.write(f"{name}-{number}", {"data": frames, "phones": phones, "bpe": bpe})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """:return: folder with a folder for each setup, and data beside it"""
    folder = tmp_path_factory.mktemp("setups")
    write_data(folder)
    write_data_of_setups(folder)
    for file in (ROOT / "tests/setups").glob("*/*.config"):
        shutil.copy(file, folder)
    write_zip(folder / "recordings.zip", entries(*TEXTS), files(*TEXTS))
    for name in NAMES:
        (folder / name).mkdir()
        shutil.copy(SETUPS / "surroundings.py", folder / name)
        shutil.copy(SETUPS / f"{name}.config", folder / name)
    return folder


@pytest.fixture(scope="module")
def expected(folder, returnn, request):
    """:return: name → RETURNN's training, of the setups whose tests run"""
    asked = {item.callspec.params["name"] for item in request.session.items if item.module is request.module}
    names = sorted(asked)
    results = returnn([{"kind": "train", "config_file": str(folder / name / f"{name}.config")} for name in names])
    return dict(zip(names, results, strict=True))


def from_initial(folder: Path, name: str, expected: dict) -> Path:
    """:return: the config of a setup, with RETURNN's initial parameters"""
    file = folder / name / f"boulder_{name}.config"
    text = (folder / name / f"{name}.config").read_text()
    file.write_text(f"{text}\nimport_model_train_epoch1 = {expected[name]['initial']!r}\n")
    return file


@pytest.fixture
def trained(folder, expected, monkeypatch):
    """:return: function from the name of a setup to the last checkpoint of its jobs, from RETURNN's initial parameters"""

    def train(name: str) -> Checkpoint:
        monkeypatch.chdir(folder / name)
        monkeypatch.setattr(gs, "BASE_DIR", str(folder / name))  # the parent of work/
        for module in ("phase_training", "import_checkpoint"):  # a process sets the number of threads only once
            monkeypatch.setattr(f"jobs.{module}.limit_threads", lambda _rqmt: None)
        training = load_config(from_initial(folder, name, expected)).training(tk.Path)
        pipeline = lay_out(name, **training.arguments(), indices_per_job=2)
        for job in (pipeline.jobs[0].previous_checkpoint.creator, *pipeline.jobs):
            job._sis_setup_directory()
            monkeypatch.chdir(job._sis_path(gs.JOB_WORK_DIR))
            job.run()
            monkeypatch.chdir(folder / name)
        return Checkpoint.load(pipeline.checkpoint.get_path())

    return train


def compare(found: Checkpoint, reference: dict) -> None:
    assert len(reference["epochs"]) == len(found.history) >= 12
    for record in found.history:
        rate, scores = reference["epochs"][record["epoch"]]
        assert record["learning_rate"] == rate, record["epoch"]
        ours = named_scores(record)
        assert sorted(ours) == sorted(scores)
        for score, value in scores.items():
            assert ours[score] == pytest.approx(value, rel=1e-4, abs=1e-6), (record["epoch"], score)
    assert sorted(found.params) == sorted(reference["parameters"])
    for path, value in reference["parameters"].items():
        np.testing.assert_allclose(found.params[path], value, rtol=1e-3, atol=1e-4, err_msg=path)


def compare_dumps(folder: Path) -> None:
    """The files of `hdf_dump` layers hold what RETURNN's do, with extra streams without the padding that RETURNN's have."""
    for file in folder.glob("align.*.hdf"):
        [ours] = folder.glob(f"work/**/output/hdf/{file.name}")
        with open_dataset(ours) as found, open_dataset(file) as reference:
            assert found.streams.keys() == reference.streams.keys()
            tags = reference.tags(range(reference.num_seqs))
            place = {tag: i for i, tag in enumerate(found.tags(range(found.num_seqs)))}
            if "train" in file.name:
                assert [*place] == tags
            for i, tag in enumerate(tags):
                one, other = found.read(place[tag]), reference.read(i)
                for key, array in one.items():
                    np.testing.assert_allclose(array, other[key][: len(array)], rtol=1e-3, atol=1e-4, err_msg=key)


@pytest.mark.parametrize(
    "name", [name if name == QUICK else pytest.param(name, marks=pytest.mark.slow) for name in NAMES]
)
def test_rates_scores_and_parameters_are_those_of_returnn(name, folder, expected, trained):
    assert "error" not in expected[name], expected[name]["error"]
    compare(trained(name), expected[name])
    compare_dumps(folder / name)


@pytest.mark.slow
@pytest.mark.parametrize("name", [QUICK])
def test_the_command_trains_a_setup_with_the_numbers_of_returnn(name, folder, expected, tmp_path):
    project = make_project(tmp_path / "project", folder, BOULDER_ENGINE="local")
    (project.folder / "config/returnn.py").symlink_to(ROOT / "config/returnn.py")
    file = from_initial(folder, name, expected)
    code, output = project.run("boulder", "run", f"config/returnn.setup('{file}')")
    assert code == 0, output
    compare(Checkpoint.load(project.folder / "output" / file.stem / "checkpoint.h5"), expected[name])
