"""What settings.py reads from a real Slurm."""

import json
import os
import subprocess
import sys

import pytest

from tests.jobs.conftest import ROOT

pytestmark = pytest.mark.slurm

PROGRAM = """
import json, types
import jobs
from sisyphus import gs

def limited(asked, now):
    return gs.check_engine_limits(now, types.SimpleNamespace(rqmt=lambda: asked))

in_limited = {"mem": 1, "time": 4, "sbatch_args": "-A me -p limited"}
print(json.dumps([
    gs.scheduler(),
    gs.num_gpus(),
    limited({"mem": 1, "time": 4}, {"mem": 4, "time": 64}),
    limited({"mem": 1, "time": 4}, {"mem": 32, "time": 64}),
    limited(in_limited, in_limited | {"time": 64}),
    limited(in_limited, in_limited | {"time": 32, "sbatch_args": ["--partition=limited"]}),
    limited(in_limited | {"time": 64}, in_limited | {"time": 64}),
    limited({"mem": 1, "engine": "short"}, {"mem": 32, "engine": "short"}),
]))
"""


def found_out(slurm):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, env=os.environ | slurm.own, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_engine_gpus_and_limits(slurm):
    """A job's own requirement is not reduced: Slurm refuses it."""
    where, gpus, *found = found_out(slurm)
    assert (where, gpus) == ("slurm", 1)
    assert [(rqmt["mem"], rqmt.get("time")) for rqmt in found] == [
        (4, 64),
        (16000 / 1024, 64),
        (1, 36.5),
        (1, 32),
        (1, 64),
        (32, None),
    ]


@pytest.mark.slow
def test_while_slurm_is_down_nothing_starts_on_this_machine_or_without_a_gpu(slurm):
    slurm.stop_daemon("slurmctld")
    where, gpus, *_ = found_out(slurm)
    assert (where, gpus) == ("slurm", 1)
