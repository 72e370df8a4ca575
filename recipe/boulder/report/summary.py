"""What a reader wants to know first: how far the pipeline is, its best epoch, its time, how much the network grew."""

from collections.abc import Iterable
from dataclasses import dataclass

from boulder.report.model import PhaseRow, RateRow, ScoreRow
from boulder.report.words import is_known


@dataclass(frozen=True)
class Best:
    """The lowest value of one score on "train" or "dev"; the earliest epoch if several have it."""

    key: str
    value: float
    epoch: int
    part: str = "dev"


def score_keys(scores: Iterable[ScoreRow]) -> list[str]:
    """:return: every score key of train or dev: those of a layer together, `output…` first, its cost before its error"""
    keys = {key for row in scores for part in (row.train, row.dev) for key in part}

    def order(key: str) -> tuple:
        kind, _, layer = key.partition(":")
        return not layer.startswith("output"), layer, kind

    return sorted(keys, key=order)


def best(scores: Iterable[ScoreRow], key: str, part: str = "dev") -> Best | None:
    """:return: None if `key` is known for no epoch of that part"""
    known = [(value, row.epoch) for row in scores if is_known(value := getattr(row, part).get(key))]
    return Best(key, *min(known), part) if known else None


def main_score(scores: list[ScoreRow]) -> Best | None:
    """:return: the one to name where there is room for one: on dev if possible; an error, as people read it, else a cost"""
    for part in ("dev", "train"):
        known = [found for key in score_keys(scores) if (found := best(scores, key, part))]
        errors = [found for found in known if not found.key.startswith("cost")]
        if known:
            return (errors or known)[0]
    return None


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
