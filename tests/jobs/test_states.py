import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import jobs  # noqa: F401 (finds Sisyphus)
from jobs.workdir import states

ROOT = Path(__file__).resolve().parents[2]
RECORD = json.loads((ROOT / "tests/embedded/upstream_facts.json").read_text(encoding="utf-8"))
UPSTREAM = {name: value for name, value in RECORD["settings"].items() if name.startswith("STATE_")}
OF_PATHS = {UPSTREAM["STATE_INPUT_MISSING"], UPSTREAM["STATE_INPUT_PATH"]}
LISTS = ["FAILED", "TO_DO", "NOT_HELD_BACK", "WORST_FIRST", "BEST_FIRST", "LISTING_ORDER"]


@pytest.fixture(scope="module")
def embedded() -> dict[str, list[str]]:
    """Read in a process of its own, since upstream Sisyphus may be installed here."""
    program = f"import json, sisyphus.states as s; print(json.dumps({{n: list(getattr(s, n)) for n in {LISTS}}}))"
    env = {**os.environ, "PYTHONPATH": str(ROOT / "embedded")}
    done = subprocess.run([sys.executable, "-c", program], env=env, cwd=ROOT, check=True, capture_output=True)
    return json.loads(done.stdout)


def test_all_states_are_upstreams(embedded):
    assert len(UPSTREAM) > 10
    listed = set().union(*embedded.values(), states.FAILED, states.TO_DO, states.ALIVE)
    assert listed == set(UPSTREAM.values())


def test_boulder_and_its_stand_in_agree(embedded):
    assert set(embedded["FAILED"]) - OF_PATHS == states.FAILED
    assert set(embedded["TO_DO"]) == states.TO_DO
    assert set(embedded["TO_DO"]) > states.ALIVE


def test_a_listing_has_each_state_once(embedded):
    assert sorted(embedded["LISTING_ORDER"]) == sorted(UPSTREAM.values())


def test_a_report_shows_failures_alone_as_such():
    """`boulder.report` knows no Sisyphus: it shows a state that it does not know as a failure."""
    from boulder.report.status import STATE_STYLES

    assert set(UPSTREAM.values()) - set(STATE_STYLES) - OF_PATHS == states.FAILED
