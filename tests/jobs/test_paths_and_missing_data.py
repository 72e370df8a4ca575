"""Paths that jobs take, and plans of pipelines whose data is not there yet."""

import pytest

from boulder.errors import ConfigError, DataError
from jobs.average_checkpoints import AverageCheckpointsJob
from jobs.forward import ForwardJob
from jobs.missing_data import planning_without_data
from jobs.pipeline import lay_out
from sisyphus import tk
from tests.tiny import CONFIG, EXTERN_DATA, network


def test_a_text_in_place_of_a_path_is_refused_before_a_job_is_made():
    with pytest.raises(
        ConfigError, match=r"^ForwardJob: checkpoint: found the text 'a\.h5', expected tk\.Path\('a\.h5'\)"
    ):
        ForwardJob(checkpoint="a.h5", extern_data={}, data=["x.hdf"])
    with pytest.raises(ConfigError, match=r"^AverageCheckpointsJob: checkpoints\[1\]: found the text 'b'"):
        AverageCheckpointsJob(checkpoints=[tk.Path("a"), "b"])


def laid_out(**data):
    return lay_out(
        "none",
        network=network(layers=1, width=4),
        num_epochs=1,
        config=CONFIG | {"learning_rate": 0.01},
        extern_data=EXTERN_DATA,
        **data,
    )


@pytest.mark.parametrize("which", ["train_data", "dev_data", "eval_data: other"])
def test_a_missing_file_is_told_with_the_data_that_it_is_of(data, which):
    files = {"train_data": data / "train.hdf", "dev_data": data / "dev.hdf", "eval_data: other": data / "dev.hdf"}
    files[which] = "none.hdf"
    given = {key: tk.Path(str(path)) for key, path in files.items()}
    given["eval_data"] = {"other": given.pop("eval_data: other")}
    message = f"pipeline 'none': {which}: .*none.hdf: no such file"
    with pytest.raises(DataError, match=message):
        laid_out(**given)
    with planning_without_data():
        pipeline = laid_out(**given)
    (line,) = pipeline.missing
    assert line.startswith(f"pipeline 'none': {which}: ")
    assert pipeline.rows


def test_a_part_of_a_data_set_is_named_as_well(data):
    parts = {"here": tk.Path(str(data / "train.hdf")), "gone": tk.Path("none.hdf")}
    description = {
        "class": "MetaDataset",
        "datasets": {name: {"class": "HDFDataset", "files": [path]} for name, path in parts.items()},
        "data_map": {"data": ("here", "data"), "classes": ("gone", "classes")},
    }
    with pytest.raises(DataError, match=r"train_data: .*'gone'.*none\.hdf: no such file"):
        laid_out(train_data=description)


def test_a_file_that_is_there_but_wrong_is_an_error_of_a_plan_too(data, tmp_path):
    (tmp_path / "wrong.hdf").write_text("no HDF")
    with planning_without_data(), pytest.raises(DataError, match=r"train_data: .*wrong\.hdf"):
        laid_out(train_data=tk.Path(str(tmp_path / "wrong.hdf")))


def test_the_table_of_such_a_plan_is_printed(project):
    project.write_config(
        (project.folder / "config/tiny.py").read_text().replace("train.hdf", "none.hdf")
        + "\n\ndef py():\n    experiment()\n"
    )
    code, text = project.run("boulder", "plan", "config/tiny.py")
    assert code == 1
    assert "parameters" in text
    assert "`boulder run` would refuse it:\n  pipeline 'tiny': train_data: " in text
