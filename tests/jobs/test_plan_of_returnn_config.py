"""`boulder plan` on a RETURNN config file tells all that keeps it from being trained, and names that nothing reads."""

import json

import pytest
from rich.console import Console

from jobs.commands.show_plan import show_plan
from tests.tiny import EXTERN_DATA, write_data

CONFIG = f"""#!rnn.py
task = "train"
train = {{"class": "HDFDataset", "files": ["train.hdf"]}}
dev = {{"class": "HDFDataset", "files": ["dev.hdf"]}}
extern_data = {EXTERN_DATA!r}
network = {{"output": {{"class": "softmax", "loss": "ctc", "from": "data", "target": "classes"}}}}
num_epochs = 2
batch_size = 60
learning_rate = 0.01


def algo(idx, net_dict):
    return net_dict | {{"#config": {{"batch_size": 30, "dev": OTHER}}}} if idx == 0 else None


OTHER = {{"class": "HDFDataset", "files": ["dev.hdf"]}}
pretrain = {{"construction_algo": algo}}
"""


@pytest.fixture
def plan(tmp_path, monkeypatch):
    """:return: function (changes of the config's text, options) → exit code, lines below the table"""
    write_data(tmp_path)
    monkeypatch.chdir(tmp_path)

    def run(changes: dict[str, str], name: str = "my.config", **options) -> tuple[int, list[str]]:
        text = CONFIG
        for old, new in changes.items():
            assert old in text
            text = text.replace(old, new, 1)
        (tmp_path / "my.config").write_text(text)
        console = Console(width=160, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
        code = show_plan(name, console, **options)
        lines = [line.replace(f"{tmp_path}/", "").rstrip() for line in console.export_text().splitlines()]
        return code, lines

    return run


def below(lines: list[str]) -> list[str]:
    """:return: what is told below the table"""
    return lines[max(i for i, line in enumerate(lines) if line.startswith(" original")) + 1 :][1:]


def test_a_config_that_can_be_trained(plan):
    code, lines = plan({})
    assert (code, below(lines)) == (0, [])


def test_all_is_told_at_once(plan):
    code, lines = plan(
        {
            '"train.hdf"': '"trian.hdf"',
            '"softmax"': '"sofmax"',
            "batch_size = 60": "batch_size = 60\ngradient_noise = 'x'",
            'OTHER = {"class": "HDFDataset", "files": ["dev.hdf"]': 'OTHER = {"class": "HDFDataset", "files": ["away/no.hdf"]',
        }
    )
    assert code == 1
    first, *problems = below(lines)
    assert first == "`boulder run` would refuse it:"
    assert [problem.strip() for problem in problems] == [
        "'train': trian.hdf: no such file, expected an HDF file; did you mean 'train.hdf'?",
        "config: 'gradient_noise' must be a number, 0 or more, found 'x'",
        "phase 0 (index 0): layer 'output': unknown layer class 'sofmax'; did you mean 'softmax'?",
        "phase 0 (index 0): 'dev': away/no.hdf: no such file, expected an HDF file",
    ]


def test_a_dimension_that_the_data_does_not_have(plan):
    code, lines = plan({"'dim': 5": "'dim': 7", ', "dev": OTHER': ""})
    told = [line.strip() for line in below(lines)[1:]]
    assert code == 1
    assert [line.partition(": ")[0] for line in told] == ["'train'", "'dev'"]
    assert all(
        "'classes' holds sparse labels [T] of dimension 5, expected sparse labels [T] of dimension 7" in line
        for line in told
    )


def test_json_has_them_too(plan, capsys):
    code, _ = plan({'"train.hdf"': '"trian.hdf"'}, as_json=True)
    (planned,) = json.loads(capsys.readouterr().out)
    assert (code, len(planned["problems"]), len(planned["phases"])) == (1, 1, 2)


def test_other_data_takes_the_place_of_the_configs(plan):
    missing = {'"train.hdf"': '"of/someone/else.hdf"'}
    assert plan(missing)[0] == 1
    code, lines = plan(missing, "my.config(train='train.hdf', dev=[])")
    assert (code, below(lines)) == (0, [])
    code, lines = plan(missing, "my.config(train='dve.hdf')")
    assert code == 1
    assert below(lines)[1].endswith("dve.hdf: no such file, expected an HDF file; did you mean 'dev.hdf'?")


@pytest.mark.parametrize("own", ["batchsize", "BatchSize", "batch_sise"])
def test_a_name_that_nothing_reads(plan, own):
    line = f"'{own}': neither RETURNN nor Boulder reads it; "
    code, lines = plan({"batch_size = 60": f"{own} = 400"})
    assert (code, below(lines)) == (0, [f"{line}did you mean 'batch_size'?"])
    code, lines = plan({"batch_size = 60": f"batch_size = 60; {own} = 400"})
    assert (code, below(lines)) == (0, [f"{line}'batch_size' is set, too"])


def test_a_name_that_a_function_reads_is_none(plan):
    assert (
        below(plan({"batch_size = 60": "batch_sise = batch_size = 60", "if idx == 0": "if batch_sise and idx == 0"})[1])
        == []
    )
