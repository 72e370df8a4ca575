"""docs/search.md: its options are those that are read, its code runs, its commands exist."""

import re
from pathlib import Path

import jobs  # noqa: F401 (finds Sisyphus)
from boulder.returnn.options import verdict
from boulder.returnn.verdicts import HONOURED
from boulder.search.words import UNITS

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs/search.md").read_text()


def rows(heading: str) -> list[str]:
    """:return: first cells of a table, without backticks"""
    lines = DOCUMENT[DOCUMENT.index(heading) :].split("\n\n")[0].splitlines()[2:]
    return [re.sub("`", "", line.split("|")[1]).strip() for line in lines]


def test_each_option_is_honoured():
    options = rows("| option |")
    assert options
    assert all(verdict(option) == HONOURED for option in options), options


def test_units_are_all_listed():
    assert tuple(rows("| units |")) == UNITS


def test_the_code_fits_the_functions_that_it_calls(tmp_path, monkeypatch):
    import inspect

    import config.returnn
    from jobs.ctc_alignment import CtcAlignmentJob

    called = {}
    for name in ("search", "forward"):
        signature = inspect.signature(getattr(config.returnn, name))

        def check(*arguments, _name=name, _signature=signature, **options):
            called[_name] = _signature.bind(*arguments, **options)
            return CtcAlignmentJob

        monkeypatch.setattr(config.returnn, name, check)
    monkeypatch.setattr(CtcAlignmentJob, "out_hdf", "alignment", raising=False)
    experiment, aligned = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
    names: dict = {}
    exec(experiment, names)
    names["experiment"]()
    assert called.keys() == {"search", "forward"}
    exec(aligned, names)
    monkeypatch.undo()

    class Training:
        checkpoint, functions = None, {}

    data = tmp_path / "data.hdf"
    assert names["aligned"](Training, {"data": 3, "classes": 4}, [str(data)]).path.endswith("alignment.hdf")


def test_each_command_names_a_function_of_the_config():
    import config.returnn

    functions = re.findall(r'boulder run "config/returnn\.(\w+)\(', DOCUMENT)
    assert functions == ["forward", "prior"]
    assert re.findall(r'boulder search .*"config/returnn\.(\w+)\(', DOCUMENT) == ["search"]
    functions.append("search")
    assert all(callable(getattr(config.returnn, function)) for function in functions)
