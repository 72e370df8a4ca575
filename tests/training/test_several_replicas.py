"""Several devices in one process, by MirroredStrategy. TensorFlow must know them before its first operation."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("devices", "tests"),
    [
        pytest.param("2", "not slow", marks=pytest.mark.long),
        *(pytest.param(number, "", marks=pytest.mark.slow) for number in ("2", "3")),
    ],
)
def test_several_replicas_train_what_one_does(devices, tests):
    """Run the tests of on_several_devices.py."""
    file = Path(__file__).with_name("on_several_devices.py")
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "", "DEVICES": devices}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", tests, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
