"""Scores: sums over an epoch, a JSON-lines file with a line per epoch, and TensorBoard."""

from __future__ import annotations

import json
import math
import os
import sys
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

    def __init__(self, spec: NetworkSpec, exp: bool = False, sums: Mapping[str, list[float]] | None = None) -> None:
        """
        :param spec: its losses tell which of cost and error they have
        :param exp: `calculate_exp_loss`
        :param sums: of the batches before
        """
        self.spec, self.exp = spec, exp
        self.sums = {key: list(value) for key, value in (sums or {}).items()}

    def add(self, losses: Mapping[str, LossValue]) -> None:
        """
        :param losses: layer name → sums over a batch
        """
        for layer, (cost, error, frames) in losses.items():
            loss = self.spec.losses[layer].loss
            for key, value, exists in (("cost", cost, loss.has_cost), ("error", error, loss.has_error)):
                if exists:
                    total = self.sums.setdefault(f"{key}:{layer}", [0.0, 0.0])
                    total[0] += float(value)
                    total[1] += float(frames)

    def means(self) -> dict[str, float]:
        """:return: "cost:LAYER", "error:LAYER" and, for `calculate_exp_loss`, "cost:LAYER:exp" → mean over frames"""
        means = {key: total / frames if frames else 0.0 for key, (total, frames) in sorted(self.sums.items())}
        if self.exp:
            means |= {f"{key}:exp": exp_of(mean) for key, mean in means.items() if key.startswith("cost:")}
        return means


def exp_of(cost: float) -> float:
    """:return: e^cost, infinite where it is too large for a float"""
    return math.exp(cost) if cost < math.log(sys.float_info.max) else math.inf


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
    single = len({key.split(":")[1] for key in keys}) == 1  # a single loss: its layer need not be named
    scores = []
    for key in keys:
        what, layer = key.split(":", 1)
        scale = values.get("scales", {}).get(layer) if what == "cost" else None
        factor = "" if scale is None else f" (× {scale:g})"
        name = f"exp {what}" if layer.endswith(":exp") else what
        others = [
            f", {data} {of_data[key]:.4f}" for data, of_data in by_data.items() if data != "train" and key in of_data
        ]
        scores.append(f"{name if single else key}{factor} {values['train'][key]:.4f}{''.join(others)}")
    index = index_label(values["index"]).removesuffix(" network")
    rate = f"lr {values['learning_rate']:.3g}"
    if "effective_learning_rate" in values:
        rate += f", {values['effective_learning_rate']:.3g} at its start"
    seconds = f"{values['seconds']:.0f} s" if "seconds" in values else ""
    stopped = f"; training stops early: {values['stopped']}" if "stopped" in values else ""
    return f"epoch {values['epoch']} ({index}, {rate}): {'; '.join([*scores, seconds])}{stopped}"
