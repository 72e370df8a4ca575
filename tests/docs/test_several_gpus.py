"""docs/several_gpus.md says what the code says."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = ("jobs/several_gpus.py", "recipe/boulder/training/cluster.py", "recipe/boulder/training/replicas.py")


def test_the_messages_in_the_table_are_the_codes():
    code = " ".join((ROOT / source).read_text() for source in SOURCES)
    told = re.sub(r'"\s+f?"', "", code)  # strings that are put together
    messages = re.findall(r"^\| `([^`]+)` \|", (ROOT / "docs/several_gpus.md").read_text(), re.MULTILINE)
    assert len(messages) == 5
    for message in messages:
        for part in re.split(r"\d+", message):
            assert part in told, message


def test_the_tests_that_it_names_are_there():
    for name in re.findall(r"`(tests/[^`]+)`", (ROOT / "docs/several_gpus.md").read_text()):
        assert (ROOT / name).exists(), name
