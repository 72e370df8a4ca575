"""Planning is light: the manager runs on a login node."""

import subprocess
import sys


def test_importing_the_schedule_imports_neither_tensorflow_nor_numpy():
    script = (
        "import sys, boulder.schedule, boulder.schedule.canonical, boulder.schedule.functions\n"
        "print([name for name in ('tensorflow', 'numpy', 'h5py', 'cloudpickle') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
