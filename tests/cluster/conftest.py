"""A batch system for each module, and projects whose managers submit to it."""

import shutil
import tempfile
from pathlib import Path

import pytest

from tests.cluster.daemons import Daemons
from tests.cluster.grid_engine_cluster import GridEngineCluster
from tests.cluster.slurm_cluster import SlurmCluster
from tests.jobs.conftest import Project, make_project
from tests.tiny import write_data

IMPORTS = """

import os
from jobs.rqmt import training_rqmt

RQMT = training_rqmt(cpu=1, mem=float(os.environ.get("MEM", 1)), time=float(os.environ.get("HOURS", 4)))
RQMT |= {name.lower(): os.environ[name] for name in ("SBATCH_ARGS", "QSUB_ARGS") if name in os.environ}
"""


def started(kind: type[Daemons]):
    folder = Path(tempfile.mkdtemp(prefix=kind.__name__))  # munged wants short paths that others cannot write to
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


def project_on(cluster: Daemons, folder: Path, data: Path) -> Project:
    made = make_project(folder, data, **cluster.own)
    config = made.folder / "config/tiny.py"
    asks = 'rqmt={"cpu": 1, "mem": 1}'
    assert asks in config.read_text()
    config.write_text(config.read_text().replace(asks, "rqmt=RQMT") + IMPORTS)
    return made


@pytest.fixture
def project(tmp_path, data, slurm) -> Project:
    return project_on(slurm, tmp_path / "project", data)


@pytest.fixture
def project_on_grid_engine(tmp_path, data, grid_engine) -> Project:
    return project_on(grid_engine, tmp_path / "project", data)


@pytest.fixture
def undisturbed(tmp_path_factory, data):
    """`undisturbed(call)`: the checkpoint of the same experiment, run on this machine without a cluster."""
    known: dict[str, bytes] = {}

    def run(call: str) -> bytes:
        if call not in known:
            local = make_project(tmp_path_factory.mktemp("undisturbed") / "project", data, BOULDER_ENGINE="local")
            code, output = local.run("boulder", "run", f"config/tiny.{call}")
            assert code == 0, output
            known[call] = local.checkpoint()
        return known[call]

    return run
