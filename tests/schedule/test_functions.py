"""Functions inside net dicts: equality by source and captured values, and transport to a worker."""

import copy
import functools
import inspect
import json
import os
import pickle
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from boulder.errors import ConfigError
from boulder.schedule.canonical import canonical, digest
from boulder.schedule.functions import FunctionByValue, function_digest, restore

FACTOR = 3
ON_ONE_LINE = [lambda x: x + 1, lambda x: x + 2]

MODULE = '''
import math
import numpy as np
FACTOR = 3

def helper(x):
    """Doubles and so on."""
    return x * FACTOR

def even(n):
    return n == 0 or odd(n - 1)

def odd(n):
    return n != 0 and even(n - 1)

def custom(source, **kwargs):
    # a comment
    return helper(source(0)) + math.floor(np.float64(1.5))

class Scale:
    def __init__(self, by):
        self.by = by

    def __call__(self, x):
        return self.by * x * FACTOR

network = {"l": {"class": "eval", "eval": custom}}
network["l"]["whole"] = lambda: network
VALUE = {"custom": custom, "even": even, "pair": [lambda x: x + 1, lambda x: x + 2], "scale": Scale(2), "net": network}
'''

SCRIPT = """
import json, sys
sys.path.insert(0, sys.argv[1])
import setup_of_a_user
from boulder.schedule.canonical import canonical
functions = {}
print(json.dumps([canonical(setup_of_a_user.VALUE, functions), functions]))
"""

WORKER = """
import json, sys
from boulder.schedule.canonical import canonical
from boulder.schedule.functions import restore
plain, functions = json.load(sys.stdin)
value = restore(plain, functions)
results = [value["custom"](lambda i: 5), value["even"](10), [f(1) for f in value["pair"]], value["scale"](1)]
print(json.dumps([results, canonical(value) == plain, "tensorflow" in sys.modules]))
"""


def make(offset):
    return lambda x, scale=2: scale * x + offset


def helper(x):
    return x * FACTOR


def caller(x):
    return helper(x)


def run(script, *args, stdin="", seed="0"):
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    done = subprocess.run(
        [sys.executable, "-c", script, *args], input=stdin, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_digests_are_the_same_in_every_process_and_independent_of_file_and_line(tmp_path):
    for name, text in [("one", MODULE), ("two", "# moved down\n\n" + MODULE.replace("# a comment", "#"))]:
        (tmp_path / name).mkdir()
        (tmp_path / name / "setup_of_a_user.py").write_text(text)
    one, _ = run(SCRIPT, str(tmp_path / "one"), seed="1")
    two, _ = run(SCRIPT, str(tmp_path / "two"), seed="2")
    assert one == two


def test_functions_travel_by_value_to_a_process_without_their_module(tmp_path):
    (tmp_path / "setup_of_a_user.py").write_text(MODULE)
    plain_and_functions = run(SCRIPT, str(tmp_path))
    (tmp_path / "setup_of_a_user.py").unlink()
    results, same, _ = run(WORKER, stdin=json.dumps(plain_and_functions))
    assert results == [16, True, [2, 3], 6]
    assert same  # the worker knows the digest without the source


def test_two_lambdas_on_one_line_are_distinguished():
    assert FunctionByValue(ON_ONE_LINE[0]).source == "lambda x: x + 1"
    assert FunctionByValue(ON_ONE_LINE[1]).source == "lambda x: x + 2"


def test_captured_values_enter_the_digest():
    assert function_digest(make(1)) == function_digest(make(1))
    assert function_digest(make(1)) != function_digest(make(2))
    assert function_digest(make(np.int64(1))) == function_digest(make(1))


def test_globals_of_called_functions_enter_the_digest(monkeypatch):
    before = function_digest(caller)
    monkeypatch.setitem(globals(), "FACTOR", 4)
    assert function_digest(caller) != before


def test_comments_docstring_and_layout_do_not_enter_the_digest(tmp_path):
    def load(source):
        path = tmp_path / f"{len(source)}.py"
        path.write_text(source)
        namespace = {}
        exec(compile(source, str(path), "exec"), namespace)
        return namespace["f"]

    plain = load("def f(x):\n    return x + 1\n")
    other = load('\n# why\ndef f(x):\n    """What."""\n    return (x\n        + 1)  # there\n')
    changed = load("def f(x):\n    return x + 22\n")
    assert FunctionByValue(plain).source == "def f(x):\n    return x + 1"
    assert function_digest(plain) == function_digest(other) != function_digest(changed)


def test_a_loaded_function_ignores_later_edits_of_its_file(tmp_path):
    path = tmp_path / "edited.py"
    path.write_text("def f(x):\n    return x + 1\n")
    namespace = {}
    exec(compile(path.read_text(), str(path), "exec"), namespace)
    path.write_text("def f(x):\n    return x + 2000\n")
    assert "2000" not in json.dumps(FunctionByValue(namespace["f"]).captured)
    path.write_text("# a line more\ndef f(x):\n    return x + 1\n")
    assert FunctionByValue(namespace["f"]).source == "def f(x):\n    return x + 1"


def test_functions_without_source_are_identified_by_their_code():
    one, same, other = (eval(text) for text in ("lambda x: x + 1", "lambda x: x  +  1", "lambda x: x + 2"))
    assert function_digest(one) == function_digest(same) != function_digest(other)


def test_partial_methods_builtins_and_library_functions_have_a_digest():
    functions = [functools.partial(helper, 1), functools.partial(helper, 2), "a".join, len, np.tanh, np.mean, helper]
    assert len({function_digest(function) for function in functions}) == len(functions)


def test_a_function_that_captures_an_open_file_is_refused_with_its_path(tmp_path):
    with (tmp_path / "log").open("w") as log:
        network = {"l": {"eval": lambda x: log.write(x)}}
        with pytest.raises(ConfigError) as caught:
            canonical(network)
    assert str(caught.value).startswith("l/eval: function ")
    assert "captures 'log', found a TextIOWrapper" in str(caught.value)


def test_canonical_values_contain_digests_and_payloads_are_separate():
    functions = {}
    plain = canonical({"l": {"eval": helper}}, functions)
    assert plain == {"l": {"eval": {"#function": function_digest(helper)}}}
    assert list(functions) == [function_digest(helper)]
    assert canonical(json.loads(json.dumps(functions))) == functions  # plain
    assert digest(plain) == digest({"l": {"eval": helper}})
    with pytest.raises(ConfigError, match="found no pickle of it"):
        restore(plain, {})


def test_restored_functions_behave_like_the_original():
    functions = {}
    (restored,) = restore(canonical([make(5)], functions), functions)
    assert restored(1, scale=3) == 8
    assert restored == make(5)
    assert restored != make(6)
    assert list(inspect.signature(restored).parameters) == ["x", "scale"]
    assert copy.deepcopy(restored) is restored
    assert pickle.loads(pickle.dumps(restored)) == restored


def test_library_functions_are_identified_by_name():
    assert FunctionByValue(textwrap.dedent).captured == [{"reference": "textwrap:dedent"}]
