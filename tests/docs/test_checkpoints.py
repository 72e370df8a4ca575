"""docs/checkpoints.md: its commands in their order, its SavedModel, and its tables of options."""

import dataclasses
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.jobs.conftest import data, trained, trained_folder  # noqa: F401 (fixtures)

TEXT = (Path(__file__).parents[2] / "docs/checkpoints.md").read_text()
COMMANDS = [shlex.split(line) for line in re.findall(r"^    (boulder .*)$", TEXT, re.MULTILINE)]


@pytest.mark.slow
def test_every_command_of_the_document_works_and_the_saved_model_runs(trained):  # noqa: F811
    (trained.folder / "config/g2p.py").write_text("from config.tiny import reported\n\n\ndef demo():\n    reported()\n")
    (trained.folder / "output/g2p.demo").mkdir()
    shutil.copyfile(trained.folder / "output/tiny/checkpoint.h5", trained.folder / "output/g2p.demo/checkpoint.h5")
    for command in COMMANDS:
        code, output = trained.run(*[argument.replace(".007", ".006") for argument in command])
        assert code == 0, (command, output)
    [code] = [block for block in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL) if "saved_model.load" in block]
    run = [sys.executable, "-c", code]
    done = subprocess.run(run, cwd=trained.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("(2, 3, 6) ")


def options(heading: str) -> list[str]:
    rows = TEXT[TEXT.index(heading) :].split("| option | |\n|---|---|\n")[1].split("\n\n")[0].splitlines()
    return [re.match(r"\| `(\w+)` \|", row)[1] for row in rows]


def test_the_tables_of_options_are_complete():
    from boulder.training.starting import Source

    assert options("## Start a training") == [*(field.name for field in dataclasses.fields(Source)), "epoch"]
    own = {"import_model_train_epoch1", "preload_from_files", "load", "load_ignore_missing_vars"}
    assert set(options("## RETURNN's options")) == own
    from boulder.returnn.options import HONOURED, verdict

    assert {verdict(option) for option in own} == {HONOURED}


def test_the_jobs_exist():
    for module, name in (
        ("import_checkpoint", "Import"),
        ("export_checkpoint", "Export"),
        ("saved_model", "SavedModel"),
    ):
        text = (Path(__file__).parents[2] / f"jobs/{module}.py").read_text()
        assert f"class {name}" in text
        assert f"{module}.py" in TEXT
