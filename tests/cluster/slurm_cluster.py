"""A real Slurm on the loopback address, in a folder of its own: munged, slurmctld and slurmd of Debian's packages."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType

import psutil

from tests.cluster.daemons import Daemons, free_port

CONF = """
ClusterName=test
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={ctld_port}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
CryptoType=crypto/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
SlurmdParameters=config_overrides
SlurmdTimeout=10
MessageTimeout=5
KillWait=15
MinJobAge=3600
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
PartitionName=limited Nodes=ALL MaxTime=1-12:30:00 State=UP
"""
NODE = "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=2 RealMemory=16000 Gres=gpu:1 State=UNKNOWN\n"


class SlurmCluster(Daemons):
    """
    :param num_nodes: number of nodes, all on this machine
    """

    name, submit, query = "Slurm", "sbatch", "squeue"
    held = MappingProxyType({"sbatch_args": ["--hold"]})
    warned = MappingProxyType({"time": 1 / 60, "sbatch_args": "--signal=USR1@30"})
    refused = MappingProxyType({"sbatch_args": "-p nonsense"})

    def __init__(self, folder: Path, num_nodes: int = 1):
        super().__init__(folder, SLURM_CONF=f"{folder}/slurm.conf")
        self.nodes = {"node1": "slurmd"} | {f"node{i}": f"slurmd{i}" for i in range(2, num_nodes + 1)}
        """node → key in `daemons`"""
        self.host = socket.gethostname().split(".")[0]

    # control

    def start(self) -> None:
        for name in ("state", *(f"spool.{node}" for node in self.nodes)):
            (self.folder / name).mkdir()
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(64))
        key.chmod(0o400)
        conf = CONF.format(folder=self.folder, ctld_port=free_port())
        nodes = [NODE.format(name=node, host=self.host, port=free_port()) for node in self.nodes]
        (self.folder / "slurm.conf").write_text("".join([conf, *nodes]))
        (self.folder / "gres.conf").write_text("Name=gpu File=/dev/null\n")
        (self.folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
        files = {"key-file": "munge.key", "socket": "munge.socket", "pid-file": "munge.pid", "log-file": "munge.log"}
        files["seed-file"] = "munge.seed"
        self.start_daemon("munged", "--foreground", "--force", *(f"--{k}={self.folder / v}" for k, v in files.items()))
        self.clear()

    def start_controller(self) -> None:
        self.start_daemon("slurmctld", "-D", "-f", f"{self.folder}/slurm.conf", "-i")
        self.wait_until(lambda: "UP" in self.run("scontrol", "ping"), "slurmctld answers")

    def stop_controller(self) -> None:
        self.stop_daemon("slurmctld")

    def start_node(self, node: str = "node1") -> None:
        self.start_daemon("slurmd", "-D", "-f", f"{self.folder}/slurm.conf", "-N", node, called=self.nodes[node])

    def fail_node(self) -> None:
        """Kills slurmd and every process under it at once, as a power failure would."""
        self.kill_processes("SLURM_JOB_ID", "slurmstepd")
        self.stop_daemon("slurmd", signal.SIGKILL)

    def clear(self) -> None:
        if "slurmctld" not in self.daemons:
            self.start_controller()
        for node, daemon in self.nodes.items():
            if daemon not in self.daemons:
                self.start_node(node)
        self._kill_jobs()
        self.wait_until(lambda: not self.run("squeue", "-h"), "no job is left", 150)
        self.wait_until(
            lambda: set(self.run("sinfo", "-h", "-N", "-o", "%T").split()) == {"idle"}, "all nodes are idle"
        )

    def cancel_all(self) -> None:
        self.run("scancel", "-u", "root")

    def cancel(self, job: str) -> None:
        self.run("scancel", job, check=True)

    def suspend(self, job: str) -> None:
        self.run("scontrol", "suspend", job, check=True)

    def unsuspend(self, job: str) -> None:
        self.run("scontrol", "resume", job, check=True)

    def release(self, job: str) -> None:
        self.run("scontrol", "release", job, check=True)

    def endings(self, folder: Path, worker: Callable[[], psutil.Process]) -> list[Callable[[], object]]:
        """Node failure, requeue, the signals that --signal sends, scancel."""

        def running() -> str:
            (job,) = [job for job in self.jobs(folder) if job["JobState"] == "RUNNING"]
            return job["JobId"]

        return [
            lambda: (self.fail_node(), self.start_node()),
            lambda: self.run("scontrol", "requeue", running()),
            lambda: self.run("scancel", "--signal=USR1", running()),
            lambda: self.run("scancel", "--signal=TERM", running()),
            lambda: self.run("scancel", running()),
        ]

    def _kill_jobs(self) -> None:
        if self.run("squeue", "-h"):
            self.run("scancel", "--full", "-s", "KILL", "-u", "root")
            self.cancel_all()

    def stop(self) -> None:
        if "slurmctld" in self.daemons and "slurmd" in self.daemons:
            self._kill_jobs()
        for name in (*self.nodes.values(), "slurmctld", "munged"):
            if name in self.daemons:
                self.stop_daemon(name)

    # queries

    def jobs(self, folder: Path) -> list[dict[str, str]]:
        """:return: fields of `scontrol show job`"""
        lines = self.run("scontrol", "-o", "show", "job").splitlines()
        jobs = [dict(word.split("=", 1) for word in line.split() if "=" in word) for line in lines if "JobId=" in line]
        return [job for job in jobs if job["WorkDir"] == str(folder)]

    def job_name(self, job: dict[str, str]) -> str:
        return job["JobName"]

    def requested(self, job: dict[str, str]) -> dict[str, str]:
        return {name: job[name] for name in ("TresPerNode", "MinMemoryNode", "CPUs/Task", "TimeLimit")}

    def active(self, folder: Path) -> list[str]:
        ended = ("COMPLETED", "CANCELLED", "FAILED", "TIMEOUT", "OUT_OF_MEMORY", "NODE_FAIL")
        return [job["JobId"] for job in self.jobs(folder) if job["JobState"] not in ended]
