"""Phases that train on several nodes of a real Slurm or Grid Engine, all on the loopback address."""

import os
import signal
import subprocess
from pathlib import Path

import h5py
import numpy as np
import psutil
import pytest

from boulder.training.scores import read_scores
from tests.cluster.conftest import started
from tests.cluster.daemons import Daemons
from tests.cluster.grid_engine_cluster import GridEngineCluster
from tests.cluster.slurm_cluster import SlurmCluster
from tests.jobs.conftest import Project, make_project, wait_for
from tests.tiny import write_data

UPSTREAM = os.environ.get("SISYPHUS_UPSTREAM")  # a checkout of upstream Sisyphus; PYTHONPATH may add its dependencies
LONG = "experiment(2, 15)"

CONFIG = """
from jobs.pipeline import lay_out
from sisyphus import tk
from tests.tiny import CONFIG, EXTERN_DATA, network


def experiment(nodes, epochs=2, name="tiny"):
    def algo(idx, net_dict):
        return network(layers=1, width=4) if idx == 0 else None

    training = lay_out(
        name,
        network=network(layers=1, width=6),
        pretrain={"construction_algo": algo, "repetitions": epochs, "copy_param_mode": "subset"},
        num_epochs=2 * epochs,
        config=CONFIG | {"learning_rate": 0.01},
        extern_data=EXTERN_DATA,
        train_data=tk.Path("@data@/train.hdf"),
        dev_data=tk.Path("@data@/dev.hdf"),
        indices_per_job=None,
        rqmt={"cpu": 1, "mem": 1},
        nodes=nodes,
    )
    tk.register_output(f"{name}/checkpoint.h5", training.checkpoint)
    tk.register_output(f"{name}/scores.jsonl", training.scores[0])
"""


class ThreeNodes(SlurmCluster):
    def __init__(self, folder: Path):
        super().__init__(folder, num_nodes=3)


@pytest.fixture(scope="module")
def slurm():
    yield from started(ThreeNodes)


@pytest.fixture(scope="module")
def make(tmp_path_factory):
    """:return: function (environment) → project of this file's config"""
    data = write_data(tmp_path_factory.mktemp("data"))

    def project(**environment) -> Project:
        made = make_project(tmp_path_factory.mktemp("several") / "project", data, **environment)
        made.write_config(CONFIG.replace("@data@", str(data)))
        return made

    return project


@pytest.fixture
def project(make, slurm) -> Project:
    return make(**slurm.own)


@pytest.fixture(scope="module")
def alone(make):
    """`alone(epochs)` returns the project of the same training by one worker on the joint batches."""
    known = {}

    def run(epochs: int) -> Project:
        if epochs not in known:
            known[epochs] = make(BOULDER_ENGINE="local")
            code, output = known[epochs].run("boulder", "run", f"config/tiny.experiment(1, {epochs})")
            assert code == 0, output
        return known[epochs]

    return run


def curve(project: Project) -> list[float]:
    records = read_scores(project.folder / "output/tiny/scores.jsonl")
    return [record[data][key] for record in records for data in ("train", "dev") for key in sorted(record[data])]


def parameters(project: Project) -> dict[str, np.ndarray]:
    found = {}
    with h5py.File(project.folder / "output/tiny/checkpoint.h5") as file:
        file["params"].visititems(lambda name, item: found.update({name: item[()]} if hasattr(item, "dtype") else {}))
    return found


def assert_same_training(project: Project, other: Project) -> None:
    """Compares scores to a relative 1e-5, and parameters to 1e-5 of the largest value of their array."""
    assert curve(project) == pytest.approx(curve(other), rel=1e-5)
    expected = parameters(other)
    for name, value in parameters(project).items():
        np.testing.assert_allclose(value, expected[name], rtol=0, atol=1e-5 * abs(expected[name]).max(), err_msg=name)


def folder_of(project: Project) -> Path:
    (folder,) = project.folder.glob("work/jobs/phase_training/PhaseTrainingJob.*")
    return folder


@pytest.mark.slurm
@pytest.mark.slow
@pytest.mark.parametrize("nodes", [2, 3])
def test_several_workers_have_the_loss_curve_of_one_on_the_joint_batches(nodes, project, slurm, alone):
    code, output = project.run("boulder", "run", f"config/tiny.experiment({nodes}, 2)")
    assert code == 0, output + slurm.logs()
    assert_same_training(project, alone(2))
    (job,) = slurm.jobs(project.folder)
    assert (job["NumNodes"], job["NumTasks"], job["ExitCode"]) == (str(nodes), str(nodes), "0:0")
    logs = [folder_of(project) / f"log.run.1{suffix}" for suffix in ("", *(f".{rank}" for rank in range(1, nodes)))]
    assert [log.read_text().count("Job finished successfully") for log in logs] == [1] * nodes


