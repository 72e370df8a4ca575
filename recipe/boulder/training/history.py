"""The record of a finished epoch: it travels with the checkpoint, and learning-rate controls read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

Scores = Mapping[str, float | None]
"""`cost:LAYER` and `error:LAYER` → mean per target frame; None where it could not be computed."""


class EpochRecord(TypedDict):
    """
    The scores of an epoch. `effective_learning_rate` is the rate of the first step, where a warm-up or
    `dynamic_learning_rate` changes it. `eval` has the scores of each further data set, by its name. `scales` are the loss
    scales other than 1, by layer; the scores do not include them. `stopped` says why training stopped early after this epoch.
    """

    epoch: int
    index: int | None
    learning_rate: float
    effective_learning_rate: NotRequired[float]
    train: Scores
    dev: NotRequired[Scores]
    eval: NotRequired[dict[str, Scores]]
    scales: NotRequired[dict[str, float]]
    stopped: NotRequired[str]


def scores_by_data(record: Mapping[str, Any]) -> dict[str, Scores]:
    """:return: "train", "dev" and the names of further data sets → scores of an epoch, where it has them"""
    own = {name: record[name] for name in ("train", "dev") if name in record}
    return own | record.get("eval", {})


class TimedRecord(EpochRecord):
    """
    A line of scores.jsonl: the record with figures that vary from run to run, which no checkpoint holds.

    `steps` is the number of batches and `frames` that of the input frames without padding; `skipped` is the number of
    batches that made no update since loss or gradient was not finite, where there are any. `warnings` are lines for people, and
    `measure` is the key of the score that says how well the task is solved, see `NetworkSpec.measure`.
    """

    seconds: float
    processor_seconds: float
    steps: int
    frames: int
    skipped: NotRequired[int]
    warnings: NotRequired[list[str]]
    measure: NotRequired[str]
