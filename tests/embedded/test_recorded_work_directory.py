"""A recorded experiment that upstream left half done resumes under the embedded Sisyphus. Does not need upstream."""

import ast
import gzip
import os
import pickletools
import sys
import tarfile

import pytest

sys.path.append(os.path.dirname(__file__))
from record_upstream import WORK


@pytest.fixture
def left_by_upstream(experiment):
    with tarfile.open(WORK) as tar:
        tar.extractall(experiment.directory, filter="fully_trusted")  # its links are absolute
    return experiment


def test_jobs_of_upstream_resume_and_finished_ones_do_not_run_again(left_by_upstream):
    experiment = left_by_upstream
    assert experiment.notes("ran") == ["1", "2", "100"]
    done = experiment.manager("-r", "setups/config.py")
    assert done.returncode == 0, done.output
    assert experiment.notes("ran") == ["1", "2", "100", "100", "3"]
    begun = [int(count) for count in experiment.notes("from")]
    assert begun[0] == 0
    assert 0 < begun[1] < 100
    assert [experiment.value(name) for name in ("packed", "finished", "last")] == ["1", "3", "106"]
    for name in ("packed", "finished", "interrupted"):  # the experiment was recorded in another folder
        assert (experiment.directory / "alias" / name).resolve().is_relative_to(experiment.directory / "work")

    log = (experiment.job("Sleeper") / "submit_log.run").read_text().splitlines()
    upstreams, ours = (ast.literal_eval(line) for line in log)
    assert upstreams[0] == ours[0] == [1]
    assert upstreams[1].keys() == ours[1].keys()
    assert upstreams[1]["engine_name"] == ours[1]["engine_name"]


def test_files_of_both_have_the_same_names_and_contents(left_by_upstream):
    experiment = left_by_upstream
    upstreams = (experiment.directory / "alias/finished").readlink().name
    upstreams = next(experiment.directory.glob(f"work/**/{upstreams}"))
    files = set(os.listdir(upstreams))
    usage = ast.literal_eval((upstreams / "usage.run.1").read_text())
    info = (upstreams / "info").read_text()
    (submitted,) = (upstreams / "submit_log.run").read_text().splitlines()
    saved = names_in(upstreams / "job.save")

    upstreams.rename(experiment.directory / "upstreams")
    (experiment.directory / "setups/config.py").write_text(
        (experiment.directory / "setups/config.py").read_text().replace("interrupted = ", "return\n    interrupted = ")
    )
    assert experiment.manager("-r", "setups/config.py").returncode == 0
    assert set(os.listdir(upstreams)) == files
    ours = experiment.usage(upstreams)
    assert {name: type(value) for name, value in ours.items()} == {name: type(value) for name, value in usage.items()}
    assert ours["max"].keys() == usage["max"].keys()
    assert ours["requested_resources"] == usage["requested_resources"]
    assert (upstreams / "info").read_text().replace(str(experiment.directory), "/tmp/recorded_experiment") == info
    (ours,) = (upstreams / "submit_log.run").read_text().splitlines()
    ids, entry = ast.literal_eval(ours)
    assert (ids, {**entry, "engine_info": "recorded"}) == ast.literal_eval(submitted)
    assert names_in(upstreams / "job.save") == saved


def names_in(path):
    """Classes and attributes named in a job.save."""
    with gzip.open(path) as file:
        found = {str(arg) for op, arg, _ in pickletools.genops(file.read()) if op.name.endswith("UNICODE")}
    return {name for name in found if name.startswith(("sisyphus", "_sis"))}


@pytest.mark.parametrize("alias", ["packed", "finished", "interrupted"])
def test_console_loads_jobs_that_upstream_saved(left_by_upstream, alias):
    link = left_by_upstream.directory / "alias" / alias
    job = next(left_by_upstream.directory.glob(f"work/**/{link.readlink().name}"))
    show = "print(jobs[0].n, sorted(jobs[0].get_aliases()), jobs[0].rqmt, jobs[0]._sis_id())"
    done = left_by_upstream.run("console", "--load", str(job), "--script", "-c", show)
    number = {"packed": 1, "finished": 2, "interrupted": 100}[alias]
    told = f"{number} ['{alias}'] {{'cpu': 1, 'mem': 0.1, 'time': 1}} {job.relative_to(left_by_upstream.directory / 'work')}"
    assert done.output.splitlines()[-1] == told
