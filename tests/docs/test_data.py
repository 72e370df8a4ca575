"""docs/data.md: its example runs, and its tables are those of the classes. `python -m tests.docs.test_data` updates them."""

import inspect
import os
import re
import shlex
import subprocess
import sys
from dataclasses import MISSING, fields
from pathlib import Path

import numpy as np
import pytest

from boulder.data import open_dataset
from boulder.data.audio.audio_features import AudioFeatures
from boulder.data.audio.random_permute import RandomPermute
from boulder.data.dataset import Dataset, dataset_classes
from boulder.data.order.order_options import OrderOptions
from boulder.data.vocabulary.vocabulary import NOT_SET, Vocabulary, vocabulary_classes
from tests.audio_zip import samples, wav, write_zip

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
        default, factory = known[name].default, known[name].default_factory
        default = factory() if factory is not MISSING else default
        shown = "" if name in required or default in (None, NOT_SET, MISSING) else f"`{default!r}`".replace("'", '"')
        lines.append(f"| `{name}` | {shown} | {texts[name].replace('|', '∣')} |")
    return "\n".join(["| option | default | |", "|---|---|---|", *lines])


def order_options() -> str:
    return options_table(OrderOptions, [f.name for f in fields(OrderOptions)])


def shares_module(cls: type) -> bool:
    return sum(other.__module__ == cls.__module__ for other in dataset_classes().values()) > 1


def title_of(cls: type) -> str:
    """:return: what the docstring of its module says; or that of the class, if the module has several classes"""
    if shares_module(cls):
        return re.split(r"(?<! al)[.:](?:\s|$)", " ".join(inspect.cleandoc(cls.__doc__).split()))[0] + "."
    title = " ".join(inspect.getdoc(inspect.getmodule(cls)).split("\n\n")[0].partition(": ")[2].split())
    return title[0].upper() + title[1:]


def classes() -> str:
    sections = []
    of_all = {f.name for f in fields(OrderOptions)}
    for name, cls in sorted(dataset_classes().items()):
        text = inspect.cleandoc(cls.__doc__).split(":param")[0].strip()
        own = [option for option in cls.options() if option not in of_all]
        title = "" if shares_module(cls) else title_of(cls)
        sections.append("\n\n".join(filter(None, [f"### `{name}`", title, text, options_table(cls, own)])))
    return "\n\n".join(sections)


def audio_options() -> str:
    return options_table(AudioFeatures, [f.name for f in fields(AudioFeatures)])


def random_permute_options() -> str:
    return options_table(RandomPermute, [f.name for f in fields(RandomPermute)])


def vocabularies() -> str:
    inherited = Vocabulary.options()
    sections = []
    for name, cls in vocabulary_classes().items():
        title = " ".join(inspect.getdoc(inspect.getmodule(cls)).split("\n\n")[0].partition(": ")[2].split())
        text = inspect.cleandoc(cls.__dict__["__doc__"]).split(":param")[0].strip()
        text = "" if text.startswith(f"{name}(") else text  # of a dataclass without a docstring
        own = [option for option in cls.options() if cls is Vocabulary or option not in inherited]
        table = options_table(cls, own) if own else ""
        sections.append("\n\n".join(filter(None, [f"### `{name}`", title[0].upper() + title[1:], text, table])))
    return "\n\n".join(sections)


def overview() -> str:
    rows = [f"| [`{name}`](#{name.lower()}) | {title_of(cls)} |" for name, cls in sorted(dataset_classes().items())]
    return "\n".join(["| class | |", "|---|---|", *rows])


PARTS = {
    "overview": overview,
    "orders": order_options,
    "classes": classes,
    "audio": audio_options,
    "random_permute": random_permute_options,
    "vocabularies": vocabularies,
}


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


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory):
    """:return: the folder of someone who has followed the document to its first commands, and a function that runs one"""
    folder = tmp_path_factory.mktemp("newcomer")
    script, config = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)[:2]
    for name in ("train", "dev"):
        (folder / "write.py").write_text(script.replace("train.hdf", f"{name}.hdf"))
        subprocess.run([sys.executable, "write.py"], cwd=folder, check=True)
    (folder / "my.config").write_text(config)
    (folder / "text.txt").write_text("hello world\n")
    (folder / "settings.py").symlink_to(DOCUMENT.parents[1] / "settings.py")

    def run(command: str, **environment: str) -> tuple[int, str]:
        program, *arguments = shlex.split(command)
        done = subprocess.run(
            [Path(sys.executable).parent / program, *arguments], cwd=folder, capture_output=True, text=True,
            stdin=subprocess.DEVNULL, env=os.environ | {"COLUMNS": "60"} | environment, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    return folder, run


COMMANDS = re.findall(r"^    (boulder .*?)(?:  +#.*)?$", DOCUMENT.read_text(), re.MULTILINE)
NEED_OTHER_DATA = ("train.zip", "config/mine.py", "my.hdf", "returnn.dump")


@pytest.mark.parametrize(
    "command",
    [command for command in COMMANDS if not any(name in command for name in NEED_OTHER_DATA) and "data" in command],
)
def test_its_commands_that_look_at_data_do_so(newcomer, command):
    code, output = newcomer[1](command)
    assert code == 0, output
    if "json" not in command:
        assert re.match(r"(100 sequences|1 line)\n", output)
        assert max(map(len, output.splitlines())) <= 60
    assert ("has all that my.config reads" in output) == ("my.config" in command)


def test_it_tells_what_data_lacks(newcomer):
    folder, run = newcomer
    text = (folder / "my.config").read_text()
    (folder / "other.config").write_text(text.replace('{"dim": 42', '{"dim": 41'))
    code, output = run("boulder data train.hdf --for other.config")
    assert code == 1
    assert f"    {output.splitlines()[-1]}\n" in DOCUMENT.read_text()


@pytest.mark.long
def test_its_config_trains_and_its_data_is_copied(newcomer):
    folder, run = newcomer
    code, output = run("boulder run my.config", BOULDER_ENGINE="local")
    assert code == 0, output
    assert (folder / "output/my/checkpoint.h5").exists()
    (dump,) = [command for command in COMMANDS if "returnn.dump" in command]
    code, output = run(dump, BOULDER_ENGINE="local")
    assert code == 0, output


def test_the_example_of_audio_reads_recordings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    texts = ["hello", "four"]
    entries = [{"text": text, "duration": 1.0, "file": f"{text}.wav"} for text in texts]
    write_zip(tmp_path / "train.zip", entries, {f"{text}.wav": wav(samples("two")) for text in texts})
    for name in ("mean", "std_dev"):
        np.savetxt(f"{name}.txt", np.ones(80))
    Path("characters.txt").write_text("\n".join(" 'abcdefghijklmnopqrstuvwxyz"))
    names: dict = {}
    of_audio = DOCUMENT.read_text().partition("## Audio\n")[2]
    exec(re.findall(r"```python\n(.*?)```", of_audio, re.DOTALL)[0], names)
    with open_dataset(names["train_data"], names["extern_data"]) as dataset:
        dataset.check()
        assert dataset.read(1)["classes"].tolist() == [7, 16, 22, 19]


def update() -> None:
    text = DOCUMENT.read_text()
    for name, make in PARTS.items():
        before, _, rest = text.partition(f"<!-- {name} -->\n")
        text = f"{before}<!-- {name} -->\n\n{make()}\n\n<!-- end -->{rest.partition('<!-- end -->')[2]}"
    DOCUMENT.write_text(text)


if __name__ == "__main__":
    update()
