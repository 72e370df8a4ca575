"""`boulder status` without a config: what the aliases of a work directory tell."""

import json
import os

import pytest

import jobs  # noqa: F401 (finds Sisyphus)
from jobs.commands.show_pipelines import known_pipelines


@pytest.fixture
def begun(tmp_path, monkeypatch):
    """A pipeline of three jobs, whose first has finished, and whose last has no directory yet; and one that has not begun."""
    monkeypatch.chdir(tmp_path)
    for number in (1, 2):
        os.makedirs(f"work/job.{number}/output")
    open("work/job.1/finished", "w").close()
    with open("work/job.1/output/scores.jsonl", "w") as file:
        file.write(json.dumps({"epoch": 2, "index": 0, "train": {}, "dev": {}, "learning_rate": 0.1}) + "\n")
    for name, jobs_of_it in (("my/tiny", (1, 2, 3)), ("new", (4,))):
        os.makedirs(f"alias/{name}")
        for number in jobs_of_it:
            os.symlink(tmp_path / f"work/job.{number}", f"alias/{name}/phase.{number:02}")
        os.symlink(tmp_path / "work/other", f"alias/{name}/report")


def test_jobs_that_have_not_begun_count(begun):
    found = {pipeline.name: (pipeline.finished, pipeline.jobs, pipeline.epoch) for pipeline in known_pipelines()}
    assert found == {"my/tiny": (1, 3, 2), "new": (0, 1, 0)}


def test_a_failed_job_is_named(begun):
    open("work/job.2/error.run.1", "w").close()
    assert [pipeline.failed for pipeline in known_pipelines() if pipeline.failed] == [["phase.02"]]
