"""A real Slurm on the loopback address, in a folder of its own: munged, slurmctld and slurmd of Debian's packages."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

from tests.cluster.daemons import Daemons, free_port

CONF = """
ClusterName=test
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={ctld_port}
SlurmdPort={slurmd_port}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
CryptoType=crypto/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
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
NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=16000 Gres=gpu:1 State=UNKNOWN
PartitionName=all Nodes={node} Default=YES MaxTime=INFINITE State=UP
PartitionName=limited Nodes={node} MaxTime=1-12:30:00 State=UP
"""


class SlurmCluster(Daemons):
    def __init__(self, folder: Path):
        super().__init__(folder, SLURM_CONF=f"{folder}/slurm.conf")
        self.host = socket.gethostname().split(".")[0]

    # control

    def start(self) -> None:
        for name in ("state", "spool"):
            (self.folder / name).mkdir()
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(64))
        key.chmod(0o400)
        conf = CONF.format(
            folder=self.folder, node="node1", host=self.host, ctld_port=free_port(), slurmd_port=free_port()
        )
        (self.folder / "slurm.conf").write_text(conf)
        (self.folder / "gres.conf").write_text("Name=gpu File=/dev/null\n")
        (self.folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
        files = {"key-file": "munge.key", "socket": "munge.socket", "pid-file": "munge.pid", "log-file": "munge.log"}
        files["seed-file"] = "munge.seed"
        self.start_daemon("munged", "--foreground", "--force", *(f"--{k}={self.folder / v}" for k, v in files.items()))
        self.clear()

    def start_controller(self) -> None:
        self.start_daemon("slurmctld", "-D", "-f", f"{self.folder}/slurm.conf", "-i")
        self.wait_until(lambda: "UP" in self.run("scontrol", "ping"), "slurmctld answers")

    def start_node(self) -> None:
        self.start_daemon("slurmd", "-D", "-f", f"{self.folder}/slurm.conf", "-N", "node1")

    def fail_node(self) -> None:
        """As if its power went: slurmd and all that runs under it are gone at once."""
        self.kill_processes("SLURM_JOB_ID", "slurmstepd")
        self.stop_daemon("slurmd", signal.SIGKILL)

    def clear(self) -> None:
        """As at the beginning, whatever a test left behind."""
        if "slurmctld" not in self.daemons:
            self.start_controller()
        if "slurmd" not in self.daemons:
            self.start_node()
        self._kill_jobs()
        self.wait_until(lambda: not self.run("squeue", "-h"), "no job is left", 150)
        self.wait_until(lambda: "idle" in self.run("sinfo", "-h", "-o", "%T"), "the node is idle")

    def _kill_jobs(self) -> None:
        if self.run("squeue", "-h"):
            self.run("scancel", "--full", "-s", "KILL", "-u", "root")
            self.run("scancel", "-u", "root")

    def stop(self) -> None:
        if "slurmctld" in self.daemons and "slurmd" in self.daemons:
            self._kill_jobs()
        for name in ("slurmd", "slurmctld", "munged"):
            if name in self.daemons:
                self.stop_daemon(name)

    # questions

    def jobs(self, folder: Path) -> list[dict[str, str]]:
        """:return: those submitted in `folder`, also if they have ended, as `scontrol show job` tells them"""
        lines = self.run("scontrol", "-o", "show", "job").splitlines()
        jobs = [dict(word.split("=", 1) for word in line.split() if "=" in word) for line in lines if "JobId=" in line]
        return [job for job in jobs if job["WorkDir"] == str(folder)]
