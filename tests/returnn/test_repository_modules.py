"""Configs import modules of repositories, under RETURNN's names, and their functions travel with them."""

import shutil
import sys

import pytest

from boulder.errors import ConfigError
from boulder.returnn import load_config
from boulder.schedule.canonical import canonical
from boulder.schedule.functions import restore
from tests.returnn.test_surroundings import write

NETS = """
from .sizes import WIDTH

def make(layers):
    net, src = {}, "data"
    for i in range(layers):
        net[f"h{i}"] = {"class": "linear", "activation": "tanh", "n_out": WIDTH, "from": src}
        src = f"h{i}"
    return net | {"output": {"class": "softmax", "from": src, "loss": "ce", "target": "classes"}}

def scaled(source):
    from .sizes import SCALE
    from . import late
    return source(0) * SCALE + late.SHIFT
"""
FILES = {
    "common/__init__.py": "",
    "common/models/__init__.py": "",
    "common/models/sizes.py": "WIDTH = 6\nSCALE = 2\n",
    "common/models/late.py": "SHIFT = 100\n",
    "common/models/nets.py": NETS,
    "plain/my-sizes.v2/deep.py": "DEEP = 3\n",
    "alone-v3.py": "ALONE = 4\n",
    "failing.py": "\n\n1 / 0\n",
    "common/needs.py": "import module_that_is_nowhere\n",
}
REPO = "github.com/me/my-own.nets"
NAME = "returnn_import.github_com.me.my_own_nets"
IMPORT = f"from returnn.import_ import import_\nimport_({REPO!r}, 'common', None)\n"
GET_NETWORK = "\nnum_epochs = 4\ndef get_network(epoch, **kwargs): return make(1 if epoch <= 2 else 2)\n"


def write_repository(folder, **changed: str) -> None:
    for path, text in {**FILES, **changed}.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """:return: the folder of all repositories, with the working copy of one"""
    folder = tmp_path / "pkg"
    write_repository(folder / REPO)
    monkeypatch.setenv("RETURNN_PKG_PATH", str(folder))
    yield folder
    assert not [name for name in sys.modules if name.startswith("returnn_import")]


@pytest.mark.parametrize(
    "text",
    [
        IMPORT + f"from {NAME}.dev.common.models.nets import make",
        IMPORT + f"import {NAME}.dev.common.models.nets as nets\nmake = nets.make",
        IMPORT + f"import {NAME}.dev.common.models.nets\nmake = {NAME}.dev.common.models.nets.make",
        IMPORT + f"from {NAME}.dev import common\nfrom {NAME}.dev.common.models import nets\nmake = nets.make",
        f"from returnn.import_ import import_\nmake = import_({REPO!r}, 'common/models/nets').make",
        f"from returnn.import_ import import_\nmake = import_({REPO!r}, './common/models/nets.py', None).make",
        IMPORT + f"def make(layers):\n  from {NAME}.dev.common.models.nets import make as f\n  return f(layers)",
    ],
)
def test_networks_come_from_a_package(packages, tmp_path, text):
    phases = load_config(write(tmp_path, text + GET_NETWORK)).plan().phases
    assert [sorted(phase.network) for phase in phases] == [["h0", "output"], ["h0", "h1", "output"]]
    assert phases[0].network["h0"]["n_out"] == 6


def test_folders_and_files_outside_of_packages(packages, tmp_path):
    text = f"""
from returnn.import_ import import_
assert import_({REPO!r}, "plain/my-sizes.v2/deep.py").DEEP == 3
import_({REPO!r}, ".")
from {NAME}.dev.plain.my_sizes_v2.deep import DEEP
assert import_({REPO!r}, "alone-v3").__name__ == "{NAME}.dev.alone_v3"
"""
    assert load_config(write(tmp_path, text)).values["DEEP"] == 3


