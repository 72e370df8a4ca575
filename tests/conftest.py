"""What tests need of the machine. Without it they are skipped, or fail if BOULDER_REQUIRE_ALL is set, as .ci/run does."""

import importlib.util
import os
import shutil

import pytest

SYSTEM_PACKAGES = {
    "chromium": {"chromium": "chromium", "chromedriver": "chromium-driver"},
    "slurm": {"sbatch": "slurm-wlm", "munge": "munge"},
    "gridengine": {"sge_qmaster": "gridengine-master", "sge_execd": "gridengine-exec", "qsub": "gridengine-client"},
}
"""marker → program that its tests run → Debian's package of it"""

REFERENCES = {"parity": "returnn"}
"""marker → package of PyPI that its tests compare with"""


def require_system_package(program: str, package: str) -> None:
    """Skips the running test, or fails it, where Debian's `package` with its `program` is not installed."""
    if shutil.which(program):
        return
    _missing(f"needs {program}, of Debian's package {package}")


def require_reference(package: str) -> None:
    """Skips the running test, or fails it, where `package` is not installed."""
    if importlib.util.find_spec(package) is None:
        _missing(f"needs the package {package}, which make EXTRA=parity installs")


def _missing(message: str) -> None:
    if os.environ.get("BOULDER_REQUIRE_ALL"):
        pytest.fail(f"{message}, and BOULDER_REQUIRE_ALL is set", pytrace=False)
    pytest.skip(message)


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker, programs in SYSTEM_PACKAGES.items():
        if item.get_closest_marker(marker):
            for program, package in programs.items():
                require_system_package(program, package)
    for marker, package in REFERENCES.items():
        if item.get_closest_marker(marker):
            require_reference(package)
