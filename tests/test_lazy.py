"""The lazy import of TensorFlow."""

import os
import subprocess
import sys

import pytest


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
    code = "from boulder.lazy import _imported; _imported('loud')"
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)
    lines = done.stderr.splitlines()
    assert (lines[0], lines[-1]) == ("important", "ImportError: no")
