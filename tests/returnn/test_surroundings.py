"""Configs do not affect each other or the process."""

import importlib
import os
import subprocess
import sys
import types

import pytest

from boulder.errors import ConfigError
from boulder.returnn import load_config
from boulder.schedule.canonical import canonical


def write(folder, text: str, **files: str):
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / f"{name}.py").write_text(content)
    (folder / "returnn.config").write_text("#!rnn.py\n" + text)
    return folder / "returnn.config"


def test_configs_have_their_own_helpers_of_the_same_name(tmp_path):
    text = "import helper\nfrom helper import num_epochs\ndef f():\n  import helper\n  import late\n  return helper.x + late.y"
    one = load_config(write(tmp_path / "1", text, helper="x = 1\nnum_epochs = 11", late="y = 0.1"))
    two = load_config(write(tmp_path / "2", text, helper="x = 2\nnum_epochs = 22", late="y = 0.2"))
    assert (one.num_epochs, two.num_epochs) == (11, 22)
    assert [c.config.typed_dict["f"]() for c in (one, two, one)] == [1.1, 2.2, 1.1]
    assert "helper" not in sys.modules
    assert "late" not in sys.modules


def test_helpers_beside_a_config_take_precedence_over_loaded_modules(tmp_path):
    name = "module_of_another"
    sys.modules[name] = types.ModuleType(name)
    try:
        config = load_config(write(tmp_path, f"from {name} import num_epochs", **{name: "num_epochs = 3"}))
        assert config.num_epochs == 3
        assert not hasattr(sys.modules[name], "num_epochs")
    finally:
        del sys.modules[name]


def test_a_config_in_a_package_imports_relatively(tmp_path):
    package = tmp_path / "setups"
    write(package, "", __init__="", base="num_epochs = 9", one="from .base import num_epochs\nx = config.has('y')")
    config = load_config(package / "one.py", {"y": "1"})
    assert (config.num_epochs, config.values["x"]) == (9, True)
    assert not [name for name in sys.modules if name.startswith("setups")]


def test_a_linked_config_finds_helpers_at_both_locations(tmp_path):
    path = write(tmp_path / "there", "import far, near\nnum_epochs = far.x + near.x", far="x = 1")
    write(tmp_path / "here", "", near="x = 2")
    link = tmp_path / "here" / "link.config"
    link.symlink_to(path)
    assert load_config(link).values["num_epochs"] == 3


LEAKY = """
import os, sys, random
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "more"))
sys.argv.append("x")
os.environ["BOULDER_TEST_A"] = "1"
os.environ.pop("BOULDER_TEST_B")
os.chdir("/")
sys.setrecursionlimit(12345)
random.seed(1)
import elsewhere
import TFUtil
import tensorflow
assert sys.argv[0] == "rnn.py"
def see():
    import elsewhere_too
    return os.environ["BOULDER_TEST_A"], os.getcwd(), elsewhere_too.x
"""


def state() -> tuple:
    return (list(sys.path), list(sys.argv), dict(os.environ), os.getcwd(), list(sys.meta_path), sys.getrecursionlimit())


@pytest.mark.parametrize("end", ["", "1 / 0\n"])
def test_the_process_is_restored(tmp_path, monkeypatch, end):
    monkeypatch.setenv("BOULDER_TEST_B", "b")
    write(tmp_path / "more", "", elsewhere="", elsewhere_too="x = 3")
    path = write(tmp_path, LEAKY + end)
    before, modules = state(), set(sys.modules)
    if end:
        with pytest.raises(ConfigError, match="ZeroDivisionError"):
            load_config(path)
    else:
        config = load_config(path)
        assert config.environment == {"BOULDER_TEST_A": "1", "BOULDER_TEST_B": None}
        with config.entered():
            assert config.config.typed_dict["see"]() == ("1", "/", 3)
        assert config.environment == {"BOULDER_TEST_A": "1", "BOULDER_TEST_B": None}
    assert state() == before
    new = {name for name in set(sys.modules) - modules if not name.startswith("boulder.")}
    assert not new & {"elsewhere", "elsewhere_too", "TFUtil", "returnn", "__returnn_config__"}
    assert "tensorflow" not in new


def test_an_installed_returnn_is_ignored(tmp_path):
    path = write(tmp_path, "import Util\nfrom returnn.util.basic import PY3\nfrom returnn.log import log\nx = Util.PY3")
    ours = {name: types.ModuleType(name) for name in ("returnn", "returnn.util", "returnn.util.basic", "Util")}
    sys.modules.update(ours)
    try:
        assert load_config(path).values["x"] is True
        assert all(sys.modules[name] is module for name, module in ours.items())
        assert "returnn.log" not in sys.modules
    finally:
        for name in ours:
            del sys.modules[name]


def test_a_config_that_loads_another(tmp_path):
    write(
        tmp_path / "base", "num_epochs = 4\nimport returnn.config\nassert returnn.config.get_global_config() is config"
    )
    text = (
        "import os\nfrom boulder.returnn import load_config\n"
        "base = load_config(os.path.dirname(__file__) + '/base/returnn.config')\nnum_epochs = base.num_epochs + 1\n"
        "from returnn.config import get_global_config\nassert get_global_config() is config"
    )
    assert load_config(write(tmp_path, text)).num_epochs == 5


PLANNED = """
import tensorflow as tf
import tensorflow.compat.v1 as tf1
from tensorflow.python.ops import array_ops
from TFUtil import where_bc
from returnn.tf.util.data import SpatialDim

num_epochs = 4
time = SpatialDim("time")

@tf.function
def double(x): return 2 * x

def mask(source, dtype=tf.float32):
    import tensorflow as tf
    from TFUtil import get_shape
    x = tf.cast(double(source(0)), dtype)
    return where_bc(tf.range(get_shape(x)[0]) > 0, x, tf.zeros_like(x))

def algo(idx, net_dict):
    import tensorflow as tf
    from returnn.pretrain import WrapEpochValue
    if idx > 1:
        return None
    assert not isinstance(net_dict, tf.Tensor)
    net_dict["mask"] = {"class": "eval", "from": "data", "eval": mask}
    net_dict["output"]["n_out"] = 2 + idx
    return net_dict

extern_data = {"data": {"dim": 2}, "classes": {"dim": 5, "sparse": True}}
network = {"output": {"class": "softmax", "loss": "ce", "from": "mask"}}
pretrain = {"construction_algo": algo}
"""

PROGRAM = """
import sys
from boulder.returnn import load_config
from boulder.schedule.canonical import canonical
config = load_config(sys.argv[1])
functions = {}
plan = config.plan()
networks = [canonical(phase.network, functions) for phase in plan.phases]
loaded = {name.partition(".")[0] for name in sys.modules}
print(*sorted(loaded & {"tensorflow", "keras", "returnn", "TFUtil", "Pretrain"}), [*functions], sep="")
"""


def test_planning_does_not_load_tensorflow_and_hashes_do_not_depend_on_it(tmp_path):
    path = str(write(tmp_path, PLANNED))
    done = subprocess.run([sys.executable, "-c", PROGRAM, path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    importlib.import_module("tensorflow")
    functions = {}
    for phase in load_config(path).plan().phases:
        canonical(phase.network, functions)
    assert done.stdout.strip() == str([*functions])
