"""What tests need of the machine.

A test that needs a system package carries its marker. It is skipped where the package is missing, or fails if
BOULDER_REQUIRE_ALL is set, as in .ci/run. Every other test runs with the PATH of a bare machine (tests/bare_path.py), so that a
test that needs another program fails everywhere, not only on a machine without that program.
"""

import importlib.util
import os
import shutil
import signal
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.bare_path import fill
from tests.progress import Progress

SYSTEM_PACKAGES = {
    "chromium": {"chromium": "chromium", "chromedriver": "chromium-driver"},
    "slurm": {"sbatch": "slurm-wlm", "munge": "munge"},
    "sclite": {"sctk": "sctk"},
    "parity": {"g++": "g++"},  # RETURNN compiles its native operations
    "gridengine": {"sge_qmaster": "gridengine-master", "sge_execd": "gridengine-exec", "qsub": "gridengine-client"},
}
"""marker → program that its tests run → Debian package of the program"""

REFERENCES = {"parity": "returnn"}
"""marker → PyPI package that its tests compare with"""

BARE_PATH = pytest.StashKey[str]()


def require_system_package(program: str, package: str) -> None:
    """Skips the running test, or fails it, if `program` of the Debian package `package` is not installed."""
    if shutil.which(program):
        return
    _missing(f"needs {program} from the Debian package {package}")


def require_reference(package: str) -> None:
    """Skips the running test, or fails it, if `package` is not installed."""
    if importlib.util.find_spec(package) is None:
        _missing(f"needs the package {package}, which make EXTRA=parity installs")


def _missing(message: str) -> None:
    if os.environ.get("BOULDER_REQUIRE_ALL"):
        pytest.fail(f"{message}, and BOULDER_REQUIRE_ALL is set", pytrace=False)
    pytest.skip(message)


def pytest_configure(config: pytest.Config) -> None:
    if (
        signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    ):  # as in a shell's background, and inherited by the tests' processes
        signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.pop(
        "PYTHONDONTWRITEBYTECODE", None
    )  # without bytecode, each process compiles Boulder anew, half a second
    folder = tempfile.TemporaryDirectory(prefix="boulder-path.")
    config.add_cleanup(folder.cleanup)
    config.stash[BARE_PATH] = str(fill(Path(folder.name)))
    if config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Progress())


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Runs a test, its fixtures included, with the PATH that its markers allow."""
    with pytest.MonkeyPatch.context() as patch:
        if not any(item.get_closest_marker(marker) for marker in SYSTEM_PACKAGES):
            patch.setenv("PATH", item.config.stash[BARE_PATH])
        return (yield)


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker, programs in SYSTEM_PACKAGES.items():
        if item.get_closest_marker(marker):
            for program, package in programs.items():
                require_system_package(program, package)
    for marker, package in REFERENCES.items():
        if item.get_closest_marker(marker):
            require_reference(package)
