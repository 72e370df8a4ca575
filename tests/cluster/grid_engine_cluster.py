"""A real Grid Engine on the loopback address, with its own root folder and ports: sge_qmaster and sge_execd of Debian's
packages, whose installation is only read."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import signal
import socket
from pathlib import Path

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
SHORT_QUEUE = QUEUE | {"qname": "short.q", "h_rt": "36:30:00", "slots": "0"}  # for tests that query limits
NODE = "gpu=1,num_proc=2,h_rss=16G"
CONSUMABLES = {"gpu": "INT", "num_proc": "INT", "h_rss": "MEMORY"}
COMPLEX = "name {name}\nshortcut {name}\ntype {type}\nrelop <=\nrequestable YES\nconsumable YES\ndefault 0\nurgency 0\n"


class GridEngineCluster(Daemons):
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
        self.start_qmaster()
        self.run("qconf", "-as", "localhost")
        self._configure("-Msconf", self.run("qconf", "-ssconf"), SCHEDULE)
        self._configure("-Ap", (DEBIAN_FILES / "util/resources/pe/mpi").read_text(), {})
        self.start_node()
        self._configure("-Aq", self.run("qconf", "-sq"), QUEUE)
        self._configure("-Aq", self.run("qconf", "-sq"), SHORT_QUEUE)
        self.run("qconf", "-rattr", "exechost", "complex_values", NODE, "localhost", check=True)

    def _spool(self) -> None:
        """Writes the files that qmaster reads when it starts."""
        self.run(PROGRAMS / "spoolinit", "berkeleydb", "libspoolb", self.folder / "spooldb", "init", check=True)
        complexes = shutil.copytree(DEBIAN_FILES / "util/resources/centry", self.folder / "complexes")
        for name, kind in CONSUMABLES.items():
            (complexes / name).write_text(COMPLEX.format(name=name, type=kind))
        # sge_execd identifies processes by these groups: another Grid Engine on this machine must use others
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

    def start_qmaster(self) -> None:
        self.start_daemon("sge_qmaster", SGE_ND="1")  # in the foreground
        self.wait_until(lambda: self.run("qconf", "-sh"), "sge_qmaster answers")

    def start_node(self) -> None:
        self.start_daemon("sge_execd", SGE_ND="1")
        self.wait_until(lambda: "lx-amd64" in self.run("qhost", "-h", "localhost"), "sge_execd answers")

    def fail_node(self) -> None:
        """Simulates a power failure: kills sge_execd and everything that runs under it at once."""
        self.stop_daemon("sge_execd", signal.SIGKILL)
        self.kill_processes("JOB_ID", "sge_shepherd")

    def clear(self) -> None:
        if "sge_qmaster" not in self.daemons:
            self.start_qmaster()
        if "sge_execd" not in self.daemons:
            self.start_node()
        self.cancel_all()
        self.wait_until(lambda: not self.run("qstat"), "no job is left")

    def cancel_all(self) -> None:
        self.run("qdel", "-u", "root")

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
        """:return: one record for each end of a task, see accounting(5)"""
        fields = {"name": 4, "id": 5, "failed": 11, "exit_status": 12, "pe": 33, "slots": 34, "task": 35, "asked": 39}
        file = self.folder / "default/common/accounting"
        lines = file.read_text().splitlines() if file.exists() else []
        found = [line.split(":") for line in lines if not line.startswith("#")]
        return [{name: values[number] for name, number in fields.items()} for values in found]

    def jobs(self, folder: Path) -> list[dict[str, str]]:
        """:return: jobs of this folder, known by the suffix that settings.py adds to job names"""
        mark = hashlib.sha256(os.path.realpath(folder / "work").encode()).hexdigest()[:8]
        return [job for job in self.all_jobs() if job["name"].endswith(mark)]

    def running(self) -> str:
        """:return: id of the only running job"""
        (line,) = self.run("qstat", "-s", "r").splitlines()[2:]
        return line.split()[0]


def changed(text: str, values: dict[str, str]) -> str:
    """
    :param text: name, blanks and value in each line
    :param values: name → its new value
    :raises KeyError: there is no such name
    """
    text = text.replace("\\\n", "")
    for name, value in values.items():
        text, count = re.subn(rf"(?m)^{name}\b.*$", f"{name} {value}", text)
        if not count:
            raise KeyError(name)
    return text
