"""A training on any class of data sets goes on after any batch with the same batches, and scores each partition."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from boulder.data import open_dataset
from boulder.data.dataset import dataset_classes
from boulder.training.epoch_steps import steps_to_score, steps_to_train
from boulder.training.replicas import OneReplica
from boulder.training.training_options import TrainingOptions
from tests.every_dataset import ELSEWHERE, EXAMPLES, write_files

OPTIONS = TrainingOptions.from_config({"batch_size": 1 << 12, "max_seqs": 3, "returnn_batches": True, "seq_drop": 0.2})
Found = list[tuple[list[str], list[bytes]]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("every_dataset")
    write_files(path)
    return path


def test_every_class_has_an_example():
    assert {*EXAMPLES} | {*ELSEWHERE} == {*dataset_classes()}


def content(steps: Any) -> Iterator[tuple[tuple[list[str], list[bytes]], Mapping]]:
    """Yields tags and arrays of each batch, and what a checkpoint holds after it."""
    for step in steps:
        (share,) = step.shares
        arrays = {**share["data"], **{f"{key} lengths": lengths for key, lengths in share["lengths"].items()}}
        yield (step.tags(), [np.asarray(arrays[key]).tobytes() for key in sorted(arrays)]), step.after


def batches(description: dict, epoch: int, position: Mapping | None = None) -> tuple[Found, list[Mapping]]:
    with open_dataset(description) as dataset:
        dataset.check()
        dataset.check_not_empty()
        found = list(content(steps_to_train(dataset, epoch, OPTIONS, list(dataset.streams), OneReplica(), 1, position)))
    return [batch for batch, _ in found], [after for _, after in found]


@pytest.mark.slow
@pytest.mark.parametrize("epoch", [1, 2])
@pytest.mark.parametrize("name", EXAMPLES)
def test_what_follows_any_batch_is_the_same_after_a_resume(name, epoch, folder):
    description = EXAMPLES[name](folder)
    whole, after = batches(description, epoch)
    for done, position in enumerate(after, 1):
        assert batches(description, epoch, {"batch": done, **position})[0] == whole[done:]


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_follows_a_batch_is_the_same_after_a_resume(name, folder):
    description = EXAMPLES[name](folder)
    whole, after = batches(description, 2)
    done = len(whole) // 2
    assert done > 0
    assert batches(description, 2, {"batch": done, **after[done - 1]})[0] == whole[done:]


@pytest.mark.parametrize("name", EXAMPLES)
def test_scores_of_an_epoch_are_those_of_its_partition(name, folder):
    description = EXAMPLES[name](folder)
    if name == "CombinedDataset":  # its data sets have partitions
        return
    part = {"partition_epoch": 2, "seq_ordering": "default"}
    if "dataset" in description:
        description = description | {"dataset": description["dataset"] | part}
        description.pop("seq_ordering", None)
    else:
        description |= part
    with open_dataset(description) as dataset:
        tags = []
        for epoch in (1, 2, 3):
            steps = steps_to_score(dataset, epoch, OPTIONS, OneReplica(), 1, limited=True)
            tags.append(sorted(tag for step in steps for tag in step.tags()))
    assert len(tags[0]) > 0
    if name == "MultiEpochDataset":  # two of two parts
        assert tags[0] == tags[1] == tags[2]
    else:
        assert tags[0] == tags[2]
        assert len(tags[0]) - len(tags[1]) in (0, 1)
