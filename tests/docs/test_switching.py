"""docs/switching.md agrees with `train_returnn` and with the set-up that a test runs."""

import inspect
import re
from pathlib import Path

import pytest

from jobs.train_returnn import TrainedReturnn, train_returnn
from tests.docs.test_readme_and_docs import table

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/switching.md").read_text()


def names(heading: str) -> list[str]:
    return [row[0].strip("`") for row in table(TEXT, heading)]


def test_the_changed_lines_are_those_of_the_set_up_that_is_tested():
    lines = re.search(r"```diff\n(.*?)```", TEXT, re.DOTALL)[1].splitlines()
    assert sum(line.startswith("-") for line in lines) == sum(line.startswith("+") for line in lines) == 2
    set_up = (ROOT / "tests/jobs/set_up/config/main.py").read_text().splitlines()
    assert [line[1:] for line in lines if line[:1] in ("+", " ") and line[1:] not in set_up] == []


def test_the_table_of_arguments_is_complete():
    parameters = inspect.signature(train_returnn).parameters.values()
    assert names("| argument | default |") == [p.name for p in parameters if p.kind == p.KEYWORD_ONLY]


@pytest.mark.parametrize("argument", ["time_rqmt", "mem_rqmt", "cpu_rqmt", "indices_per_job", "device"])
def test_defaults_are_right(argument):
    default = {row[0].strip("`"): row[1] for row in table(TEXT, "| argument | default |")}[argument]
    assert default.strip('`"') == str(inspect.signature(train_returnn).parameters[argument].default)


def test_the_table_of_outputs_is_complete():
    public = {name for name in dir(TrainedReturnn) if name.startswith("out_")} | {"pipeline"}
    assert set(names("| output | |")) == public
