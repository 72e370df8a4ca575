"""RETURNN as a reference. It runs in a separate process, tests/parity/returnn_process.py, since it reconfigures TensorFlow.

    def test_…(returnn):
        results = returnn([{"kind": "network", "net": …, "extern_data": …, "params": …, "data": …, "lengths": …}, …])

Each call starts a process, which takes seconds, so pass all cases of a module at once. tests/parity/comparing.py makes cases
from networks and compares the results with those of Boulder.
"""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def returnn(tmp_path_factory):
    """:return: function from a list of cases to RETURNN's results"""

    def run(cases: list[dict]) -> list:
        folder = tmp_path_factory.mktemp("returnn")
        (folder / "cases").write_bytes(pickle.dumps(cases))
        command = [sys.executable, Path(__file__).with_name("returnn_process.py"), folder / "cases", folder / "results"]
        environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
        process = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, cwd=folder)
        assert process.returncode == 0, f"{process.stdout[-2000:]}\n{process.stderr[-4000:]}"
        return pickle.loads((folder / "results").read_bytes())

    return run
