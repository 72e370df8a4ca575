"""docs/commands.md lists the commands and the options that are arguments of a config."""

import re
from pathlib import Path
from typing import Annotated

import typer

from jobs.cli import app
from jobs.commands.config_options import takes_config_options

TEXT = (Path(__file__).parents[2] / "docs/commands.md").read_text()
COMMANDS = typer.main.get_command(app).commands


def test_every_command_is_in_the_table_and_only_these():
    assert set(re.findall(r"^\| `boulder ([a-z]+)", TEXT, re.MULTILINE)) == set(COMMANDS)


def test_the_options_that_the_table_names_exist():
    for line in TEXT.splitlines():
        if found := re.match(r"\| `boulder ([a-z]+)", line):
            known = {name for parameter in COMMANDS[found[1]].params for name in parameter.opts}
            assert set(re.findall(r"(--?[a-z]+)\b", line.replace("…", ""))) <= known, line


def test_arguments_of_configs_are_options_of_all_commands_that_read_one():
    rows = re.findall(r"^\| (`--.*?`) \|", TEXT, re.MULTILINE)
    documented = {option for row in rows for option in re.findall(r"--[a-z]+", row)}
    assert documented == {"--train", "--dev", "--cpu", "--mem", "--time", "--gpus", "--nodes"}
    for name in ("run", "plan", "try", "search", "status", "logs", "rerun", "hold", "release", "extend", "graph"):
        options = {option for parameter in COMMANDS[name].params for option in parameter.opts}
        assert documented <= options, name


def test_options_reach_the_command_as_arguments_of_the_name():
    calls = []
    own = typer.Typer()

    @own.command()
    @takes_config_options
    def command(config: Annotated[list[str] | None, typer.Argument()] = None, phase: int = 3) -> None:
        calls.append((config, phase))

    for arguments in (["a.config", "config/b.f(1)", "--cpu", "2", "--dev", "none", "--phase", "4"], ["a.config"], []):
        typer.main.get_command(own).main(arguments, standalone_mode=False)
    assert calls[0] == (["a.config(dev=[], cpu=2)", "config/b.f(1, dev=[], cpu=2)"], 4)
    assert calls[1] == (["a.config"], 3)
    assert not calls[2][0]
