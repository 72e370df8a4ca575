"""Hashes, job ids, defaults and saved jobs equal upstream's: those recorded at a commit and, given a checkout, live ones."""

import functools
import json
import os
import pathlib
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

HERE = pathlib.Path(__file__).parent
EMBEDDED = HERE.parents[1] / "embedded"
UPSTREAM = os.environ.get("SISYPHUS_UPSTREAM")
OURS_ALONE = {"WARM_START", "WAIT_PERIOD_INTERRUPT", "WAIT_PERIOD_SCHEDULER_ANSWER", "WAIT_PERIOD_SUBMISSION_IN_DOUBT"}
live = pytest.mark.skipif(not UPSTREAM, reason="SISYPHUS_UPSTREAM names no checkout of upstream Sisyphus: record used")

sys.path.append(str(HERE))
from generated_things import Expressions  # noqa: E402
from record_upstream import FACTS, Answers, facts_of  # noqa: E402


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    return facts_of(EMBEDDED, tmp_path_factory.mktemp("facts"))


@pytest.fixture(scope="module")
def recorded():
    return json.loads(FACTS.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """`answers(sisyphus)(expression)`: hash of an expression's value; one process per Sisyphus."""
    started = []

    @functools.cache
    def of(sisyphus):
        started.append(Answers(sisyphus, tmp_path_factory.mktemp("answers")))
        return started[-1]

    yield of
    for process in started:
        process.close()


@pytest.mark.parametrize("what", ["hashes", "saved_job", "argument_ranges", "names_used"])
def test_facts_equal_the_record(what, ours, recorded):
    assert ours[what] == recorded[what]


def test_upstream_has_each_name_that_boulder_uses(recorded):
    assert {"_sis_path", "sisyphus.manager.Manager"} <= set(recorded["names_used"])
    assert "missing" not in recorded["names_used"].values()


def test_generated_things_and_jobs_of_each_class_have_the_recorded_hashes(recorded, answers):
    told = recorded["generated"]
    assert len(told) > 500
    assert len(set(told.values())) > 0.9 * len(told)
    assert list(told.values()).count("refused") < 0.05 * len(told)
    answer = answers(EMBEDDED)
    assert {text: answer(text) for text in told} == told


def test_each_job_class_has_been_recorded(ours, recorded):
    missing = {name for name in ours["job_classes"] if not any(text.startswith(name) for text in recorded["generated"])}
    assert not missing, "record them: .venv/bin/python tests/embedded/record_upstream.py UPSTREAM"


def test_settings_have_upstreams_names_and_defaults(ours, recorded):
    """Settings that only upstream reads need no default here."""
    own = {name: value for name, value in ours["settings"].items() if name not in OURS_ALONE}
    assert len(own) > 50
    assert own == {name: recorded["settings"].get(name, "upstream has none") for name in own}


@live
def test_the_record_is_what_upstream_does_today(recorded, answers, tmp_path):
    """If this fails, record again with tests/embedded/record_upstream.py."""
    today = facts_of(UPSTREAM, tmp_path)
    assert today == {name: recorded[name] for name in today}
    told = dict(list(recorded["generated"].items())[::3])
    assert {text: answers(UPSTREAM)(text) for text in told} == told


@live
@settings(max_examples=300, deadline=None)
@given(st.randoms(use_true_random=False))
def test_generated_things_hash_as_upstream_hashes_them(answers, random):
    text = Expressions(random).anything()
    assert answers(EMBEDDED)(text) == answers(UPSTREAM)(text), text
