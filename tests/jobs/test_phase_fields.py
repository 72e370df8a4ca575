"""Every field of a phase reaches its job, and decides about the job's hash."""

from dataclasses import fields, replace

import pytest

import jobs  # noqa: F401 (finds Sisyphus)
from boulder.schedule.functions import restore
from boulder.training import TrainingPhase
from boulder.training.learning_rate import Scheduled
from tests.tiny import CONFIG, EXTERN_DATA, network

PHASE = TrainingPhase(
    index=1,
    start=3,
    first_epoch=3,
    last_epoch=4,
    network=network(1, 4),
    config=CONFIG,
    learning_rate_control=Scheduled(first_epoch=3, rates=[0.1, 0.2]),
    train={"class": "HDFDataset", "files": ["train.hdf"]},
)
OTHER = {
    "index": None,
    "start": 2,
    "first_epoch": 4,
    "last_epoch": 5,
    "network": network(1, 5),
    "config": CONFIG | {"batch_size": 7},
    "learning_rate_control": Scheduled(first_epoch=3, rates=[0.1, 0.3]),
    "train": {"class": "HDFDataset", "files": ["other.hdf"]},
    "dev": {"class": "HDFDataset", "files": ["dev.hdf"], "seq_ordering": "reverse"},
    "eval_datasets": {"devtrain": {"class": "HDFDataset", "files": ["train.hdf"]}},
    "pretrain_end": 2,
    "copy_param_mode": "subset",
    "init_from": {"fw1": "fw0"},
    "carry_optimizer": "grow",
    "growth_noise": 0.1,
    "reset_layers": ["output"],
    "trainable_layers": [],
    "extended": {"align.hdf": "before.hdf"},
}


def job_of(phase: TrainingPhase):
    from jobs.phase_training import PhaseTrainingJob

    functions: dict = {}
    return PhaseTrainingJob(phases=[phase.to_json(functions)], extern_data=EXTERN_DATA, functions=functions)


def received(job) -> TrainingPhase:
    """:return: the phase as the job's worker reads it"""
    return TrainingPhase.from_json(restore(job.phases[0], job.functions))


@pytest.mark.parametrize("name", [field.name for field in fields(TrainingPhase)])
def test_each_field_reaches_the_job_and_changes_its_hash(name):
    changed = replace(PHASE, **{name: OTHER[name]})
    assert job_of(changed).job_id() != job_of(PHASE).job_id()
    assert getattr(received(job_of(changed)), name) == OTHER[name]
    assert received(job_of(changed)) == changed


def test_fields_at_their_default_are_left_out():
    assert received(job_of(PHASE)) == PHASE
    assert list(PHASE.to_json()) == [
        "index", "start", "first_epoch", "last_epoch", "network", "config", "learning_rate_control", "train"
    ]  # fmt: skip


def test_functions_reach_the_job():
    def callback(**_):
        return None

    phase = replace(PHASE, config=CONFIG | {"growth_callback": callback})
    assert received(job_of(phase)).options.growth_callback() is None


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"trainable_layer": []}, "index 1: a phase has no 'trainable_layer'; did you mean 'trainable_layers'"),
        ({"config": {"batch_sise": 3}}, "index 1: config: .*'batch_sise'; did you mean 'batch_size'"),
        ({"train": {"class": "HDFDatset"}}, "train: unknown data set class 'HDFDatset', .*; did you mean 'HDFDataset'"),
    ],
)
def test_a_wrong_phase_is_reported_in_one_line(wrong, message):
    from boulder.errors import BoulderError

    with pytest.raises(BoulderError, match=message):
        TrainingPhase.from_json(PHASE.to_json() | wrong)


def test_a_missing_field_is_reported():
    from boulder.errors import ConfigError

    value = PHASE.to_json()
    del value["train"]
    with pytest.raises(ConfigError, match="index 1: a phase needs 'train'"):
        TrainingPhase.from_json(value)
