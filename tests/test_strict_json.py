"""What the program writes as JSON is JSON: every parser reads it."""

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

from boulder import strict_json

ROOT = Path(__file__).parents[1]
KEYS = {
    "recipe/boulder/strict_json.py",
    "recipe/boulder/schedule/canonical.py",  # refuses them
    "recipe/boulder/schedule/functions.py",  # digests, of canonical values
    "recipe/boulder/schedule/plain.py",
    "recipe/boulder/data/of_returnn/returnn_dataset.py",
    "recipe/boulder/training/optimizer/optimizer.py",
    "recipe/boulder/report/formatting.py",  # text for people
}


def test_numbers_that_are_not_finite_become_null():
    value = {
        "a": [math.nan, (math.inf, 1.5)],
        "b": {"c": -math.inf, "d": np.float64("nan")},
        "e": [True, None, "NaN", 3],
    }
    expected = {"a": [None, [None, 1.5]], "b": {"c": None, "d": None}, "e": [True, None, "NaN", 3]}
    assert json.loads(strict_json.dumps(value, indent=1), parse_constant=pytest.fail) == expected


def test_no_other_file_writes_json_of_its_own():
    files = [path for folder in ("recipe", "jobs") for path in (ROOT / folder).rglob("*.py")]
    found = {
        str(path.relative_to(ROOT)) for path in files if re.search(r"(?<!strict_)json\.dumps?\(", path.read_text())
    }
    assert found == KEYS
