"""What a reader wants to know first: how far the pipeline is, its best epoch, its time, how much the network grew."""

from collections.abc import Iterable
from dataclasses import dataclass

from boulder.report.model import PhaseRow, RateRow, ScoreRow
from boulder.report.words import is_known


@dataclass(frozen=True)
class Best:
    """The lowest value of one score on dev; the earliest epoch if several have it."""

    key: str
    value: float
    epoch: int


def score_keys(scores: Iterable[ScoreRow]) -> list[str]:
    """:return: every score key of train or dev, costs before the others, sorted"""
    keys = {key for row in scores for part in (row.train, row.dev) for key in part}
    return sorted(keys, key=lambda key: (not key.startswith("cost"), key))


def best_dev(scores: Iterable[ScoreRow], key: str) -> Best | None:
    """:return: None if `key` is known for no epoch of dev"""
    known = [(row.dev[key], row.epoch) for row in scores if is_known(row.dev.get(key))]
    return Best(key, *min(known)) if known else None


def main_key(scores: list[ScoreRow]) -> str | None:
    """:return: the score to name where there is room for one: an error if there is any, as people read it, else a cost"""
    with_dev = [key for key in score_keys(scores) if best_dev(scores, key)]
    errors = [key for key in with_dev if not key.startswith("cost")]
    return (errors or with_dev or [None])[0]


def state(phase: PhaseRow, scores: list[ScoreRow]) -> str:
    """:return: "done", "begun" or "planned", by which of its epochs have scores"""
    done = {row.epoch for row in scores}
    epochs = range(phase.first_epoch, phase.last_epoch + 1)
    if phase.last_epoch in done:
        return "done"
    return "begun" if any(epoch in done for epoch in epochs) else "planned"


def seconds_of(phase: PhaseRow, scores: list[ScoreRow]) -> float | None:
    """:return: time of a phase: that of its job, else of its epochs as far as they are known"""
    if is_known(phase.seconds):
        return phase.seconds
    known = [row.seconds for row in scores if row.phase == phase.phase and is_known(row.seconds)]
    return sum(known) if known else None


def total_seconds(phases: list[PhaseRow], scores: list[ScoreRow]) -> float | None:
    """:return: time of all phases, None if nothing is known"""
    known = [seconds for phase in phases if (seconds := seconds_of(phase, scores)) is not None]
    return sum(known) if known else None


def final_rates(error_rates: list[RateRow]) -> RateRow | None:
    """:return: the rates to name first: those of "test", else the last ones"""
    named = [row for row in error_rates if row.name == "test"]
    return (named or error_rates or [None])[-1]
