"""A batch system for each module, and projects whose managers submit jobs to it."""

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.cluster.daemons import Daemons
from tests.cluster.grid_engine_cluster import GridEngineCluster
from tests.cluster.slurm_cluster import SlurmCluster
from tests.cluster.small_jobs import OnCluster
from tests.jobs.conftest import Project, make_project
from tests.tiny import write_data

IMPORTS = """

import os
from jobs.rqmt import training_rqmt

RQMT = training_rqmt(cpu=1, mem=float(os.environ.get("MEM", 1)), time=float(os.environ.get("HOURS", 4)))
"""


ON_EACH_CLUSTER = pytest.mark.parametrize(
    "cluster",
    [pytest.param("slurm", marks=pytest.mark.slurm), pytest.param("grid_engine", marks=pytest.mark.gridengine)],
    indirect=True,
)
"""runs tests that take the fixture `cluster` on Slurm and on Grid Engine"""


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Groups tests by batch system, so that `make test-cluster` runs only one test of each at a time."""
    for item in items:
        for name in ("slurm", "gridengine"):
            if item.get_closest_marker(name):
                item.add_marker(pytest.mark.xdist_group(name))


def started(kind: type[Daemons]):
    folder = Path(tempfile.mkdtemp(prefix=kind.__name__))  # munged needs a short path that others cannot write to
    cluster = kind(folder)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def slurm():
    yield from started(SlurmCluster)


@pytest.fixture(scope="module")
def grid_engine():
    yield from started(GridEngineCluster)


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture
def cluster(request) -> Daemons:
    """The cluster of ON_EACH_CLUSTER, else that of the test's marker."""
    by_marker = "grid_engine" if request.node.get_closest_marker("gridengine") else "slurm"
    return request.getfixturevalue(getattr(request, "param", by_marker))


@pytest.fixture
def project(tmp_path, data, cluster) -> Iterator[Project]:
    made = make_project(tmp_path / "project", data, **cluster.own)
    config = made.folder / "config/tiny.py"
    requirements = 'rqmt={"cpu": 1, "mem": 1}'
    assert requirements in config.read_text()
    config.write_text(config.read_text().replace(requirements, "rqmt=RQMT") + IMPORTS)
    yield made
    made.stop_all()
    cluster.clear()


@pytest.fixture
def experiment(tmp_path, cluster) -> Iterator[OnCluster]:
    made = OnCluster(tmp_path, cluster)
    yield made
    made.stop_all()
    cluster.clear()


class Undisturbed:
    """`undisturbed(call)` returns the checkpoint of the same experiment, run on this machine without a cluster."""

    def __init__(self, make):
        """:param make: function that returns a new project"""
        self._make = make
        self._threads = ThreadPoolExecutor()
        self._runs: dict[str, Future] = {}

    def begin(self, call: str) -> None:
        """Starts the run in the background."""
        if call not in self._runs:
            self._runs[call] = self._threads.submit(self._run, self._make(), call)

    def __call__(self, call: str) -> bytes:
        self.begin(call)
        return self._runs[call].result()

    @staticmethod
    def _run(project: Project, call: str) -> bytes:
        code, output = project.run("boulder", "run", f"config/tiny.{call}", timeout=600)
        assert code == 0, output
        return project.checkpoint()


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory, data) -> Undisturbed:
    folder = tmp_path_factory.mktemp("undisturbed")
    numbers = itertools.count()
    return Undisturbed(lambda: make_project(folder / str(next(numbers)), data, BOULDER_ENGINE="local"))
