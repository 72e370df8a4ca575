"""Scores: sums over an epoch, a JSON-lines file with a line per epoch, and TensorBoard."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from boulder.atomic_file import write_text
from boulder.errors import TrainingError
from boulder.lazy import tf


class Sums:
    """Costs and errors of an epoch so far. Python floats, so that an interrupted epoch goes on with the same bits."""

    def __init__(self, sums: Mapping[str, list[float]] | None = None):
        self.sums = {key: list(value) for key, value in (sums or {}).items()}

    def add(self, losses: Mapping[str, tuple]) -> None:
        """
        :param losses: layer name → (sum of costs, sum of errors, frames) of a batch
        """
        for layer, (cost, error, frames) in losses.items():
            for key, value in ((f"cost:{layer}", cost), (f"error:{layer}", error)):
                total = self.sums.setdefault(key, [0.0, 0.0])
                total[0] += float(value)
                total[1] += float(frames)

    def means(self) -> dict[str, float]:
        """:return: "cost:LAYER" and "error:LAYER" → mean over frames"""
        return {key: total / frames if frames else 0.0 for key, (total, frames) in sorted(self.sums.items())}


def scaled_losses(spec) -> dict[str, dict[str, float]]:
    """
    :param spec: `boulder.network.specs.NetworkSpec`
    :return: {"scales": layer → factor of its loss in the objective}, of those that are not 1; scores are without it
    """
    scales = {layer: loss.scale for layer, loss in spec.losses.items() if loss.scale != 1}
    return {"scales": scales} if scales else {}


def read_scores(path: str | os.PathLike) -> list[dict]:
    """:return: the records of a scores file, [] if there is none yet; a last line that was cut off is left out"""
    records = []
    if Path(path).exists():
        for line in Path(path).read_text().splitlines():
            try:
                records.append(json.loads(line))
            except ValueError:
                break
    return records


def write_score(path: str | os.PathLike, record: dict) -> None:
    """
    Adds the record of an epoch, in place of what a run that was cut off said of it or of later ones.

    :raises TrainingError: if it cannot be written; what stood there is untouched
    """
    records = [r for r in read_scores(path) if r["epoch"] < record["epoch"]] + [record]
    try:
        write_text(path, "".join(json.dumps(r) + "\n" for r in records))
    except OSError as error:
        raise TrainingError(f"scores {path}: cannot be written: {error.strerror}") from error


def write_tensorboard(directory: str | os.PathLike, record: dict) -> None:
    """
    Adds an epoch's scores, as scalars over epochs.

    :raises TrainingError: if they cannot be written
    """
    try:
        _write_tensorboard(directory, record)
    except tf.errors.OpError as error:
        raise TrainingError(f"TensorBoard files in {directory}: cannot be written: {error.message}") from error


def _write_tensorboard(directory: str | os.PathLike, record: dict) -> None:
    writer = tf.summary.create_file_writer(str(directory))
    with writer.as_default(step=record["epoch"]):
        for data in ("train", "dev"):
            for key, value in record.get(data, {}).items():
                tf.summary.scalar(f"{key}/{data}", value)
        tf.summary.scalar("learning_rate", record["learning_rate"])
        tf.summary.scalar("frames_per_second", record["frames"] / max(record["seconds"], 1e-9))
    writer.close()


def describe_record(record: dict) -> str:
    """:return: one line for people: epoch, scores of train and dev, time"""
    keys = [key for key in record["train"] if key.startswith(("cost:", "error:"))]
    single = len(keys) == 2  # of one loss: its layer need not be named
    scores = []
    for key in keys:
        dev = f", dev {record['dev'][key]:.4f}" if key in record.get("dev", {}) else ""
        what, layer = key.split(":", 1)
        scale = record.get("scales", {}).get(layer) if what == "cost" else None
        factor = "" if scale is None else f" (× {scale:g})"
        scores.append(f"{what if single else key}{factor} {record['train'][key]:.4f}{dev}")
    index = "original" if record["index"] is None else f"index {record['index']}"
    rate, seconds = f"lr {record['learning_rate']:.3g}", f"{record['seconds']:.0f} s" if "seconds" in record else ""
    return f"epoch {record['epoch']} ({index}, {rate}): {'; '.join([*scores, seconds])}"
