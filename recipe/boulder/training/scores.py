"""Scores: sums over an epoch, a JSON-lines file with a line per epoch, and TensorBoard."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from boulder.atomic_file import write_text
from boulder.errors import TrainingError
from boulder.lazy import tf
from boulder.network import NetworkSpec
from boulder.network.loss import LossValue
from boulder.schedule.labels import index_label
from boulder.training.history import EpochRecord, TimedRecord, scores_by_data


class Sums:
    """Costs and errors of an epoch so far, as Python floats: an interrupted epoch resumes with the same bits."""

    def __init__(self, sums: Mapping[str, list[float]] | None = None) -> None:
        self.sums = {key: list(value) for key, value in (sums or {}).items()}

    def add(self, losses: Mapping[str, LossValue]) -> None:
        """
        :param losses: layer name → sums over a batch
        """
        for layer, (cost, error, frames) in losses.items():
            for key, value in ((f"cost:{layer}", cost), (f"error:{layer}", error)):
                total = self.sums.setdefault(key, [0.0, 0.0])
                total[0] += float(value)
                total[1] += float(frames)

    def means(self) -> dict[str, float]:
        """:return: "cost:LAYER" and "error:LAYER" → mean over frames"""
        return {key: total / frames if frames else 0.0 for key, (total, frames) in sorted(self.sums.items())}


def loss_scales(spec: NetworkSpec) -> dict[str, float]:
    """:return: layer → factor of its loss in the objective, where it is not 1; scores do not include it"""
    return {layer: loss.scale for layer, loss in spec.losses.items() if loss.scale != 1}


def read_scores(path: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """:return: the records of a scores file, [] if it does not exist; an incomplete last line is ignored"""
    records = []
    if Path(path).exists():
        for line in Path(path).read_text().splitlines():
            try:
                records.append(json.loads(line))
            except ValueError:
                break
    return records


def write_score(path: str | os.PathLike[str], record: TimedRecord) -> None:
    """
    Append the record of an epoch, replacing those that an interrupted run wrote of this epoch or of later ones.

    :raises TrainingError: if it cannot be written; the old content is kept
    """
    records = [*(old for old in read_scores(path) if old["epoch"] < record["epoch"]), record]
    try:
        write_text(path, "".join(json.dumps(r) + "\n" for r in records))
    except OSError as error:
        raise TrainingError(f"scores {path}: cannot be written: {error.strerror}") from error


def write_tensorboard(directory: str | os.PathLike[str], record: TimedRecord) -> None:
    """
    Add the scores of an epoch as scalars over epochs.

    :raises TrainingError: if they cannot be written
    """
    try:
        _write_tensorboard(directory, record)
    except tf.errors.OpError as error:
        raise TrainingError(f"TensorBoard files in {directory}: cannot be written: {error.message}") from error


def _write_tensorboard(directory: str | os.PathLike[str], record: TimedRecord) -> None:
    writer = tf.summary.create_file_writer(str(directory))
    with writer.as_default(step=record["epoch"]):
        for data, scores in scores_by_data(record).items():
            for key, value in scores.items():
                tf.summary.scalar(f"{key}/{data}", value)
        tf.summary.scalar("learning_rate", record["learning_rate"])
        tf.summary.scalar("frames_per_second", record["frames"] / max(record["seconds"], 1e-9))
    writer.close()


def describe_record(record: Mapping[str, Any] | EpochRecord) -> str:
    """:return: one line for people: epoch, scores of each data set, time"""
    values = cast(Mapping[str, Any], record)
    by_data = scores_by_data(values)
    keys = [key for key in values["train"] if key.startswith(("cost:", "error:"))]
    single = len(keys) == 2  # a single loss: its layer need not be named
    scores = []
    for key in keys:
        what, layer = key.split(":", 1)
        scale = values.get("scales", {}).get(layer) if what == "cost" else None
        factor = "" if scale is None else f" (× {scale:g})"
        others = [
            f", {name} {of_data[key]:.4f}" for name, of_data in by_data.items() if name != "train" and key in of_data
        ]
        scores.append(f"{what if single else key}{factor} {values['train'][key]:.4f}{''.join(others)}")
    index = index_label(values["index"]).removesuffix(" network")
    rate, seconds = f"lr {values['learning_rate']:.3g}", f"{values['seconds']:.0f} s" if "seconds" in values else ""
    return f"epoch {values['epoch']} ({index}, {rate}): {'; '.join([*scores, seconds])}"
