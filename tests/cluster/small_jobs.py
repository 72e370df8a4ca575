"""Small jobs on a real cluster, under Boulder's settings.py."""

import ast
import os
import shutil

from tests.embedded.conftest import Experiment
from tests.jobs.conftest import ROOT, wait_for

SLEEPER = "tk.register_output('out', Sleeper(20).out)"
WAITER = "tk.register_output('out', Waiter(1).out)"  # runs until the file `go` exists


class OnCluster(Experiment):
    """An experiment whose config is a single Sleeper at first. Wrappers of the cluster's commands come first in PATH."""

    def __init__(self, directory, cluster):
        super().__init__(directory)
        self.cluster = cluster
        self.variables = {}
        self.wrappers = directory / "wrappers"
        self.wrappers.mkdir()
        (directory / "settings.py").unlink()
        (directory / "settings.py").symlink_to(ROOT / "settings.py")
        self.py(SLEEPER)

    def py(self, *lines):
        """Writes the config function `py`; `Step.rqmt` is enough for a worker."""
        rqmt = "Step.rqmt = {'cpu': 1, 'mem': 0.5, 'time': 1}"
        self.config("\n    ".join(["def py():", rqmt, *lines]))

    def wrap(self, name, script='exec "$real" "$@"'):
        """Puts a shell script in place of a command. "$real" is the command itself. Each call is recorded."""
        path = self.wrappers / name
        note = f"date +%s.%N >> {self.directory}/calls.{name}; real={shutil.which(name)}; here={self.directory}"
        path.write_text(f"#!/bin/bash\n{note}\n{script}\n")
        path.chmod(0o755)

    def calls(self, name):
        """:return: the time of each call of a wrapped command, in seconds"""
        file = self.directory / f"calls.{name}"
        return [float(line) for line in file.read_text().split()] if file.exists() else []

    def environment(self, upstream=False, **variables):
        path = f"{self.wrappers}:{os.environ['PATH']}"
        own = {"PATH": path, **self.cluster.own, **self.variables}
        return super().environment(upstream, **own, **variables)

    def finish(self, timeout=120):
        """:return: output of a manager that runs to the end"""
        done = self.manager("-r", "setups/config.py", timeout=timeout)
        assert done.returncode == 0, done.output + self.cluster.logs()
        return done.output

    def begin(self):
        """:return: a manager whose only job is running"""
        manager = self.start("-r", "setups/config.py")
        wait_for(lambda: list(self.directory.glob("work/**/*er.*/work/count")))
        return manager

    def said(self):
        """:return: output so far of the managers that were started"""
        return (self.directory / "manager.log").read_text()

    def let_end(self, manager):
        """Lets the Waiters end, and then the manager."""
        (self.directory / "go").touch()
        assert manager.wait(60) == 0, self.said() + self.cluster.logs()

    def submissions(self, name):
        """:return: requirements of each submission of the only job of class `name`"""
        lines = (self.job(name) / "submit_log.run").read_text().splitlines()
        return [ast.literal_eval(line)[1] for line in lines]
