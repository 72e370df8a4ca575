"""The section on Grid Engine of docs/cluster.md, and the document's commands on a real Grid Engine."""

import re
import sys

import pytest

import jobs  # noqa: F401  (makes sisyphus importable)
from sisyphus.son_of_grid_engine import SonOfGridEngine
from tests.cluster.grid_engine_cluster import CONSUMABLES, NODE
from tests.cluster.test_cluster_document import DOCUMENT, folder, run, without_installation

__all__ = ["folder"]  # a fixture

pytestmark = pytest.mark.gridengine
SECTION = DOCUMENT[DOCUMENT.index("## Grid Engine") :]


def test_the_tests_use_the_cell_that_the_document_describes():
    complexes = re.findall(r"(?m)^(\w+) +(\w+) +(INT|MEMORY) +<= +YES +YES +0 +0$", SECTION)
    assert complexes == [(name, name, kind) for name, kind in CONSUMABLES.items()]
    assert f"qconf -rattr exechost complex_values {NODE} NODE" in SECTION


def test_the_table_of_requirements_is_right():
    rows = re.findall(r"(?m)^\| `({.*})` \| `([^`]*)`", SECTION)
    assert len(rows) == 6
    for rqmt, said in rows:
        always = {"cpu": 1} if "cpu" not in rqmt else {}
        words = " ".join(SonOfGridEngine({}).options(eval(rqmt) | always))
        assert words.replace("-l num_proc=1,", "-l ").replace("-l num_proc=1 ", "") == said


@pytest.mark.slow
def test_every_command_of_the_document_works(folder, grid_engine):
    (folder / ".venv").symlink_to(sys.prefix)
    lines = [line.replace("BOULDER_ENGINE=slurm", "BOULDER_ENGINE=sge") for line in without_installation()]
    output = run([line for line in lines if not line.startswith(("squeue", "export SBATCH"))], folder, grid_engine)
    *_, last = output.split("+ .venv/bin/boulder run config/g2p.demo\n")
    finished, all_jobs = re.search(r"(\d+) of (\d+) jobs are finished already", last).groups()
    assert finished == all_jobs
    training = [job for job in grid_engine.all_jobs() if "PhaseTrainingJob" in job["name"]]
    assert len(training) == 4  # two phases, one of them twice, and the further epochs
    assert (folder / "output/g2p.demo/report.html").exists()
