"""After a config was edited, `status` and `logs` tell where what was trained before is."""

import os

import pytest

from jobs.workdir.earlier_version import earlier_version
from sisyphus import gs


class AliasedJob:
    """
    :param folder: relative to the work directory
    """

    _sis_alias_prefixes = ("",)

    def __init__(self, folder: str, alias: str) -> None:
        self.folder, self.alias = folder, alias

    def get_aliases(self):
        return {self.alias}

    def job_id(self):
        return self.folder

    def _sis_path(self, *_, **__):
        return f"{gs.WORK_DIR}/{self.folder}"


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, value in (("WORK_DIR", "work"), ("ALIAS_DIR", "alias"), ("BASE_DIR", str(tmp_path))):
        monkeypatch.setattr(gs, name, value)
    (tmp_path / "work/old").mkdir(parents=True)
    (tmp_path / "alias/a").mkdir(parents=True)
    return tmp_path


def test_the_alias_leads_to_what_was_trained_before(here):
    os.symlink(here / "work/old", here / "alias/a/phase.00")
    assert earlier_version(AliasedJob("new", "a/phase.00")) == "work/old"
    assert earlier_version(AliasedJob("old", "a/phase.00")) is None


def test_a_job_that_was_set_aside_had_no_earlier_version(here):
    os.symlink(here / "work/new", here / "alias/a/phase.00")  # dangling, after `boulder rerun`
    assert earlier_version(AliasedJob("new", "a/phase.00")) is None
    assert earlier_version(AliasedJob("new", "a/phase.01")) is None


def test_status_and_logs_tell_it(project):
    (project.folder / "alias/tiny").mkdir(parents=True)
    (project.folder / "work/jobs/phase_training/Before.1").mkdir(parents=True)
    os.symlink(project.folder / "work/jobs/phase_training/Before.1", project.folder / "alias/tiny/phase.00")
    _, told = project.run("boulder", "status", "config/tiny.experiment")
    assert (
        "00: not trained since the config was edited; what was trained before is in work/jobs/phase_training/Before.1"
        in told
    )
    code, told = project.run("boulder", "logs", "config/tiny.experiment", "--phase", "0")
    assert code == 1
    assert "before the config was edited, it was trained in work/jobs/phase_training/Before.1" in told
