"""The checked-in table of parameter paths and shapes matches RETURNN. BOULDER_REWRITE=1 records it again."""

import json
import os
from pathlib import Path

import pytest

pytestmark = pytest.mark.parity
FILE = Path(__file__).parents[1] / "network" / "parameters_of_returnn.json"


def test_the_table_of_parameters_matches(returnn):
    table = json.loads(FILE.read_text(encoding="utf-8"))
    extern_data = {key: {**stream, "shape": tuple(stream["shape"])} for key, stream in table["extern_data"].items()}
    cases = table["cases"].values()
    results = returnn([{"kind": "parameters", "net": entry["network"], "extern_data": extern_data} for entry in cases])
    if os.environ.get("BOULDER_REWRITE"):
        for entry, parameters in zip(cases, results, strict=True):
            entry["parameters"] = dict(sorted(parameters.items()))
        FILE.write_text(as_text(table), encoding="utf-8")
    assert [entry["parameters"] for entry in cases] == results


def as_text(table: dict) -> str:
    """:return: JSON with one line per network and one per parameter list"""
    entries = (
        f'{json.dumps(name)}: {{\n  "network": {json.dumps(entry["network"])},\n'
        f'  "parameters": {json.dumps(entry["parameters"])}\n}}'
        for name, entry in table["cases"].items()
    )
    streams = json.dumps(table["extern_data"])
    return f'{{\n"extern_data": {streams},\n"cases": {{\n' + ",\n".join(entries) + "\n}\n}\n"
