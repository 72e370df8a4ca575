"""All commands read the name of a config in one way."""

import os
from pathlib import Path

import pytest

from boulder.errors import BoulderError, ConfigError
from jobs.commands.config_arguments import with_keywords
from jobs.commands.config_kind import is_returnn_config
from jobs.commands.config_name import check_config_name, check_folder, find_config
from jobs.commands.config_options import config_arguments

EXPERIMENT = "from sisyphus import tk\n\ndef py():\n    pass\n"
SEVERAL = (
    "network = {}\n\ndef py(): pass\n\ndef demo(width=3): pass\n\ndef grow(idx, net_dict): pass\n\ndef _own(): pass\n"
)
RETURNN = "network = {'output': {'class': 'softmax', 'from': 'data'}}\ntrain = None\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """:return: a folder of a user; its modules have names of their own, since a process imports a module once"""
    package = f"of_{abs(hash(tmp_path))}"
    for file, text in {
        f"{package}/x.py": EXPERIMENT,
        f"{package}/sub/y.py": EXPERIMENT,
        f"{package}/several.py": SEVERAL,
        f"{package}/old-one.py": EXPERIMENT,
        f"{package}/both.py": "def config(): pass\n",
        f"{package}/both.config": RETURNN,
        "config/x.py": EXPERIMENT,
        "config/old.config": RETURNN,
        "setups/my.config": RETURNN,
        "setups/my.py": RETURNN,
        "settings.py": "",
    }.items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return package


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("PKG/x.py", "PKG/x.py"),
        ("PKG/x", "PKG/x.py"),
        ("PKG.x", "PKG/x.py"),
        ("PKG.x.py", "PKG/x.py"),
        ("./PKG/x.py", "PKG/x.py"),
        ("HERE/PKG/x.py", "PKG/x.py"),
        ("HERE/PKG/../PKG/x.py", "PKG/x.py"),
        ("PKG/sub/y.py", "PKG/sub/y.py"),
        ("PKG.sub.y", "PKG/sub/y.py"),
        ("PKG/sub.y.py", "PKG/sub/y.py"),
        ("HERE/PKG/sub/y", "PKG/sub/y.py"),
        ("PKG/several.demo", "PKG/several.demo"),
        ("HERE/PKG/several.demo(4)", "PKG/several.demo(4)"),
        ("PKG.several.demo(width=4)", "PKG/several.demo(4)"),
        ("PKG/several.py()", "PKG/several.py()"),
        ("PKG.both.config", "PKG/both.config"),
    ],
)
def test_a_config_of_sisyphus(folder, name, called):
    written = name.replace("PKG", folder).replace("HERE", os.getcwd())
    assert check_config_name(written) == called.replace("PKG", folder)


def test_a_path_through_a_link_to_the_folder(folder, tmp_path_factory):
    link = tmp_path_factory.mktemp("links") / "project"
    link.symlink_to(os.getcwd())
    assert check_config_name(f"{link}/{folder}/x.py") == f"{folder}/x.py"


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("setups/my.config", "setups/my.config"),
        ("./setups/my.config", "setups/my.config"),
        ("setups/my.py", "setups/my.py"),
        ("HERE/setups/my.py", "setups/my.py"),
        ("config/old.config", "config/old.config"),
        ("./PKG/both.config", "PKG/both.config"),
    ],
)
def test_a_returnn_config_file_is_trained_by_setup(folder, name, file):
    written, file = name.replace("PKG", folder).replace("HERE", os.getcwd()), file.replace("PKG", folder)
    assert find_config(written).function is None
    assert check_config_name(written) == f"config/returnn.setup({file!r})"
    assert check_config_name(f"{written}(cpu=3)") == f"config/returnn.setup({file!r}, 3, 8, 24, 1, 1, None, None)"


def test_a_file_whose_name_has_parentheses(folder):
    Path("setups/my(1).config").write_text(RETURNN)
    assert check_config_name("setups/my(1).config") == "config/returnn.setup('setups/my(1).config')"
    called = check_config_name(with_keywords("setups/my(1).config", {"dev": "a(2).hdf"}))
    assert called == "config/returnn.setup('setups/my(1).config', 2, 8, 24, 1, 1, None, 'a(2).hdf')"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("PKG/several", r"names no function, expected one of PKG/several\.py, PKG/several\.demo$"),
        ("PKG/several.dmeo", r"PKG/several\.py has no function 'dmeo'; did you mean 'demo'\?"),
        ("PKG/several.zzz", r"has no function 'zzz', expected one of PKG/several\.py, PKG/several\.demo$"),
        ("PKG/several.grow", "missing a required argument: 'idx'"),
        ("PKG/sub", r"is a folder, expected a file in it: PKG/sub/y\.py$"),
        ("config/xx.py", r"config/xx\.py: there is no such file; did you mean 'config/x'\?"),
        ("setups/mine.config", r"there is no such file; did you mean 'setups/my\.config'\?"),
        ("config/old.confg", r"there is no such file; did you mean 'config/old\.config'\?"),
        ("x", r"there is no such file, expected FILE\.FUNCTION, .*or a RETURNN config file; did you mean 'config/x'\?"),
        ("PKG/old-one.py", "Python cannot import 'old-one', expected a name of letters, digits and _"),
        ("PKG/both.config", r"is a file, and PKG/both\.py has a function 'config'; expected \./PKG/both\.config for the file, or "
                            r"PKG\.both\.config for the function"),
        ("setups/my.config(4)", r"found 4, expected keywords, such as setups/my\.config\(cpu=2\)"),
        ("setups/my.config(cpus=4)", "there is no argument 'cpus', .*did you mean 'cpu'"),
    ],
)  # fmt: skip
def test_a_wrong_name_gets_one_sentence(folder, name, message):
    with pytest.raises(ConfigError, match=message.replace("PKG", folder)) as error:
        check_config_name(name.replace("PKG", folder))
    assert "\n" not in str(error.value)


def test_a_config_of_another_project_is_named_with_its_folder(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    (other / "config").mkdir()
    (other / "config/x.py").write_text(EXPERIMENT)
    with pytest.raises(ConfigError, match="imports configs from the current directory; expected a file in"):
        check_config_name(f"{other}/config/x.py")
    (other / "settings.py").touch()
    with pytest.raises(ConfigError, match=f"imports configs from the current directory; change to {other}$"):
        check_config_name(f"{other}/config/x.py")


def test_the_folder_above_that_has_settings_is_named(folder, monkeypatch):
    top = os.getcwd()
    monkeypatch.chdir("config")
    with pytest.raises(BoulderError, match=rf"no settings\.py in {top}/config; change to {top}, which has it"):
        check_folder()


@pytest.mark.parametrize(
    ("file", "text", "is_returnn"),
    [
        ("a.config", "batch_size 300", True),
        ("a.json", "{}", True),
        ("config/a.py", "#!rnn.py\ndef py(): pass", True),
        ("config/a.py", RETURNN, True),
        ("config/a.py", "def get_network(epoch): return {}", True),
        ("config/a.py", "def demo(): pass", False),
        ("config/a.py", "from jobs.pipeline import lay_out\nnetwork = {}\ndef demo(): pass", False),
        ("config/a.py", "network: dict = {}\nasync def py(): pass", False),
        ("config/a.py", "network = (", False),
        ("a.py", "network = (", True),
        ("a.py", "import numpy", True),
        ("a.py", "def py(): pass", False),
    ],
)
def test_what_kind_of_config_a_file_is(folder, file, text, is_returnn):
    Path(file).write_text(text)
    assert is_returnn_config(Path(file)) == is_returnn


def test_options_of_the_command_line_become_arguments(folder):
    options = {"train": ["a.hdf", "b.hdf"], "dev": ["none"], "cpu": 3, "mem": None, "gpus": None}
    name = with_keywords("setups/my.config", config_arguments(options))
    assert name == "setups/my.config(train=['a.hdf', 'b.hdf'], dev=[], cpu=3)"
    assert with_keywords("config/returnn.setup('a')", config_arguments({"train": ["{'class': 'X'}"]})) == (
        "config/returnn.setup('a', train={'class': 'X'})"
    )
    assert with_keywords("config/x.py", config_arguments({"train": [], "cpu": None})) == "config/x.py"
    with pytest.raises(ConfigError, match=r"--train: found .*, expected a path, or a dict in Python's notation"):
        config_arguments({"train": ["{'class': X}"]})
    with pytest.raises(ConfigError, match="--cpu sets 'cpu' again, expected one of the two"):
        with_keywords("config/x.demo(cpu=2)", {"cpu": 3})
