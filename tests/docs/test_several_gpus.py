"""docs/several_gpus.md agrees with the code."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = ("jobs/several_gpus.py", "recipe/boulder/training/cluster.py", "recipe/boulder/training/replicas.py")


def test_the_messages_in_the_table_are_in_the_code():
    code = " ".join((ROOT / source).read_text() for source in SOURCES)
    told = re.sub(r'"\s+f?"', "", code)  # concatenated literals
    messages = re.findall(r"^\| `([^`]+)` \|", (ROOT / "docs/several_gpus.md").read_text(), re.MULTILINE)
    assert len(messages) == 5
    for message in messages:
        for part in re.split(r"\d+", message):
            assert part in told, message


def test_the_tests_it_names_exist():
    for name in re.findall(r"`(tests/[^`]+)`", (ROOT / "docs/several_gpus.md").read_text()):
        assert (ROOT / name).exists(), name
