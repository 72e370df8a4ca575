"""GPUs and nodes of jobs."""

import pytest

from boulder.errors import ConfigError
from jobs.pipeline import lay_out as lay_out_pipeline
from sisyphus import gs, tk, toolkit
from tests.tiny import CONFIG, EXTERN_DATA, network, write_data


@pytest.fixture
def lay_out(tmp_path, monkeypatch):
    """:return: function (`#config` of each network) → pipeline of two indices and the original network"""
    monkeypatch.setattr(gs, "BASE_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    data = write_data(tmp_path)

    def run(*overrides, **arguments):
        def algo(idx, net_dict):
            config = {"#config": overrides[idx]} if idx < len(overrides) and overrides[idx] else {}
            return network(layers=1, width=4 + 2 * idx) | config if idx < 2 else None

        return lay_out_pipeline(
            "tiny",
            **{
                "network": network(layers=2, width=6),
                "pretrain": {"construction_algo": algo, "copy_param_mode": "subset"},
                "num_epochs": 3,
                "config": CONFIG,
                "extern_data": EXTERN_DATA,
                "train_data": tk.Path(str(data / "train.hdf")),
                "rqmt": {"cpu": 1, "mem": 1},
            }
            | arguments,
        )

    return run


def ids(pipeline) -> list[str]:
    return [job.job_id() for job in pipeline.jobs]


def test_one_gpu_and_one_node_do_not_enter_the_hash(lay_out):
    assert ids(lay_out(gpus=1, nodes=1)) == ids(lay_out())
    assert "multi_node_slots" not in lay_out().jobs[0].rqmt


def test_several_gpus_and_nodes_enter_the_hash_and_the_requirements(lay_out):
    pipeline = lay_out(gpus=4, nodes=2)
    assert not set(ids(pipeline)) & set(ids(lay_out()))
    assert not set(ids(pipeline)) & set(ids(lay_out(gpus=2, nodes=2)))
    for job in pipeline.jobs:
        assert (job.gpus, job.nodes) == (4, 2)
        assert (job.rqmt["gpu"], job.rqmt["multi_node_slots"]) == (4, 2)
        assert job.rqmt["mem"] == 1


def test_a_phase_may_override_gpus_and_nodes(lay_out):
    pipeline = lay_out({"gpus": 1}, {"gpus": 2, "max_seqs": 3}, gpus=4)
    assert [(job.gpus, job.nodes) for job in pipeline.jobs] == [(1, 1), (2, 1), (4, 1)]
    assert ids(pipeline)[0] == ids(lay_out())[0]
    assert ["gpus" in phase["config"] for job in pipeline.jobs for phase in job.phases] == [False] * 3
    assert pipeline.jobs[1].phases[0]["config"]["max_seqs"] == 3


def test_phases_of_one_job_need_the_same_devices(lay_out):
    assert [job.gpus for job in lay_out({"gpus": 2}, {"gpus": 2}, indices_per_job=2).jobs] == [2, 1]
    with pytest.raises(ConfigError) as raised:
        lay_out({"gpus": 1}, {"gpus": 2}, indices_per_job=None)
    assert str(raised.value) == (
        "the phases of epochs 1–1 (gpus=1, nodes=1) and 2–2 (gpus=2, nodes=1) share a job; expected the same devices for both, or a "
        "smaller indices_per_job"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"gpus": 0}, "'gpus' must be a positive int, found 0"),
        ({"nodes": 1.5}, "'nodes' must be a positive int, found 1.5"),
        ({"gpus": True}, "'gpus' must be a positive int, found True"),
        ({"nodes": "two"}, "'nodes' must be a positive int, found 'two'"),
    ],
)
def test_a_wrong_number_is_refused(lay_out, arguments, message):
    with pytest.raises(ConfigError, match=message):
        lay_out(**arguments)
    with pytest.raises(ConfigError, match=rf"phase 1 \(index 1\): {message}"):
        lay_out({}, arguments)


@pytest.fixture
def manager(monkeypatch):
    """`manager(scheduler, gpus)` turns this process into a manager with these settings"""

    def become(scheduler: str, num_gpus: int) -> None:
        monkeypatch.setattr(toolkit, "_sis_running_in_manager", True)
        monkeypatch.setattr(gs, "scheduler", lambda: scheduler, raising=False)
        monkeypatch.setattr(gs, "num_gpus", lambda: num_gpus, raising=False)

    return become


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"nodes": 2}, r"phase 0 \(index 0\): is for nodes=2, but settings\.py runs jobs on this machine alone"),
        ({"gpus": 3}, r"phase 0 \(index 0\): is for gpus=3, but this machine has 2; expected fewer, or a cluster"),
    ],
)
def test_a_local_manager_refuses_more_devices_than_this_machine_has(lay_out, manager, arguments, message):
    lay_out(**arguments)  # to look at it is fine
    manager("local", 2)
    lay_out(gpus=2)
    with pytest.raises(ConfigError, match=message):
        lay_out(**arguments)
    manager("slurm", 2)
    lay_out(**arguments)  # the worker checks its devices