def test_a_repository_may_itself_be_a_package(packages, tmp_path):
    write_repository(packages / REPO, **{"__init__.py": "from .common.models.sizes import WIDTH"})
    text = f"{IMPORT}from {NAME}.dev import WIDTH\nassert import_({REPO!r}, '.').WIDTH == 6"
    assert load_config(write(tmp_path, text)).values["WIDTH"] == 6


@pytest.mark.parametrize("asked", ["20211231-0123abc", "202112311859-0123abcd0123", "20211231185900-0123abcd01234567"])
def test_a_version_may_be_given_shorter_or_longer_than_its_folder_has_it(packages, tmp_path, asked):
    write_repository(packages / f"{REPO}@v202112311859-0123abcd0123", **{"common/models/sizes.py": "WIDTH = 7"})
    text = f"""
from returnn.import_ import import_
one = import_({REPO!r}, "common/models/sizes", {asked!r})
assert one.__name__ == "{NAME}.v202112311859_0123abcd0123.common.models.sizes"
import {NAME}.v{asked.replace("-", "_")}.common.models.sizes as two
import {NAME}.v202112311859_0123abcd0123.common.models.sizes as three
assert one is two is three and one.__spec__.name == one.__name__
WIDTH = one.WIDTH
"""
    assert load_config(write(tmp_path, text)).values["WIDTH"] == 7


def test_configs_have_packages_of_their_own(packages, tmp_path, monkeypatch):
    text = (
        IMPORT
        + f"from {NAME}.dev.common.models.sizes import WIDTH\ndef f():\n  import {NAME}.dev.common.models.late as m"
    )
    one = load_config(write(tmp_path / "1", text + "\n  return m.SHIFT"))
    monkeypatch.setenv("RETURNN_PKG_PATH", str(tmp_path / "other"))
    write_repository(
        tmp_path / "other" / REPO, **{"common/models/sizes.py": "WIDTH = 8", "common/models/late.py": "SHIFT = 5"}
    )
    two = load_config(write(tmp_path / "2", text + "\n  return m.SHIFT"))
    assert [config.values["WIDTH"] for config in (one, two)] == [6, 8]
    assert [config.config.typed_dict["f"]() for config in (one, two, one)] == [100, 5, 100]


EXPLICIT = f"""
def f(source):
    import {NAME}.dev.common.models.nets
    return {NAME}.dev.common.models.nets.scaled(source)
"""
BY_CALL = f"""
import_({REPO!r}, "common/models/nets")
from {NAME}.dev.common.models import sizes, late
def f(source): return import_({REPO!r}, "common/models/nets").scaled(source)
"""


@pytest.mark.parametrize(
    "text",
    [
        f"from {NAME}.dev.common.models.nets import scaled as f",
        f"from {NAME}.dev.common.models import nets\ndef f(source): return nets.scaled(source)",
        f"import {NAME}.dev.common.models.nets\ndef f(source): return {NAME}.dev.common.models.nets.scaled(source)",
        EXPLICIT,
        BY_CALL,
    ],
)
def test_functions_travel_with_the_modules_that_they_import(packages, tmp_path, text):
    config = load_config(write(tmp_path, f"{IMPORT}{text}\nnetwork = {{'a': {{'class': 'eval', 'eval': f}}}}"))
    network = canonical(config.network, functions := {})
    write_repository(packages / REPO, **{"common/models/sizes.py": "SCALE = 3"})  # after the plan
    assert restore(network, functions)["a"]["eval"](lambda i: 1) == 102
    shutil.rmtree(packages)
    assert restore(network, functions)["a"]["eval"](lambda i: 1) == 102


@pytest.mark.parametrize("text", [f"from {NAME}.dev.common.models.nets import scaled as f", EXPLICIT, BY_CALL])
@pytest.mark.parametrize("changed", ["sizes", "late"])
def test_hashes_cover_the_modules_that_a_function_imports(packages, tmp_path, text, changed):
    def digest():
        return canonical(load_config(write(tmp_path, f"{IMPORT}{text}\nnetwork = {{'a': {{'eval': f}}}}")).network)

    before = digest()
    assert digest() == before
    write_repository(packages / REPO, **{f"common/models/{changed}.py": "SCALE = WIDTH = SHIFT = 3"})
    assert digest() != before


