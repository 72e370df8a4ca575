"""Functions in descriptions of data sets: part of the hash by their source, they reach the worker by value."""

import pickle
from dataclasses import dataclass

import pytest

import jobs  # noqa: F401 (finds Sisyphus)
from boulder.data import HdfDataset, canonical_description, dataset, open_dataset, with_digests
from boulder.errors import ConfigError
from boulder.schedule.functions import FunctionByValue, restore
from boulder.training import TrainingPhase
from boulder.training.learning_rate import Scheduled
from tests.tiny import CONFIG, EXTERN_DATA, network

DATA = {"class": "Scaled", "files": ["train.hdf"]}


@pytest.fixture(autouse=True)
def scaled(monkeypatch):
    """Registers a class with an option that is a function."""
    monkeypatch.setattr(dataset, "_classes", dict(dataset.dataset_classes()))

    @dataset.dataset_class("Scaled")
    @dataclass(kw_only=True, eq=False)
    class Scaled(HdfDataset):
        post_process: object = None


def scale(factor):
    return lambda frames: factor * frames


def phase(train: dict, **others) -> TrainingPhase:
    return TrainingPhase(
        index=0,
        start=1,
        first_epoch=1,
        last_epoch=1,
        network=network(1, 4),
        config=CONFIG,
        learning_rate_control=Scheduled(first_epoch=1, rates=[0.1]),
        train=canonical_description(train),
        **others,
    )


def job_of(train: dict):
    from jobs.phase_training import PhaseTrainingJob

    functions: dict = {}
    meta = {"class": "MetaDataset", "datasets": {"a": train}, "data_map": {"data": ("a", "data")}}
    given = phase(train, eval_datasets={"other": canonical_description(meta)})
    return PhaseTrainingJob(phases=[given.to_json(functions)], extern_data=EXTERN_DATA, functions=functions)


def test_canonical_descriptions_keep_the_captured_values_of_their_moment():
    values = [2]
    described = canonical_description(DATA | {"post_process": lambda frames: values[0] * frames})
    values[0] = 3
    assert isinstance(described["post_process"], FunctionByValue)
    assert open_dataset(described).post_process(10) == 20
    assert canonical_description(described) == described


def test_a_function_reaches_the_worker_of_a_training_also_from_within_a_meta_data_set():
    job = pickle.loads(pickle.dumps(job_of(DATA | {"post_process": scale(2)})))
    received = TrainingPhase.from_json(restore(job.phases[0], job.functions))
    nested = received.eval_datasets["other"]["datasets"]["a"]
    assert [description["post_process"](10) for description in (received.train, nested)] == [20, 20]


def test_jobs_hash_functions_in_data_by_source_and_captured_values():
    from jobs.forward import ForwardJob
    from jobs.references import ReferencesJob
    from sisyphus import tk

    def forward(data):
        return ForwardJob(checkpoint=tk.Path("c.h5"), extern_data=EXTERN_DATA, data=data)

    def references(data):
        return ReferencesJob(extern_data=EXTERN_DATA, data=data)

    for make in (job_of, forward, references):
        two, also_two, three = (make(DATA | {"post_process": scale(factor)}) for factor in (2, 2, 3))
        assert two.job_id() == also_two.job_id() != three.job_id()
        assert make(DATA).job_id() not in (two.job_id(), three.job_id())
    job = pickle.loads(pickle.dumps(forward(canonical_description(DATA | {"post_process": scale(5)}))))
    assert job.data["post_process"](10) == 50


def test_a_description_without_functions_is_its_own_json():
    described = canonical_description(DATA)
    assert with_digests(described) == described


def test_a_function_that_captures_an_open_file_is_refused_with_its_option(tmp_path):
    with (tmp_path / "log").open("w") as log, pytest.raises(ConfigError, match=r"post_process: .*captures 'log'"):
        canonical_description(DATA | {"post_process": lambda frames: log.write(frames)})
