"""Hashes, job ids, defaults and saved jobs are upstream's: recorded at a commit, and live where a checkout is given."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).parent
RECORD = HERE / "upstream_facts.json"
EMBEDDED = HERE.parents[1] / "embedded"
UPSTREAM = os.environ.get("SISYPHUS_UPSTREAM")
OURS_ALONE = {"WAIT_PERIOD_INTERRUPT", "WAIT_PERIOD_SCHEDULER_ANSWER", "WAIT_PERIOD_SUBMISSION_IN_DOUBT"}


def facts_of(sisyphus, directory):
    env = {**os.environ, "PYTHONPATH": f"{sisyphus}{os.pathsep}{HERE}", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, str(HERE / "facts.py")]
    return json.loads(subprocess.run(command, cwd=directory, env=env, check=True, capture_output=True).stdout)


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    return facts_of(EMBEDDED, tmp_path_factory.mktemp("facts"))


@pytest.fixture(scope="module")
def recorded():
    return json.loads(RECORD.read_text(encoding="utf-8"))


@pytest.mark.parametrize("what", ["hashes", "ids", "saved_job", "argument_ranges"])
def test_facts_equal_the_record(what, ours, recorded):
    assert ours[what] == recorded[what]


def test_settings_have_upstreams_names_and_defaults(ours, recorded):
    """Not all of them: what only upstream reads may be set without having a default here."""
    own = {name: value for name, value in ours["settings"].items() if name not in OURS_ALONE}
    assert len(own) > 50
    assert own == {name: recorded["settings"].get(name, "upstream has none") for name in own}


@pytest.mark.skipif(not UPSTREAM, reason="SISYPHUS_UPSTREAM names no checkout of upstream Sisyphus: record used")
def test_the_record_is_what_upstream_does_today(recorded, tmp_path):
    live = facts_of(UPSTREAM, tmp_path)
    if os.environ.get("SISYPHUS_REFRESH"):
        commit = subprocess.check_output(["git", "-C", UPSTREAM, "rev-parse", "HEAD"], text=True).strip()
        text = json.dumps({"upstream_commit": commit, **live}, indent=1, sort_keys=True, ensure_ascii=False)
        RECORD.write_text(text + "\n", encoding="utf-8")
        recorded = json.loads(text)
    assert {**live, "upstream_commit": recorded["upstream_commit"]} == recorded