@pytest.mark.parametrize(
    "text", [f"from {NAME}.dev.common.models import nets\nnumber = nets", "import beside as number"]
)
def test_hashes_cover_what_a_captured_module_imports(packages, tmp_path, text):
    text += "\ndef f(source): return number.make(1)\nnetwork = {'a': {'eval': f}}"
    beside = f"import {NAME}.dev.common.models.nets as nets\ndef make(n): return nets.make(n)"

    def digest():
        return canonical(load_config(write(tmp_path / "configs", IMPORT + text, beside=beside)).network)

    before = digest()
    write_repository(packages / REPO, **{"common/models/late.py": "SHIFT = 3"})  # which no module imports at once
    assert digest() == before
    write_repository(packages / REPO, **{"common/models/sizes.py": "WIDTH = 7"})
    assert digest() != before


def test_a_function_that_computes_imports_only_what_travels_with_it(packages, tmp_path):
    text = f"{IMPORT}def f(source): return import_({REPO!r}, 'common/models/nets')\nnetwork = {{'a': {{'eval': f}}}}"
    network = canonical(load_config(write(tmp_path, text)).network, functions := {})
    with pytest.raises(
        ConfigError, match=r"import_\('github.com/me/my-own.nets', .*expected this call also at the top"
    ):
        restore(network, functions)["a"]["eval"](None)


VERSION = "20211231-0123abcd0123"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            f"import {NAME}.dev.common",
            r"ModuleNotFoundError: .*: expected a call such as import_\('github.com/OWNER/NAME'",
        ),
        (IMPORT + f"import {NAME}.v20211231_0123abc.common", rf"expected a call such as .* before; known: {NAME}.dev"),
        (IMPORT + f"import {NAME}.dev.comon", "No module named '.*comon'"),
        ("import_(@, 'comon')", r"/pkg/.*/my-own.nets has no module 'comon'; did you mean 'common'\?"),
        ("import_(@, 'common/modls/nets')", r"my-own.nets/common has no module 'modls'; did you mean 'models'\?"),
        ("import_(@, 'common', 'main')", r"found version 'main', expected DATE-COMMIT such as"),
        ("import_(@, '../common')", "found path '../common', expected one within the repository"),
        ("import_(@, '')", "found path '', expected one within the repository"),
        ("import_('git@github.com:me/mine', 'a')", "found repository 'git@github.com:me/mine', expected one such as"),
        (
            "import_('github.com/me/yours', 'a')",
            r"git clone https://github.com/me/yours \S*/pkg/github.com/me/yours, or set",
        ),
        (
            f"import_('github.com/me/yours', 'a', {VERSION!r})",
            rf"git clone https://(\S*) (\S*/\1) && git -C \2 worktree add \2@v{VERSION} 0123abcd0123, or set RETURNN_PKG",
        ),
        (f"import_(@, 'a', {VERSION!r})", rf"nothing: git -C (\S*) worktree add \1@v{VERSION} 0123abcd0123, or set"),
        ("import_(@, 'failing')", r"/pkg/.*/my-own.nets/failing.py, line 3: ZeroDivisionError"),
        ("import_(@, 'common/needs')", r"common/needs.py, line 1: ModuleNotFoundError: .*'module_that_is_nowhere'"),
    ],
)
def test_errors_say_what_to_do(packages, tmp_path, text, message):
    text = "from returnn.import_ import import_\n" + text.replace("@", repr(REPO)).replace(f"git{REPO!r}", "git@")
    with pytest.raises(ConfigError, match=message):
        load_config(write(tmp_path / "configs", text))


def test_a_module_that_fails_is_not_half_imported(packages, tmp_path):
    text = f"from returnn.import_ import import_\nfor n in 1, 2:\n  try:\n    import_({REPO!r}, 'failing')\n"
    text += "  except ZeroDivisionError:\n    count = n"
    assert load_config(write(tmp_path, text)).values["count"] == 2
