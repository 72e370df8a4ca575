"""The queues of Slurm and Grid Engine, read from recorded answers. Needs neither."""

from itertools import permutations

import pytest

import jobs  # noqa: F401 (finds Sisyphus)
from jobs.workdir import cluster_queue
from jobs.workdir.cluster_queue import SCHEDULERS, SLURM_STATES, Queued, grid_engine_state

SQUEUE = "7|PENDING|\n7|RUNNING|node1\n8|PENDING|\n8|COMPLETED|node2\n9|FAILED|node3\n"
QSTAT = """<job_info><queue_info><job_list><JB_job_number>7</JB_job_number><state>r</state>
<queue_name>all.q@node1</queue_name></job_list></queue_info><job_info>
<job_list><JB_job_number>7</JB_job_number><state>qw</state><queue_name></queue_name></job_list>
<job_list><JB_job_number>8</JB_job_number><state>Eqw</state></job_list></job_info></job_info>"""


@pytest.mark.parametrize(
    ("engine", "answer", "queue"),
    [
        ("slurm", SQUEUE, {"7": Queued("running", "node1"), "8": Queued("queue", "")}),
        ("sge", QSTAT, {"7": Queued("running", "node1"), "8": Queued("queue_error", "")}),
    ],
)
def test_a_queue_is_read_in_one_call(engine, answer, queue, monkeypatch):
    calls = []
    monkeypatch.setattr(cluster_queue, "_call", lambda command: calls.append(command[0]) or answer)
    assert SCHEDULERS[engine].queue() == queue
    assert len(calls) == 1


def test_the_stand_in_gives_a_job_of_slurm_the_same_state():
    slurm = pytest.importorskip("sisyphus.simple_linux_utility_for_resource_management_engine")
    if not hasattr(slurm, "STATES"):
        pytest.skip("upstream Sisyphus is installed")
    assert slurm.STATES == SLURM_STATES


def test_the_stand_in_gives_a_job_of_grid_engine_the_same_state():
    grid_engine = pytest.importorskip("sisyphus.son_of_grid_engine")
    if not hasattr(grid_engine, "parse_state"):
        pytest.skip("upstream Sisyphus is installed")
    letters = ["".join(some) for count in (1, 2, 3) for some in permutations("dEhqrRsSTtw", count)]
    assert [grid_engine_state(some) for some in letters] == [grid_engine.parse_state(some) for some in letters]


@pytest.mark.parametrize(
    ("engine", "answer", "message"),
    [
        ("slurm", "7|PENDING", "squeue: expected lines NUMBER.STATE.NODE, found '7.PENDING'$"),
        ("sge", "no cell", "qstat: expected XML, found 'no cell' "),
    ],
)
def test_an_answer_in_another_format_is_an_error_of_the_cluster(engine, answer, message, monkeypatch):
    monkeypatch.setattr(cluster_queue, "_call", lambda command: answer)
    with pytest.raises(cluster_queue.ClusterError, match=message):
        SCHEDULERS[engine].queue()
