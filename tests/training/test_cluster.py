import os
import time

import pytest

from boulder.errors import TrainingError
from boulder.training.cluster import RANK, cluster_of_job


@pytest.fixture
def scontrol(tmp_path, monkeypatch):
    """A program in its place, which knows node1 to node3; node2 has an address of its own."""
    put_in_path(
        monkeypatch,
        tmp_path / "scontrol",
        '[ "$2" = hostnames ] && printf "node1\\nnode2\\nnode3\\n"\n'
        'for i in 1 2 3; do echo "NodeName=node$i Arch=x86_64 NodeAddr=$([ $i = 2 ] && echo 10.0.0.2 || echo node$i) X=1"; done'
        ' | if [ "$3" = node ]; then cat; else cat >/dev/null; fi\n',
    )


@pytest.fixture
def qrsh(tmp_path, monkeypatch):
    """A stand-in for qrsh that notes rank and host, and cannot connect the first time. Returns the file with its notes."""
    notes = tmp_path / "notes"
    script = f'mkdir {notes}.$PE_RANK || : > ".rank.$PE_RANK.$JOB_ID"; echo "$PE_RANK $4" >> {notes}\n'
    put_in_path(monkeypatch, tmp_path / "qrsh", script)
    return notes


def put_in_path(monkeypatch, program, script: str) -> None:
    program.write_text(f"#!/bin/sh\n{script}")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


def slurm(**more):
    return {"SLURM_PROCID": "1", "SLURM_JOB_ID": "17", "SLURM_JOB_NODELIST": "node[1-3]"} | more


def hosts(cluster) -> list[str]:
    return [address.rpartition(":")[0] for address in cluster.addresses]


def ports(cluster) -> list[int]:
    return [int(address.rpartition(":")[2]) for address in cluster.addresses]


def test_addresses_and_rank_from_slurm(scontrol):
    cluster = cluster_of_job(3, slurm())
    assert hosts(cluster) == ["node1", "10.0.0.2", "node3"]
    assert cluster.rank == 1


def test_a_node_may_have_several_processes(scontrol):
    assert hosts(cluster_of_job(6, slurm(SLURM_STEP_TASKS_PER_NODE="2(x3)"))) == [
        "node1", "node1", "10.0.0.2", "10.0.0.2", "node3", "node3",
    ]  # fmt: skip
    assert hosts(cluster_of_job(4, slurm(SLURM_STEP_TASKS_PER_NODE="2,1(x2)"))) == [
        "node1", "node1", "10.0.0.2", "node3",
    ]  # fmt: skip


def test_all_processes_of_a_job_share_ports_that_another_job_does_not_use(scontrol):
    first = cluster_of_job(3, slurm())
    assert ports(first) == ports(cluster_of_job(3, slurm(SLURM_PROCID="2")))
    assert len(set(ports(first))) == 3
    others = [ports(cluster_of_job(3, slurm(SLURM_JOB_ID=str(job))))[0] for job in range(20)]
    assert len(set(others)) == 20
    assert all(10_000 <= port < 30_000 for port in others)


def test_grid_engine_lists_the_hosts_in_a_file_and_the_first_process_starts_the_others(tmp_path, monkeypatch, qrsh):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hosts").write_text("a.example 1 all.q@a.example UNDEFINED\nb.example 2 all.q@b.example UNDEFINED\n")
    environment = {"PE_HOSTFILE": str(tmp_path / "hosts"), "JOB_ID": "5"}
    assert cluster_of_job(3, environment | {RANK: "2"}).rank == 2
    assert not qrsh.exists()
    environment["PATH"] = os.environ["PATH"]
    cluster = cluster_of_job(3, environment)
    assert hosts(cluster) == ["a.example", "b.example", "b.example"]
    assert cluster.rank == 0
    expected = ["1 b.example", "1 b.example", "2 b.example", "2 b.example"]
    end = time.monotonic() + 30
    while sorted(qrsh.read_text().splitlines() if qrsh.exists() else []) != expected:
        assert time.monotonic() < end, qrsh.read_text()
        time.sleep(0.02)


def test_without_qrsh_the_other_processes_cannot_be_started(tmp_path):
    (tmp_path / "hosts").write_text("a.example 1 all.q@a.example UNDEFINED\nb.example 1 all.q@b.example UNDEFINED\n")
    with pytest.raises(TrainingError, match="qrsh"):
        cluster_of_job(2, {"PE_HOSTFILE": str(tmp_path / "hosts"), "JOB_ID": "5"})


def test_no_scheduler_or_another_number_of_processes_is_an_error(scontrol):
    with pytest.raises(TrainingError, match=r"nodes=2, but neither Slurm's srun nor Grid Engine .* SLURM_PROCID"):
        cluster_of_job(2, {})
    with pytest.raises(TrainingError, match="nodes=2, but the scheduler has started 3 processes"):
        cluster_of_job(2, slurm())