def worker_of(project: Project, **environment: str | None) -> psutil.Process:
    """:param environment: variables of the worker; None: a variable that it lacks"""
    for process in psutil.process_iter(["cmdline", "cwd", "environ"]):
        found = process.info["environ"] or {}
        its = all(found.get(name) == value for name, value in environment.items())
        here = (process.info["cwd"] or "").startswith(str(project.folder))
        if here and its and "worker" in (process.info["cmdline"] or ()) and "python" in process.name():
            return process
    raise LookupError(f"no worker with {environment}")


def end_well(manager: subprocess.Popen, cluster: Daemons) -> None:
    try:
        output, _ = manager.communicate(timeout=300)
    finally:
        if manager.poll() is None:
            os.killpg(manager.pid, signal.SIGKILL)
    assert manager.returncode == 0, output + cluster.logs()


def wait_until_saved(project: Project) -> None:
    wait_for(lambda: list(project.folder.glob("work/jobs/phase_training/*/work/checkpoints/epoch.000002.h5")), 400)


@pytest.fixture(scope="module")
def undisturbed(make, slurm) -> Project:
    done = make(**slurm.own)
    code, output = done.run("boulder", "run", f"config/tiny.{LONG}")
    assert code == 0, output + slurm.logs()
    return done


@pytest.mark.slurm
@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 1])
def test_after_one_worker_is_killed_the_job_resumes_and_ends_in_the_same_bytes(rank, project, slurm, undisturbed):
    manager = project.start("boulder", "run", f"config/tiny.{LONG}")
    wait_until_saved(project)
    worker_of(project, SLURM_PROCID=str(rank)).kill()
    end_well(manager, slurm)
    folder = folder_of(project)
    assert len((folder / "submit_log.run").read_text().splitlines()) == 2
    assert "resuming after epoch" in (folder / "log.run.1").read_text()
    assert not list(folder.glob("error.*"))
    assert project.checkpoint() == undisturbed.checkpoint()
    assert curve(project) == curve(undisturbed)


@pytest.mark.slurm
@pytest.mark.slow
def test_a_signal_to_one_worker_stops_all_at_the_same_step_and_ends_in_the_same_bytes(project, slurm, undisturbed):
    manager = project.start("boulder", "run", f"config/tiny.{LONG}")
    wait_until_saved(project)
    worker_of(project, SLURM_PROCID="1").send_signal(signal.SIGTERM)
    end_well(manager, slurm)
    texts = [(folder_of(project) / f"log.run.1{suffix}").read_text() for suffix in ("", ".1")]
    assert "another process was told to stop: stopped in epoch" in texts[0]
    assert "SIGTERM: stopped in epoch" in texts[1]
    assert project.checkpoint() == undisturbed.checkpoint()


@pytest.fixture(scope="module")
def grid_engine():
    yield from started(GridEngineCluster)


@pytest.mark.gridengine
@pytest.mark.slow
@pytest.mark.parametrize("killed", [0, 1])
def test_workers_in_the_slots_of_grid_engine_resume_after_one_is_killed(killed, make, grid_engine, alone):
    """Rank 0 starts the other worker. When one is killed, both resume in a second job."""
    project = make(**grid_engine.own)
    manager = project.start("boulder", "run", f"config/tiny.{LONG}")
    wait_until_saved(project)
    worker_of(project, PE_RANK=str(killed) if killed else None).kill()
    end_well(manager, grid_engine)
    assert_same_training(project, alone(15))
    folder = folder_of(project)
    assert len((folder / "submit_log.run").read_text().splitlines()) == 2
    assert "Job finished successfully" in (folder / "log.run.1.1").read_text()
    assert not list(folder.glob("error.*"))


@pytest.mark.slurm
@pytest.mark.slow
@pytest.mark.skipif(not UPSTREAM, reason="SISYPHUS_UPSTREAM names no checkout of upstream Sisyphus")
@pytest.mark.parametrize("killed", [None, 1])
def test_the_result_is_the_same_under_upstream_sisyphus(killed, make, slurm, undisturbed, tmp_path):
    (tmp_path / "sisyphus").symlink_to(Path(UPSTREAM, "sisyphus").resolve())
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    project = make(**slurm.own, PYTHONPATH=path)
    manager = project.start("boulder", "run", f"config/tiny.{LONG}")
    if killed is not None:
        wait_until_saved(project)
        worker_of(project, SLURM_PROCID=str(killed)).kill()
    end_well(manager, slurm)
    assert project.checkpoint() == undisturbed.checkpoint()
    assert not list(folder_of(project).glob("error.*"))
