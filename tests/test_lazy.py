"""The lazy import of TensorFlow."""

import gc
import importlib
import os
import subprocess
import sys

import pytest

from boulder import lazy
from boulder.errors import BoulderError
from boulder.quick_import import imported


@pytest.mark.slow
def test_tensorflow_is_imported_without_a_word_and_other_lines_on_stderr_remain():
    code = "import os; from boulder.lazy import tf; tf.constant(1); os.write(2, b'kept')"
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stderr == "kept"


def test_what_a_failing_import_writes_is_shown(tmp_path):
    (tmp_path / "loud.py").write_text(
        "import os\nos.write(2, b'oneDNN custom operations are on\\nimportant\\n')\nraise ImportError('no')\n"
    )
    code = "from boulder.quick_import import imported; imported('loud')"
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)
    lines = done.stderr.splitlines()
    assert (lines[0], lines[-1]) == ("important", "ImportError: no")


def test_what_keras_imports_for_plots_is_not_imported_with_it_but_is_afterwards(tmp_path, monkeypatch):
    (tmp_path / "of_keras.py").write_text("try:\n    import pandas\nexcept ImportError:\n    pandas = None\n")
    (tmp_path / "pandas.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "pandas", raising=False)
    assert imported("of_keras").pandas is None
    assert importlib.import_module("pandas").__file__ == str(tmp_path / "pandas.py")
    del sys.modules["of_keras"]
    assert imported("of_keras").pandas is sys.modules["pandas"]  # one that is imported already stays


def test_the_garbage_collector_rests_only_during_an_import(tmp_path, monkeypatch):
    (tmp_path / "large.py").write_text("import gc\nwas_enabled = gc.isenabled()\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert gc.isenabled()
    assert not imported("large").was_enabled
    assert gc.isenabled()


def test_a_package_that_is_not_installed_is_named_with_what_installs_it():
    with pytest.raises(
        BoulderError, match=r"python.* lacks the package 'nowhere_to_be_found'; `make venv` in Boulder's"
    ):
        _ = lazy._LazyModule("nowhere_to_be_found").constant


def test_a_package_that_an_installed_one_misses_is_told_as_it_is(tmp_path, monkeypatch):
    (tmp_path / "lacking.py").write_text("import nowhere_to_be_found\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="No module named 'nowhere_to_be_found'"):
        _ = lazy._LazyModule("lacking").constant
