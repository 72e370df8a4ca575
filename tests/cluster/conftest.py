"""A Slurm for each module, and projects whose managers submit to it."""

import shutil
import tempfile
from pathlib import Path

import pytest

from tests.cluster.slurm_cluster import SlurmCluster
from tests.jobs.conftest import Project, make_project
from tests.tiny import write_data

IMPORTS = """

import os
from jobs.rqmt import training_rqmt

RQMT = training_rqmt(cpu=1, mem=float(os.environ.get("MEM", 1)), time=float(os.environ.get("HOURS", 4)))
if "SBATCH_ARGS" in os.environ:
    RQMT["sbatch_args"] = os.environ["SBATCH_ARGS"]
"""


@pytest.fixture(scope="module")
def slurm():
    folder = Path(tempfile.mkdtemp(prefix="slurm"))  # munged wants short paths that others cannot write to
    cluster = SlurmCluster(folder)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture
def project(tmp_path, data, slurm) -> Project:
    made = make_project(tmp_path / "project", data, SLURM_CONF=slurm.environment["SLURM_CONF"])
    config = made.folder / "config/tiny.py"
    asks = 'rqmt={"cpu": 1, "mem": 1}'
    assert asks in config.read_text()
    config.write_text(config.read_text().replace(asks, "rqmt=RQMT") + IMPORTS)
    return made


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
