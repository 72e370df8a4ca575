"""Estimated remaining time of a phase, from the duration of its epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_RECENT = 3
"""Number of last epochs that count: the load of a machine changes."""


def seconds_left(
    epochs: range, records: Sequence[Mapping[str, Any]], progress: Mapping[str, Any] | None = None
) -> float | None:
    """
    :param epochs: epochs of the phase
    :param records: of scores.jsonl; may include other phases
    :param progress: of the epoch in progress, see `boulder.training.progress`; None if the phase is not running
    :return: None if nothing is known yet
    """
    took = [record["seconds"] for record in records if record["epoch"] in epochs and "seconds" in record]
    done = sum(record["epoch"] in epochs for record in records)
    fraction = _fraction_done(progress) if progress and done < len(epochs) else 0.0
    per_epoch = sum(took[-_RECENT:]) / len(took[-_RECENT:]) if took else _seconds_of_first_epoch(progress)
    return None if per_epoch is None else max(0.0, len(epochs) - done - fraction) * per_epoch


def _fraction_done(progress: Mapping[str, Any]) -> float:
    """:return: fraction of the epoch that is done; 1 during the pass over the dev data; 0 if its number of batches is unknown"""
    if not progress["what"].startswith("epoch"):
        return 1.0
    return float(progress["done"] / max(1, progress["total"])) if progress["total"] is not None else 0.0


def _seconds_of_first_epoch(progress: Mapping[str, Any] | None) -> float | None:
    """:return: seconds per epoch at the speed of the batches so far"""
    if not progress or not progress["what"].startswith("epoch") or not progress.get("batches") or not progress["total"]:
        return None
    return float(progress["seconds"] / progress["batches"] * progress["total"])
