"""A user's folder, with settings.py and config/, in which real managers and workers run."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from tests.tiny import write_data

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
UPSTREAM = os.environ.get("SISYPHUS_UPSTREAM")  # a checkout of upstream Sisyphus; PYTHONPATH may add its dependencies

CONFIG = """
from sisyphus import tk
from jobs.pipeline import lay_out
from tests.tiny import CONFIG, EXTERN_DATA, network


def experiment(last_width=6, indices_per_job=1, epochs=2, name="tiny", further=(), report=False):
    def algo(idx, net_dict):
        if idx == 2:
            return None
        return network(layers=1, width=(4, last_width)[min(idx, 1)])

    training = lay_out(
        name,
        network=network(layers=2, width=6, dropout=0.2),
        pretrain={"construction_algo": algo, "repetitions": epochs, "copy_param_mode": "subset"},
        num_epochs=3 * epochs,
        config=CONFIG | {"learning_rate": 0.01},
        extern_data=EXTERN_DATA,
        train_data=tk.Path("@data@/train.hdf"),
        dev_data=tk.Path("@data@/dev.hdf"),
        indices_per_job=indices_per_job,
        rqmt={"cpu": 1, "mem": 1},
        further_epochs=further,
        report=report,  # drawing it would take a second in each test
    )
    tk.register_output(f"{name}/checkpoint.h5", training.checkpoint)
"""


@dataclass
class Project:
    """
    :param folder: folder with settings.py and config/
    :param environment: additional environment variables of commands
    """

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    started: list[subprocess.Popen] = field(default_factory=list)

    def write_config(self, text: str, name: str = "tiny") -> None:
        (self.folder / "config" / f"{name}.py").write_text(text)

    def start(self, *command: str) -> subprocess.Popen:
        """:return: a process that runs in this folder, in a session of its own, without a terminal"""
        process = subprocess.Popen(
            [BIN / command[0], *command[1:]],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | {"COLUMNS": "200", "TERM": "dumb"} | self.environment,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def stop_all(self) -> None:
        """Kills the processes that are still running."""
        for process in self.started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def run(self, *command: str, timeout: float = 240) -> tuple[int, str]:
        """:return: exit code and output"""
        process = self.start(*command)
        try:
            output, _ = process.communicate(timeout=timeout)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        return process.returncode, output

    def stop(self, process: subprocess.Popen) -> str:
        """Sends Ctrl-C to a process of `start`, and kills workers, since upstream's outlive their manager. :return: its output"""
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(timeout=90)
        for worker in psutil.process_iter(["cmdline", "cwd"]):
            is_of_project = Path(worker.info["cwd"] or "/").is_relative_to(self.folder.resolve())
            if "worker" in (worker.info["cmdline"] or ()) and is_of_project:
                worker.kill()
        return process.communicate(timeout=90)[0]

    def finished_jobs(self) -> dict[str, float]:
        """:return: time at which each job finished, by job id"""
        markers = self.folder.glob("work/jobs/*/*/finished")
        return {marker.parent.name: marker.stat().st_mtime for marker in markers}

    def jobs(self) -> dict[str, Path]:
        """:return: job directories by phase name or job name, from `boulder status --json`"""
        status = self.status()
        found = {phase["phase"]: phase["folder"] for line in status["pipelines"] for phase in line["phases"]}
        found |= {job["name"]: f"work/{job['job']}" for job in status["other_jobs"]}
        return {name: self.folder / folder for name, folder in found.items()}

    def status(self, config: str = "config/tiny.reported") -> dict:
        code, output = self.run("boulder", "status", config, "--json")
        assert code in (0, 1), output
        return json.loads(output)

    def states(self, config: str = "config/tiny.reported") -> dict[str, str]:
        """:return: states by phase name"""
        return {phase["phase"]: phase["state"] for line in self.status(config)["pipelines"] for phase in line["phases"]}

    def checkpoint(self, name: str = "tiny") -> bytes:
        return (self.folder / "output" / name / "checkpoint.h5").read_bytes()


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("data"))


def make_project(folder: Path, data: Path, **environment: str) -> Project:
    """:return: a project in `folder`, with settings.py and config/tiny.py"""
    (folder / "config").mkdir(parents=True)
    (folder / "settings.py").symlink_to(ROOT / "settings.py")
    made = Project(folder, environment)
    made.write_config(CONFIG.replace("@data@", str(data)))
    return made


@pytest.fixture
def project(tmp_path, data) -> Project:
    return make_project(tmp_path / "project", data, BOULDER_ENGINE="local")


WITH_REPORT = """

def reported(epochs=2, further=()):
    from jobs.pipeline import laid_out_pipelines
    from jobs.report import ReportJob

    experiment(epochs=epochs, further=further)
    training = laid_out_pipelines()["tiny"]
    report = ReportJob(title="tiny", phases=training.rows, scores=training.scores, growth=training.growth)
    report.add_alias("tiny/report")
    tk.register_output("tiny/report.html", report.out_report)


def two():
    experiment(name="one")
    experiment(name="other", last_width=5)
"""


@pytest.fixture(scope="session")
def trained_folder(tmp_path_factory, data) -> Path:
    """A project whose `config/tiny.reported` has finished."""
    made = make_project(tmp_path_factory.mktemp("trained") / "project", data, BOULDER_ENGINE="local")
    with open(made.folder / "config/tiny.py", "a") as file:
        file.write(WITH_REPORT)
    code, output = made.run("boulder", "run", "config/tiny.reported")
    assert code == 0, output
    return made.folder


@pytest.fixture
def trained(trained_folder, tmp_path) -> Project:
    """A copy of that project that a test may change. Its aliases point to the original."""
    shutil.copytree(trained_folder, tmp_path / "project", symlinks=True)
    return Project(tmp_path / "project", {"BOULDER_ENGINE": "local"})


@pytest.fixture(params=["embedded", "upstream"])
def manager(request, tmp_path, monkeypatch) -> str:
    """The Sisyphus that `boulder` and `sis` import."""
    return use_sisyphus(request.param, tmp_path, monkeypatch)


def require_sisyphus(*which: str) -> None:
    """Skips the running test if it needs an upstream Sisyphus that is not available."""
    if "upstream" in which and not UPSTREAM:
        pytest.skip("SISYPHUS_UPSTREAM names no checkout of upstream Sisyphus")


def use_sisyphus(which: str, tmp_path: Path, monkeypatch) -> str:
    """Makes `boulder` and `sis` import the Sisyphus `which`, "embedded" or "upstream"."""
    if which == "upstream":
        require_sisyphus(which)
        (tmp_path / "upstream").mkdir(exist_ok=True)
        if not (tmp_path / "upstream/sisyphus").exists():
            (tmp_path / "upstream/sisyphus").symlink_to(Path(UPSTREAM, "sisyphus").resolve())
        more = os.environ.get("PYTHONPATH")
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "upstream"), *([more] if more else [])]))
    return which


def wait_for(condition, timeout: float = 90):
    """Waits until `condition()` is true. :return: its value"""
    end = time.monotonic() + timeout
    while not (found := condition()):
        assert time.monotonic() < end, f"not true within {timeout} s"
        time.sleep(0.02)
    return found
