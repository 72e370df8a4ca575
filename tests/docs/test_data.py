"""docs/data.md: its example runs, and its tables are those of the classes. `python -m tests.docs.test_data` updates them."""

import inspect
import re
from dataclasses import fields
from pathlib import Path

import pytest

from boulder.data import open_dataset
from boulder.data.dataset import Dataset, dataset_classes
from boulder.data.order_options import OrderOptions

DOCUMENT = Path(__file__).parents[2] / "docs/data.md"


def described_options(cls: type) -> dict[str, str]:
    """:return: option → its text, from the docstrings of the class and of those that it derives from"""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        text = inspect.cleandoc(base.__dict__.get("__doc__") or "")
        for name, meaning in re.findall(r"^:param (\w+): (.*(?:\n(?!:).+)*)", text, re.MULTILINE):
            found[name] = " ".join(meaning.split())
    return found


def options_table(cls: type, names: list[str]) -> str:
    known, texts = {f.name: f for f in fields(cls)}, described_options(cls)
    required = cls.required_options() if issubclass(cls, Dataset) else []
    lines = []
    for name in names:
        default = known[name].default
        shown = "" if name in required or default is None else f"`{default!r}`".replace("'", '"')
        lines.append(f"| `{name}` | {shown} | {texts[name].replace('|', '∣')} |")
    return "\n".join(["| option | default | |", "|---|---|---|", *lines])


def order_options() -> str:
    return options_table(OrderOptions, [f.name for f in fields(OrderOptions)])


def classes() -> str:
    sections = []
    of_all = {f.name for f in fields(OrderOptions)}
    for name, cls in sorted(dataset_classes().items()):
        title = inspect.getdoc(inspect.getmodule(cls)).split("\n\n")[0].partition(": ")[2]
        text = inspect.cleandoc(cls.__doc__).split(":param")[0].strip()
        own = [option for option in cls.options() if option not in of_all]
        title = " ".join(title.split())
        sections.append(
            "\n\n".join(filter(None, [f"### `{name}`", title[0].upper() + title[1:], text, options_table(cls, own)]))
        )
    return "\n\n".join(sections)


PARTS = {"orders": order_options, "classes": classes}


def part_of(text: str, name: str) -> str:
    return text.split(f"<!-- {name} -->\n")[1].split("<!-- end -->")[0].strip()


@pytest.mark.parametrize("name", PARTS)
def test_the_tables_are_those_of_the_classes(name):
    assert part_of(DOCUMENT.read_text(), name) == PARTS[name]()


@pytest.mark.parametrize("name", dataset_classes())
def test_each_option_has_a_text(name):
    cls = dataset_classes()[name]
    assert cls.options().keys() - described_options(cls).keys() == set()


def test_the_first_example_writes_a_data_set(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)[0], {})
    with open_dataset("train.hdf", {"data": {"dim": 40}, "classes": {"dim": 42, "sparse": True}}) as dataset:
        dataset.check()
        assert dataset.num_seqs == 100
        assert dataset.lengths["data"].tolist() == list(range(50, 150))


def update() -> None:
    text = DOCUMENT.read_text()
    for name, make in PARTS.items():
        before, _, rest = text.partition(f"<!-- {name} -->\n")
        text = f"{before}<!-- {name} -->\n\n{make()}\n\n<!-- end -->{rest.partition('<!-- end -->')[2]}"
    DOCUMENT.write_text(text)


if __name__ == "__main__":
    update()
