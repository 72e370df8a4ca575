"""docs/returnn_options.md has the table of verdicts. `python -m tests.docs.test_returnn_options` updates it."""

import re
from pathlib import Path

import pytest
from rich.console import Console

from boulder.errors import ConfigError
from boulder.returnn import load_config
from jobs.commands.show_options import counts, rows, show_options
from tests.returnn.test_training import CONFIG

DOCUMENT = Path(__file__).parents[2] / "docs/returnn_options.md"
MARK = "<!-- options -->\n"


def table() -> str:
    from boulder.returnn.options import options_with_verdict

    found = rows(options_with_verdict())
    numbers = ", ".join(f"{count} {kind}" for kind, count in counts().items())
    lines = [f"| `{option}` | {kind} | {why} |" for option, kind, why in found]
    return "\n".join(
        [f"{len(found)} options: {numbers}.", "", "| option | verdict | why |", "|---|---|---|", *lines, ""]
    )


def test_the_table_is_complete():
    assert DOCUMENT.read_text().split(MARK)[1].strip() == table().strip()


def test_its_example_lays_out_a_config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.config").write_text(CONFIG)
    (code,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    variables: dict = {}
    with pytest.raises(Exception, match=r"train\.hdf"):  # which is not there
        exec(code, variables)
    assert variables["training"].plan == load_config("my.config").training().plan


def shown(*names: str) -> str:
    console = Console(width=200, record=True, quiet=False, file=open("/dev/null", "w"))  # noqa: SIM115
    show_options(names, console)
    return console.export_text()


def test_the_command_shows_single_options_or_all_with_their_counts():
    assert [line.split()[:2] for line in shown("window", "log").splitlines()[1:]] == [
        ["log", "without"],
        ["window", "refused"],
    ]
    text = shown()
    assert text.splitlines()[-1] == ", ".join(f"{count} {kind}" for kind, count in counts().items())
    assert len(text.splitlines()) == sum(counts().values()) + 2


def test_an_unknown_option_gets_the_nearest_name():
    with pytest.raises(ConfigError, match="reads an option 'windw'; did you mean 'window'"):
        shown("windw")


if __name__ == "__main__":
    DOCUMENT.write_text(DOCUMENT.read_text().split(MARK)[0] + MARK + "\n" + table())
