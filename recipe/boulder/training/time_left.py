"""How long a phase still takes, by how long its epochs took."""

from __future__ import annotations

from collections.abc import Sequence

_RECENT = 3
"""So many of the last epochs count: a machine's load changes."""


def seconds_left(epochs: range, records: Sequence[dict], progress: dict | None = None) -> float | None:
    """
    :param epochs: of the phase
    :param records: of scores.jsonl, those of other phases too
    :param progress: of its epoch, see `boulder.training.progress`; None if it does not run
    :return: None if there is nothing to tell it by
    """
    took = [record["seconds"] for record in records if record["epoch"] in epochs and "seconds" in record]
    done = sum(record["epoch"] in epochs for record in records)
    fraction = _done(progress) if progress and done < len(epochs) else 0.0
    per_epoch = sum(took[-_RECENT:]) / len(took[-_RECENT:]) if took else _of_first_epoch(progress)
    return None if per_epoch is None else max(0.0, len(epochs) - done - fraction) * per_epoch


def _done(progress: dict) -> float:
    """:return: fraction of the epoch; the pass over the dev data is taken for its end"""
    if not progress["what"].startswith("epoch"):
        return 1.0
    return progress["done"] / max(1, progress["total"])


def _of_first_epoch(progress: dict | None) -> float | None:
    """:return: seconds of an epoch, by the batches that it has done"""
    if not progress or not progress["what"].startswith("epoch") or not progress.get("batches"):
        return None
    return progress["seconds"] / progress["batches"] * progress["total"]
