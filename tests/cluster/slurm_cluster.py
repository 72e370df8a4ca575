"""A real Slurm on the loopback address, in a folder of its own: munged, slurmctld and slurmd of Debian's packages."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import psutil

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scontrol")
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
MinJobAge=300
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=16000 Gres=gpu:1 State=UNKNOWN
PartitionName=all Nodes={node} Default=YES MaxTime=INFINITE State=UP
"""


def missing_programs() -> list[str]:
    return [name for name in PROGRAMS if not shutil.which(name, path=_path())]


def _path() -> str:
    return os.environ["PATH"] + ":/usr/sbin:/sbin"


class SlurmCluster:
    """
    :param folder: an empty one, of which only the owner may write the parents
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.host = socket.gethostname().split(".")[0]
        self.environment = os.environ | {"SLURM_CONF": f"{folder}/slurm.conf", "PATH": _path()}
        self.daemons: dict[str, subprocess.Popen] = {}

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
        self._start("munged", "--foreground", "--force", *(f"--{k}={self.folder / v}" for k, v in files.items()))
        self.start_controller()
        self.start_node()
        self.wait_until(lambda: "idle" in self.run("sinfo", "-h", "-o", "%T"), "the node is idle")

    def start_controller(self) -> None:
        self._start("slurmctld", "-D", "-f", f"{self.folder}/slurm.conf", "-i")
        self.wait_until(lambda: "UP" in self.run("scontrol", "ping"), "slurmctld answers")

    def start_node(self) -> None:
        self._start("slurmd", "-D", "-f", f"{self.folder}/slurm.conf", "-N", "node1")

    def fail_node(self) -> None:
        """As if its power went: slurmd and all that runs under it are gone at once."""
        for process in psutil.process_iter(["environ"]):
            environment = process.info["environ"] or {}
            ours = environment.get("SLURM_CONF") == self.environment["SLURM_CONF"]
            if ours and "SLURM_JOB_ID" in environment:
                with contextlib.suppress(psutil.Error):
                    above = [p for p in process.parents() if p.name() == "slurmstepd"]
                    for one in [*above, process]:
                        one.kill()
        self.stop_daemon("slurmd", signal.SIGKILL)

    def _start(self, name: str, *arguments: str) -> None:
        program = shutil.which(name, path=_path())
        with open(self.folder / f"{name}.out", "ab") as out:
            self.daemons[name] = subprocess.Popen(
                [program, *arguments], env=self.environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )

    def stop_daemon(self, name: str, how: int = signal.SIGTERM) -> None:
        process = self.daemons.pop(name)
        process.send_signal(how)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def stop(self) -> None:
        if "slurmctld" in self.daemons and "slurmd" in self.daemons:
            self.run("scancel", "--full", "-s", "KILL", "-u", "root", check=False)
            self.run("scancel", "-u", "root", check=False)
        for name in ("slurmd", "slurmctld", "munged"):
            if name in self.daemons:
                self.stop_daemon(name)

    # questions

    def run(self, *command: str, check: bool = False) -> str:
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60, check=check)
        return done.stdout

    def jobs(self) -> list[dict[str, str]]:
        """:return: all that slurmctld still knows, as `scontrol show job` tells them"""
        lines = self.run("scontrol", "-o", "show", "job").splitlines()
        return [dict(word.split("=", 1) for word in line.split() if "=" in word) for line in lines if "JobId=" in line]

    def wait_until(self, holds, what: str, seconds: float = 60) -> None:
        end = time.time() + seconds
        while not holds():
            if time.time() > end:
                raise TimeoutError(f"after {seconds} s: not true that {what}\n{self.logs()}")
            time.sleep(0.2)

    def logs(self) -> str:
        """:return: the last lines of what the daemons say"""
        files = sorted([*self.folder.glob("*.log"), *self.folder.glob("*.out")])
        return "\n".join(f"{f.name}: {f.read_text(errors='replace')[-1500:]}" for f in files)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]
