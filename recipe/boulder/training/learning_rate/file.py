"""RETURNN's file of learning rates and scores (`learning_rate_file`), which its tools and those of i6_core read."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence

from boulder.atomic_file import write_text
from boulder.errors import TrainingError
from boulder.training.history import EpochRecord
from boulder.training.learning_rate.measure import named_scores


def write_learning_rates(path: str | os.PathLike[str], history: Sequence[EpochRecord]) -> None:
    """
    :param history: records of all epochs so far
    :raises TrainingError: if it cannot be written; the old content is kept
    """
    try:
        write_text(path, learning_rates_text(history))
    except OSError as error:
        raise TrainingError(f"learning rates {path}: cannot be written: {error.strerror}") from error


def learning_rates_text(history: Sequence[EpochRecord]) -> str:
    """
    :return: a Python dict, epoch → EpochData(learningRate=…, error={score: value}), in the layout of RETURNN, so that the
        same scores give the same bytes. A score that could not be computed is nan.
    """
    epochs = {str(record["epoch"]): _epoch_data(record) for record in history}
    return _dict(epochs) + "\n"


def _epoch_data(record: EpochRecord) -> str:
    values = {name: math.nan if value is None else value for name, value in named_scores(record).items()}
    if "effective_learning_rate" in record:
        values[":meta:effective_learning_rate"] = record["effective_learning_rate"]
    scores = _dict({repr(name): _number(value) for name, value in sorted(values.items())})
    return f"EpochData(learningRate={_number(record['learning_rate'])}, error={scores})"


def _dict(items: Mapping[str, str]) -> str:
    lines = [f"{key}: {value}" for key, value in items.items()]
    if sum(map(len, lines)) >= 40:
        return "{\n" + "".join(f"{line},\n" for line in lines) + "}"
    return "{" + ", ".join(lines) + "}"


def _number(value: float) -> str:
    return repr(float(value)) if math.isfinite(value) else f"float('{float(value)!r}')"
