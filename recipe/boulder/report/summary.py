"""Headline figures of a report: progress, best epoch, error rates, training time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from boulder.report.model import PhaseRow, RateRow, ScoreRow
from boulder.report.words import is_known


@dataclass(frozen=True)
class Best:
    """The lowest value of a score on "train" or "dev", at the earliest epoch that has it."""

    key: str
    value: float
    epoch: int
    part: str = "dev"


def score_keys(scores: Iterable[ScoreRow]) -> list[str]:
    """:return: all score keys of train and dev, grouped by layer, `output…` first; a layer's cost before its error"""
    keys = {key for row in scores for part in (row.train, row.dev) for key in part}

    def order(key: str) -> tuple:
        kind, _, layer = key.partition(":")
        return not layer.startswith("output"), layer, kind

    return sorted(keys, key=order)


def best(scores: Iterable[ScoreRow], key: str, part: str = "dev") -> Best | None:
    """:return: None if no epoch has a value for `key` in that part"""
    known = [(value, row.epoch) for row in scores if is_known(value := getattr(row, part).get(key))]
    return Best(key, *min(known), part) if known else None


def main_score(scores: list[ScoreRow]) -> Best | None:
    """:return: the single score for a headline: on dev if possible, and an error rather than a cost"""
    for part in ("dev", "train"):
        known = [found for key in score_keys(scores) if (found := best(scores, key, part))]
        errors = [found for found in known if not found.key.startswith("cost")]
        if known:
            return (errors or known)[0]
    return None


def state(phase: PhaseRow, scores: list[ScoreRow]) -> str:
    """:return: "done", "begun" or "planned", depending on which of its epochs have scores"""
    done = {row.epoch for row in scores}
    epochs = range(phase.first_epoch, phase.last_epoch + 1)
    if phase.last_epoch in done:
        return "done"
    return "begun" if any(epoch in done for epoch in epochs) else "planned"


def seconds_of(phase: PhaseRow, scores: list[ScoreRow]) -> float | None:
    """:return: time of the phase's job, or the sum over its epochs with known times; None if unknown"""
    if is_known(phase.seconds):
        return phase.seconds
    known = [row.seconds for row in scores if row.phase == phase.phase and is_known(row.seconds)]
    return sum(known) if known else None


def total_seconds(phases: list[PhaseRow], scores: list[ScoreRow]) -> float | None:
    """:return: time of all phases; None if unknown"""
    known = [seconds for phase in phases if (seconds := seconds_of(phase, scores)) is not None]
    return sum(known) if known else None


def final_rates(error_rates: list[RateRow]) -> RateRow | None:
    """:return: the rates for the headline: those of "test", or else the last ones"""
    rows = [row for row in error_rates if row.name == "test"] or error_rates
    return rows[-1] if rows else None
