"""Data that is gone, or has changed, after it was trained on."""

import json
import os
import shutil

import pytest

from jobs.workdir.changed_data import changed_data
from sisyphus import gs, tk


class Reader:
    """A job with a directory, as far as `changed_data` asks."""

    _sis_alias_prefixes = ("",)

    def __init__(self, folder, *inputs):
        self.folder, self._sis_inputs = folder, inputs

    def get_aliases(self):
        return {f"a/{self.folder.name}"}

    def job_id(self):
        return self.folder.name

    def _sis_path(self, name=None):
        return str(self.folder / name) if name else str(self.folder)


@pytest.fixture
def reader(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "job").mkdir()
    (tmp_path / "train.hdf").touch()
    return Reader(tmp_path / "job", tk.Path(str(tmp_path / "train.hdf")))


def written(path, seconds):
    path.touch()
    os.utime(path, (seconds, seconds))


@pytest.mark.parametrize("last", [gs.JOB_FINISHED_MARKER, gs.JOB_FINISHED_ARCHIVE, f"{gs.JOB_LOG}.run.1"])
def test_a_file_that_is_newer_than_what_was_made_of_it_is_named(reader, tmp_path, last):
    written(tmp_path / "train.hdf", 1000)
    assert changed_data([reader]) == []  # the job has not begun
    written(tmp_path / "job" / last, 1001)
    assert changed_data([reader]) == []
    written(tmp_path / "train.hdf", 1002)
    assert changed_data([reader]) == [
        "train.hdf has changed since a/job read it; what exists is kept, `boulder rerun` makes it anew"
    ]
    assert "read it, and 1 other job; " in changed_data([reader, reader])[0]


def test_what_a_job_has_made_is_no_data(reader, tmp_path):
    (path,) = reader._sis_inputs
    path.creator = Reader(tmp_path / "maker")
    written(tmp_path / "job" / gs.JOB_FINISHED_MARKER, 1)
    assert changed_data([reader]) == []


def test_run_and_status_tell_it(trained):
    for job in trained.jobs().values():
        written(job / "finished", 1000)
    for command in ("run", "status"):
        code, told = trained.run("boulder", command, "config/tiny.reported")
        assert code == 0
        assert "train.hdf has changed since tiny/phase.00 read it, and 2 other jobs" in told
    (pipeline,) = trained.status()["pipelines"]
    assert len(pipeline["changed_data"]) == 2


def test_what_was_trained_can_be_looked_at_although_the_data_is_gone(project, data):
    for name in ("train.hdf", "dev.hdf"):
        shutil.copy(data / name, project.folder)
    project.write_config((project.folder / "config/tiny.py").read_text().replace(f"{data}/", ""))
    (project.folder / "train.hdf").unlink()
    code, told = project.run("boulder", "status", "config/tiny.experiment")
    assert (code, "train.hdf: no such file" in told) == (0, True), told
    assert any(line.split()[:1] == ["00"] for line in told.splitlines())
    assert "its state is" in project.run("boulder", "logs", "config/tiny.experiment", "--phase", "0")[1]
    code, told = project.run("boulder", "rerun", "config/tiny.experiment", "--phase", "0")
    assert (code, "train.hdf: no such file" in told) == (1, True)
    _, told = project.run("boulder", "status", "config/tiny.experiment", "--json")
    assert "no such file" in json.loads(told)["pipelines"][0]["missing_data"][0]
