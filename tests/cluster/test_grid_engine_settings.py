"""What settings.py reads from a real Grid Engine."""

import json
import os
import subprocess
import sys

import pytest

from tests.jobs.conftest import ROOT

pytestmark = pytest.mark.gridengine

PROGRAM = """
import json, types
import jobs
from sisyphus import gs

def limited(asked, now):
    return gs.check_engine_limits(now, types.SimpleNamespace(rqmt=lambda: asked))

asks = {"mem": 1, "time": 4}
short = asks | {"qsub_args": ["-V", "-q", "short.q"]}
print(json.dumps([
    gs.scheduler(),
    gs.num_gpus(),
    limited(asks, {"mem": 4, "time": 64}),
    limited(asks, {"mem": 32, "time": 64}),
    limited(short, short | {"time": 64}),
    limited(short | {"time": 64}, short | {"time": 64}),
    limited(asks | {"engine": "short"}, {"mem": 32, "engine": "short"}),
]))
"""


def settings(**environment):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, env=os.environ | environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_engine_gpus_and_limits(grid_engine):
    """A job's own requirement is not reduced: the job waits for it, and qstat -j gives the reason."""
    where, gpus, *found = settings(**grid_engine.own)
    assert (where, gpus) == ("sge", 1)
    assert [(rqmt["mem"], rqmt.get("time")) for rqmt in found] == [(4, 64), (16, 64), (1, 36.5), (1, 64), (32, None)]


def test_a_cell_that_is_down_is_still_the_engine_and_phases_still_need_a_gpu(grid_engine):
    """Jobs that run in the cell must not be started on this machine."""
    where, gpus, *_ = settings(**grid_engine.own | {"SGE_QMASTER_PORT": "1"})
    assert (where, gpus) == ("sge", 1)


def test_without_a_cell_the_engine_is_this_machine(tmp_path):
    where, *_ = settings(SGE_ROOT=str(tmp_path))
    assert where == "local"
