"""The study of docs/growth.md: its config, and the program that prints its table."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


STUDIES = {"growth_study": "## A comparison"}
"""config → heading in the document"""


@pytest.fixture(scope="module", params=STUDIES)
def study(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def plans(study) -> list[dict]:
    command = [Path(sys.executable).parent / "boulder", "plan", f"config/{study}.py", "--json"]
    return json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120).stdout)


def ways_in_the_document(study: str) -> set[str]:
    section = (ROOT / "docs/growth.md").read_text().partition(STUDIES[study])[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ") and " % |" in line]
    return {row.split("|")[1].strip() for row in rows}


def test_the_table_of_the_document_has_each_way_of_the_config(study, plans):
    folders = {plan["name"].split("/")[1] for plan in plans}
    ways = ways_in_the_document(study)
    assert folders == {way.replace(": ", "-").replace(", ", "-").replace(" ", "-") for way in ways}


def test_all_ways_end_in_the_same_network(plans):
    last = [plan["phases"][-1] for plan in plans]
    assert len({json.dumps(phase["network"], sort_keys=True) for phase in last}) == 1


def test_the_program_summarises_the_scores(tmp_path):
    for way, loss in (("full-from-the-start", 0.5), ("deeper-subset", 0.25)):
        for seed in (1, 2):
            folder = tmp_path / way / str(seed)
            folder.mkdir(parents=True)
            records = [
                {
                    "epoch": epoch,
                    "dev": {"cost:output": loss * seed, "error:output": 0.1 * seed},
                    "processor_seconds": loss,
                }
                for epoch in range(1, 9)
            ]
            (folder / "scores.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    command = [sys.executable, "-m", "bench.growth_study", str(tmp_path)]
    table = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    assert table[2] == (
        "| deeper-subset | 0.375 (0.250–0.500) | 0.375 (0.250–0.500) | 15.0 (10.0–20.0) % | 0.50 (0.50–0.50) |"
    )
    assert len(table) == 4
