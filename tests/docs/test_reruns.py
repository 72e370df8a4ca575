"""The commands of docs/reruns.md, in their order."""

import re
import shlex
from pathlib import Path

import pytest

from tests.jobs.conftest import data, trained, trained_folder  # noqa: F401 (fixtures)

TEXT = (Path(__file__).parents[2] / "docs/reruns.md").read_text()
COMMANDS = [shlex.split(line) for line in re.findall(r"^    (boulder .*)$", TEXT, re.MULTILINE)]


@pytest.mark.slow
def test_every_command_of_the_document_works(trained):  # noqa: F811
    (trained.folder / "config/g2p.py").write_text("from config.tiny import reported\n\n\ndef demo():\n    reported()\n")
    for command in COMMANDS:
        if command[1] == "hold":  # a finished phase cannot be held
            trained.run("boulder", "rerun", "config/g2p.demo", "--phase", "final")
        code, output = trained.run(*command)
        assert code == 0, (command, output)
    assert list(trained.states("config/g2p.demo")) == ["00", "01", "final", "final.epoch7"]
    assert set(trained.states("config/g2p.demo").values()) == {"finished"}
    assert (trained.folder / "graph.svg").exists()


def test_the_document_shows_every_command():
    shown = {command[1] for command in COMMANDS}
    assert shown == {"status", "logs", "graph", "rerun", "run", "hold", "release", "extend", "clean"}
