"""Planning is light: the manager runs on a login node."""

import subprocess
import sys


def test_importing_the_schedule_does_not_import_tensorflow_or_file_formats():
    script = (
        "import sys, boulder.schedule, boulder.schedule.canonical, boulder.schedule.functions\n"
        "print([name for name in ('tensorflow', 'h5py', 'cloudpickle') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
