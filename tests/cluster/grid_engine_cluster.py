"""A real Grid Engine on the loopback address, with a root folder and ports of its own: sge_qmaster and sge_execd from Debian's
packages. The packages' own installation is only read."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from xml.etree import ElementTree

import psutil

from tests.cluster.daemons import Daemons, free_port

DEBIAN_ROOT, DEBIAN_FILES = Path("/var/lib/gridengine"), Path("/usr/share/gridengine")
PROGRAMS = Path("/usr/lib/gridengine")

BOOTSTRAP = """\
admin_user        none
default_domain    none
ignore_fqdn       true
spooling_method   berkeleydb
spooling_lib      libspoolb
spooling_params   {folder}/spooldb
binary_path       {folder}/bin
qmaster_spool_dir {folder}/qmaster
security_mode     none
listener_threads  2
worker_threads    2
scheduler_threads 1
"""
# differences from Debian's files and Grid Engine's templates, under their names
CONFIGURATION = {
    "execd_spool_dir": "{folder}/execd",
    "administrator_mail": "none",
    "min_uid": "0",
    "min_gid": "0",
    "gid_range": "{gids}",
    "load_report_time": "0:0:2",
    "reporting_params": "accounting=true reporting=false flush_time=0:0:1 joblog=false sharelog=0:0:0",
}
SCHEDULE = {
    "schedule_interval": "0:0:1",
    "flush_submit_sec": "1",
    "flush_finish_sec": "1",
    "job_load_adjustments": "NONE",
}
QUEUE = {
    "qname": "all.q",
    "hostlist": "localhost",
    "load_thresholds": "NONE",
    "pe_list": "mpi",
    "slots": "4",
    "shell": "/bin/bash",
    "rerun": "TRUE",
}
SHORT_QUEUE = QUEUE | {"qname": "short.q", "h_rt": "36:30:00", "slots": "0"}  # for the limits that settings.py reads
NODE = "gpu=1,num_proc=2,h_rss=16G"
CONSUMABLES = {"gpu": "INT", "num_proc": "INT", "h_rss": "MEMORY"}
COMPLEX = "name {name}\nshortcut {name}\ntype {type}\nrelop <=\nrequestable YES\nconsumable YES\ndefault 0\nurgency 0\n"


class GridEngineCluster(Daemons):
    name, submit, query = "Grid Engine", "qsub", "qstat"
    held = MappingProxyType({"qsub_args": ["-h"]})
    warned = MappingProxyType({"time": 1 / 60})
    refused = MappingProxyType({"qsub_args": "-l nonsense=1"})

    def __init__(self, folder: Path):
        ports = {"SGE_QMASTER_PORT": str(free_port()), "SGE_EXECD_PORT": str(free_port())}
        super().__init__(folder, SGE_ROOT=str(folder), SGE_CELL="default", **ports)

    # control

    def start(self) -> None:
        for name in ("bin", "lib", "util", "utilbin"):
            (self.folder / name).symlink_to(DEBIAN_ROOT / name)
        common = self.folder / "default/common"
        for folder in (common, self.folder / "qmaster/job_scripts", self.folder / "execd", self.folder / "spooldb"):
            folder.mkdir(parents=True)
        (common / "bootstrap").write_text(BOOTSTRAP.format(folder=self.folder))
        (common / "act_qmaster").write_text("localhost\n")
        (common / "host_aliases").write_text(f"localhost {socket.gethostname()}\n")
        self._spool()
        self.start_controller()
        self.run("qconf", "-as", "localhost")
        self._configure("-Msconf", self.run("qconf", "-ssconf"), SCHEDULE)
        self._configure("-Ap", (DEBIAN_FILES / "util/resources/pe/mpi").read_text(), {})
        self.start_node()
        self._configure("-Aq", self.run("qconf", "-sq"), QUEUE)
        self._configure("-Aq", self.run("qconf", "-sq"), SHORT_QUEUE)
        self.run("qconf", "-rattr", "exechost", "complex_values", NODE, "localhost", check=True)

    def _spool(self) -> None:
        """Writes the spool that sge_qmaster reads when it starts."""
        self.run(PROGRAMS / "spoolinit", "berkeleydb", "libspoolb", self.folder / "spooldb", "init", check=True)
        complexes = shutil.copytree(DEBIAN_FILES / "util/resources/centry", self.folder / "complexes")
        for name, kind in CONSUMABLES.items():
            (complexes / name).write_text(COMPLEX.format(name=name, type=kind))
        # sge_execd tells the processes of its jobs by these groups; no other Grid Engine of this machine may use them
        first = 100_000 + 100 * int(self.own["SGE_QMASTER_PORT"])
        fields = {"folder": self.folder, "gids": f"{first}-{first + 99}"}
        values = {name: value.format(**fields) for name, value in CONFIGURATION.items()}
        configuration = self.folder / "configuration"
        configuration.write_text(changed((DEBIAN_FILES / "default-configuration").read_text(), values))
        for what in (["configuration", configuration], ["complexes", complexes], ["managers", "root"]):
            self.run(PROGRAMS / "spooldefaults", *what, check=True)
        self.run(PROGRAMS / "spooldefaults", "usersets", DEBIAN_FILES / "util/resources/usersets", check=True)

    def _configure(self, option: str, text: str, values: dict[str, str]) -> None:
        file = self.folder / "configure"
        file.write_text(changed(text, values))
        self.run("qconf", option, file, check=True)

    def start_controller(self) -> None:
        self.start_daemon("sge_qmaster", SGE_ND="1")  # in the foreground
        self.wait_until(lambda: self.run("qconf", "-sh"), "sge_qmaster answers")

    def stop_controller(self) -> None:
        self.stop_daemon("sge_qmaster", signal.SIGKILL)  # asked to end, it takes 7 s

    def start_node(self) -> None:
        self.start_daemon("sge_execd", SGE_ND="1")
        self.wait_until(lambda: "lx-amd64" in self.run("qhost", "-h", "localhost"), "sge_execd answers")

    def fail_node(self) -> None:
        """Kills sge_execd and every process under it at once, as a power failure would."""
        self.stop_daemon("sge_execd", signal.SIGKILL)
        self.kill_processes("JOB_ID", "sge_shepherd")

    def clear(self) -> None:
        if "sge_qmaster" not in self.daemons:
            self.start_controller()
        if "sge_execd" not in self.daemons:
            self.start_node()
        self.cancel_all()
        self.wait_until(lambda: not self.run("qstat"), "no job is left")

    def cancel_all(self) -> None:
        self.run("qdel", "-u", "root")

    def cancel(self, job: str) -> None:
        self.run("qdel", job, check=True)

    def suspend(self, job: str) -> None:
        self.run("qmod", "-sj", job, check=True)

    def unsuspend(self, job: str) -> None:
        self.run("qmod", "-usj", job, check=True)

    def release(self, job: str) -> None:
        self.run("qrls", job, check=True)

    def endings(self, folder: Path, worker: Callable[[], psutil.Process]) -> list[Callable[[], object]]:
        """Node failure, rescheduling, a warning's signal, qdel."""

        def running() -> str:
            (job,) = [job for job, state in self._listed(folder).items() if state in ("r", "Rr")]
            return job

        return [
            lambda: (self.fail_node(), self.start_node()),
            lambda: self.run("qmod", "-rj", running(), check=True),
            lambda: worker().send_signal(signal.SIGUSR2),
            lambda: self.run("qdel", running(), check=True),
        ]

    def stop(self) -> None:
        if "sge_qmaster" in self.daemons and "sge_execd" in self.daemons:
            with contextlib.suppress(TimeoutError):
                self.clear()
        for name in ("sge_execd", "sge_qmaster"):
            if name in self.daemons:
                self.stop_daemon(name, signal.SIGKILL)  # asked to end, sge_qmaster takes 7 s
        self.kill_processes("JOB_ID", "sge_shepherd")

    # queries

    def all_jobs(self) -> list[dict[str, str]]:
        """:return: a record for each time a task ended, from accounting(5)"""
        fields = {"name": 4, "id": 5, "failed": 11, "exit_status": 12, "pe": 33, "slots": 34, "task": 35, "asked": 39}
        file = self.folder / "default/common/accounting"
        lines = file.read_text().splitlines() if file.exists() else []
        found = [line.split(":") for line in lines if not line.startswith("#")]
        return [{name: values[number] for name, number in fields.items()} for values in found]

    def jobs(self, folder: Path) -> list[dict[str, str]]:
        """:return: records of `all_jobs`. They appear when a job ends."""
        return [job for job in self.all_jobs() if job["name"].endswith(_mark(folder))]

    def job_name(self, job: dict[str, str]) -> str:
        return job["name"]

    def requested(self, job: dict[str, str]) -> dict[str, str]:
        return dict(re.findall(r"(\w+)=([^, ]+)", job["asked"]))

    def active(self, folder: Path) -> list[str]:
        return list(self._listed(folder))

    def _listed(self, folder: Path) -> dict[str, str]:
        """:return: states of the jobs that qstat lists, by id"""
        jobs = [[job.findtext(field) for field in ("JB_job_number", "JB_name", "state")] for job in self._job_list()]
        return {job: state for job, name, state in jobs if name.endswith(_mark(folder))}

    def _job_list(self) -> list[ElementTree.Element]:
        return list(ElementTree.fromstring(self.run("qstat", "-xml", check=True)).iter("job_list"))


def _mark(folder: Path) -> str:
    """:return: end of the names of jobs that were submitted in `folder`; settings.py derives it from the work directory"""
    return hashlib.sha256(os.path.realpath(folder / "work").encode()).hexdigest()[:8]


def changed(text: str, values: dict[str, str]) -> str:
    """
    :param text: a name, blanks and a value in each line
    :param values: new values by name
    :return: `text` with the new values
    :raises KeyError: if a name is not in `text`
    """
    text = text.replace("\\\n", "")
    for name, value in values.items():
        text, count = re.subn(rf"(?m)^{name}\b.*$", f"{name} {value}", text)
        if not count:
            raise KeyError(name)
    return text
