"""Scores: sums over an epoch, a JSON-lines file with a line per epoch, and TensorBoard."""

from __future__ import annotations

import json
import math
import os
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from boulder import strict_json
from boulder.atomic_file import write_text
from boulder.errors import TrainingError
from boulder.lazy import tf
from boulder.network import NetworkSpec
from boulder.network.loss import LossValue
from boulder.training.history import TimedRecord, scores_by_data

_LEFT_OUT, _SEQUENCES = "left_out:", "sequences:"  # keys of numbers of sequences, beside those of the scores


class Sums:
    """Costs and errors of an epoch so far, as Python floats: an interrupted epoch resumes with the same bits."""

    def __init__(self, spec: NetworkSpec, exp: bool = False, sums: Mapping[str, list[float]] | None = None) -> None:
        """
        :param spec: its losses tell which of cost and error they have
        :param exp: `calculate_exp_loss`
        :param sums: of the batches before
        """
        self.spec, self.exp = spec, exp
        self.sums = {key: [math.nan if x is None else x for x in value] for key, value in (sums or {}).items()}
        for layer, loss in spec.losses.items():
            for kind in loss.scores:
                self.sums.setdefault(f"{kind}:{layer}", [0.0, 0.0])

    def add(self, losses: Mapping[str, LossValue]) -> None:
        """
        :param losses: layer name → sums over a batch, numbers
        """
        for layer, loss in losses.items():
            for kind in self.spec.losses[layer].scores:
                self._add(f"{kind}:{layer}", getattr(loss, kind), loss.frames)
            if loss.left_out:
                self._add(f"{_LEFT_OUT}{layer}", loss.left_out, 0.0)
            self._add(f"{_SEQUENCES}{layer}", loss.sequences, 0.0)

    def _add(self, key: str, value: float, frames: float) -> None:
        total = self.sums.setdefault(key, [0.0, 0.0])
        total[0] += value
        total[1] += frames

    def means(self) -> dict[str, float | None]:
        """
        :return: "cost:LAYER", "error:LAYER" and, for `calculate_exp_loss`, "cost:LAYER:exp" → mean over frames; None for a mean
            over no frames, and for one that is not finite
        """
        sums = {key: value for key, value in sorted(self.sums.items()) if key.startswith(("cost:", "error:"))}
        means = {key: _mean(total, frames) for key, (total, frames) in sums.items()}
        if self.exp:
            means |= {f"{key}:exp": _exp_of(mean) for key, mean in means.items() if key.startswith("cost:")}
        return means

    @property
    def left_out(self) -> dict[str, tuple[int, int]]:
        """:return: layer → number of sequences that its loss left out, and of all sequences; where it left out some"""
        counts = {
            layer: tuple(int(self.sums.get(f"{kind}{layer}", [0])[0]) for kind in (_LEFT_OUT, _SEQUENCES))
            for layer in self.spec.losses
        }
        return {layer: (left, all_) for layer, (left, all_) in counts.items() if left}


def _mean(total: float, frames: float) -> float | None:
    mean = total / frames if frames else math.nan
    return mean if math.isfinite(mean) else None


def _exp_of(cost: float | None) -> float | None:
    """:return: e^cost; None where it is too large for a float"""
    return math.exp(cost) if cost is not None and cost < math.log(sys.float_info.max) else None


def loss_scales(spec: NetworkSpec) -> dict[str, float]:
    """:return: layer → factor of its loss in the objective, where it is not 1; scores do not include it"""
    return {layer: loss.scale for layer, loss in spec.losses.items() if loss.scale != 1}


def read_scores(path: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """:return: the records of a scores file, [] if it does not exist; those before a damaged line, with a warning"""
    records = []
    if Path(path).exists():
        for number, line in enumerate(Path(path).read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
            try:
                records.append(json.loads(line))
            except ValueError:
                warnings.warn(f"scores {path}: line {number} is damaged; it and what follows is not read", stacklevel=1)
                break
    return records


def write_score(path: str | os.PathLike[str], record: TimedRecord) -> None:
    """
    Append the record of an epoch, replacing those that an interrupted run wrote of this epoch or of later ones.

    :raises TrainingError: if it cannot be written; the old content is kept
    """
    records = [*(old for old in read_scores(path) if old["epoch"] < record["epoch"]), record]
    try:
        write_text(path, "".join(strict_json.dumps(r) + "\n" for r in records))
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
        reason = error.message.rpartition("; ")[2]  # after the names of an operation and of the file
        raise TrainingError(f"TensorBoard files in {directory}: cannot be written: {reason}") from error


def _write_tensorboard(directory: str | os.PathLike[str], record: TimedRecord) -> None:
    writer = tf.summary.create_file_writer(str(directory))
    with writer.as_default(step=record["epoch"]):
        for data, scores in scores_by_data(record).items():
            for key, value in scores.items():
                if value is not None:
                    tf.summary.scalar(f"{key}/{data}", value)
        tf.summary.scalar("learning_rate", record["learning_rate"])
        tf.summary.scalar("frames_per_second", record["frames"] / max(record["seconds"], 1e-9))
    writer.close()
