"""Functions of a config compute in a worker with the real TensorFlow and stand-ins for RETURNN."""

import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from boulder.errors import NetworkError
from boulder.returnn import load_config
from boulder.returnn.provided import tensors
from boulder.schedule.canonical import canonical
from boulder.schedule.functions import restore
from tests.returnn.test_surroundings import PLANNED, write

FUNCTIONS = """
import helper, functools
import tensorflow as tf
import TFUtil
from returnn.tf.util.basic import where_bc, not_ours
from returnn.config import get_global_config
num_epochs = 1
scale = 3.
table = tf.constant([1., 2.])

@tf.function
def double(source, dtype=tf.float32):
    from Util import PY3
    return tf.cast(2 * source(0), dtype)

def scaled(source, by=1):
    import late
    return scale * late.half(source(0)) * by

def optioned(source): return source(0) * config.float("scale", 0.)
def looked_up(source): return TFUtil.get_shape(source(0)) + [table.numpy().sum()]
def is_tensor(source): return [isinstance(source(0), tf.Tensor), isinstance(1, tf.Tensor), tf.float32 == source(0).dtype]
def imported(source):
    from TFUtil import get_shape as g
    import helper
    return g(source(0)), helper.three
def failing(source): return not_ours(source(0))

network = {name: {"class": "eval", "eval": f} for name, f in {
    "double": double, "scaled": functools.partial(scaled, by=2), "optioned": optioned, "looked_up": looked_up,
    "imported": imported, "is_tensor": is_tensor, "failing": failing}.items()}
"""
WORKER = """
import json, sys
from boulder.schedule.functions import restore
network, functions = json.load(open(sys.argv[1]))
network = restore(network, functions)
import tensorflow as tf
for name, layer in network.items():
    try:
        result = layer["eval"](lambda i: tf.constant([3.0, 5.0]))
    except Exception as error:
        result = f"{type(error).__name__}: {error}"
    print(name, getattr(result, "numpy", lambda: result)())
print(*{"late", "helper", "TFUtil", "Util"} & {*sys.modules})
"""


def test_functions_compute_in_a_worker(tmp_path):
    path = write(tmp_path, FUNCTIONS, helper="three = 3", late="import math\ndef half(x): return x / 2")
    functions = {}
    network = canonical(load_config(path).network, functions)
    (tmp_path / "network.json").write_text(json.dumps([network, functions]))
    for file in (path, tmp_path / "helper.py", tmp_path / "late.py"):
        file.unlink()
    command = [sys.executable, "-c", WORKER, str(tmp_path / "network.json")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.splitlines() == [
        "double [ 6. 10.]",
        "scaled [ 9. 15.]",
        "optioned [ 9. 15.]",
        "looked_up [2, np.float32(3.0)]",
        "imported ([2], 3)",
        "is_tensor [True, False, True]",
        "failing ConfigError: returnn.tf.util.basic.not_ours was called, but Boulder has only a placeholder for it: it "
        "can be passed around and subclassed",
        "",
    ], done.stderr


def test_functions_can_be_pickled_inside_the_surroundings(tmp_path):
    path = write(
        tmp_path, "import helper\ndef f(source): return helper.x\nnetwork = {'a': {'eval': f}}", helper="x = 3"
    )
    config = load_config(path)
    with config.entered():
        network = canonical(config.network, functions := {})
    assert network == canonical(config.network)
    (tmp_path / "helper.py").unlink()
    assert restore(network, functions)["a"]["eval"](None) == 3


def test_functions_compute_in_the_same_process(tmp_path):
    mask = load_config(write(tmp_path, PLANNED)).plan().phases[0].network["mask"]["eval"]
    assert mask(lambda i: tf.constant([1.0, 2.0])).numpy().tolist() == [0, 4]
    assert "TFUtil" not in sys.modules


def test_a_digest_covers_helpers_but_not_the_folder(tmp_path):
    def digest(folder, **files):
        return canonical(load_config(write(tmp_path / folder, FUNCTIONS, **files)).network)

    one = digest("1", helper="three = 3", late="half = 1")
    assert digest("2", helper="three = 3", late="half = 1") == one
    other = digest("3", helper="three = 3", late="half = 2")
    assert {name for name in one if one[name] != other[name]} == {"scaled"}


def test_a_digest_covers_what_helpers_import_when_they_are_called(tmp_path):
    text = "import helper\ndef f(source): return helper.g(source)\nnetwork = {'a': {'eval': f}}"
    helper = "def g(source):\n  from late import SCALE\n  return source * SCALE"

    def network(folder, late, functions=None):
        return canonical(load_config(write(tmp_path / folder, text, helper=helper, late=late)).network, functions)

    one = network("1", "SCALE = 2", functions := {})
    assert network("2", "SCALE = 2") == one
    assert network("3", "SCALE = 3") != one
    (tmp_path / "1" / "late.py").unlink()
    assert restore(one, functions)["a"]["eval"](3) == 6


def test_functions_with_equal_source_and_values_are_equal(tmp_path):
    text = "def f():\n  def g(source):\n    from TFUtil import where_bc\n    return where_bc\n  return g\n"
    config = load_config(write(tmp_path, text + "network = {'a': {'eval': f()}, 'b': {'eval': f()}}"))
    one, two = config.network["a"]["eval"], config.network["b"]["eval"]
    assert one == two
    assert one == config.config.typed_dict["network"]["b"]["eval"]
    assert hash(one) == hash(two)
    assert restore(canonical({"a": one}, functions := {}), functions)["a"] == two


def test_where_bc_broadcasts_at_the_end():
    condition = tf.constant([True, False])
    x, y = tf.constant([[1.0, 2.0], [3.0, 4.0]]), 0
    assert tensors.where_bc(condition, x, y).numpy().tolist() == [[1, 2], [0, 0]]
    assert tensors.where_bc(condition[None], 1.0, x).numpy().tolist() == [[1, 2], [1, 4]]


def test_dropout():
    x = tf.ones([50, 40])
    result = tensors.dropout(x, keep_prob=0.8, noise_shape=(None, 1), seed=1).numpy()
    assert set(np.unique(result)) == {0, np.float32(1.25)}
    assert (result == result[:, :1]).all()
    assert tensors.dropout(x, 1) is x
    with pytest.raises(NetworkError, match="found keep_prob 0, expected more than 0"):
        tensors.dropout(x, 0)
