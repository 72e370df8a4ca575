"""Summary of a pipeline: how far it is, its best epoch, its training time, its error rates."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from boulder.report.formatting import is_known
from boulder.report.model import ErrorRateRow, PhaseRow, ScoreRow


@dataclass(frozen=True)
class BestScore:
    """The lowest value of a score on "train" or "dev", and the first epoch that has it."""

    key: str
    value: float
    epoch: int
    part: str = "dev"


def score_keys(scores: Iterable[ScoreRow]) -> list[str]:
    """:return: all score keys, grouped by layer; layers `output…` first; the cost of a layer before its error"""
    return in_order({key for row in scores for part in (row.train, row.dev, *row.eval.values()) for key in part})


def in_order(keys: Iterable[str]) -> list[str]:
    """:return: score keys in the order of `score_keys`"""

    def order(key: str) -> tuple[bool, str, str]:
        kind, _, layer = key.partition(":")
        return not layer.startswith("output"), layer, kind

    return sorted(keys, key=order)


def score_parts(scores: Iterable[ScoreRow]) -> list[str]:
    """:return: names of the data sets with scores: "train", "dev", then further ones in the order of their appearance"""
    names = dict.fromkeys(name for row in scores for name in ("train", "dev", *row.eval) if row.of(name))
    return sorted(names, key=lambda name: ["train", "dev"].index(name) if name in ("train", "dev") else 2)


def best(scores: Iterable[ScoreRow], key: str, part: str = "dev") -> BestScore | None:
    """:return: None if no epoch has a finite value"""
    known = [(value, row.epoch) for row in scores if is_known(value := row.of(part).get(key))]
    return BestScore(key, *min(known), part) if known else None


def main_score(scores: Sequence[ScoreRow]) -> BestScore | None:
    """:return: the single score to show in the summary: the last measure, on dev if possible; else an error rather than a cost"""
    measure = headline(scores)
    for part in ("dev", "train"):
        known = [found for key in score_keys(scores) if (found := best(scores, key, part))]
        measures = [found for found in known if found.key == measure]
        errors = [found for found in known if not found.key.startswith("cost")]
        if known:
            return (measures or errors or known)[0]
    return None


def headline(scores: Iterable[ScoreRow]) -> str | None:
    """:return: key of the score that says how well the task is solved, in the last epoch that says so"""
    measures = [row.measure for row in scores if row.measure]
    return measures[-1] if measures else None


def warnings_by_epoch(scores: Iterable[ScoreRow]) -> list[tuple[int, int, str]]:
    """:return: (first epoch, last epoch, warning); consecutive epochs with the same warning share a row"""
    found: list[tuple[int, int, str]] = []
    for row in scores:
        for text in dict.fromkeys(row.warnings):
            before = next((n for n, (_, last, its) in enumerate(found) if its == text and last == row.epoch - 1), None)
            if before is None:
                found.append((row.epoch, row.epoch, text))
            else:
                found[before] = (found[before][0], row.epoch, text)
    return found


def completion(phase: PhaseRow, scores: Iterable[ScoreRow]) -> str:
    """:return: "done", "started" or "planned", depending on which epochs of the phase have scores"""
    done = {row.epoch for row in scores}
    if phase.last_epoch in done:
        return "done"
    started = any(epoch in done for epoch in range(phase.first_epoch, phase.last_epoch + 1))
    return "started" if started else "planned"


def seconds_of(phase: PhaseRow, scores: Iterable[ScoreRow]) -> float | None:
    """:return: training time of a phase, else the sum over its epochs with a known time; None if there is none"""
    if is_known(phase.seconds):
        return phase.seconds
    known = [row.seconds for row in scores if row.phase == phase.phase and is_known(row.seconds)]
    return sum(known) if known else None


def total_seconds(phases: Iterable[PhaseRow], scores: Sequence[ScoreRow]) -> float | None:
    """:return: training time of all phases; None if unknown for all of them"""
    known = [seconds for phase in phases if (seconds := seconds_of(phase, scores)) is not None]
    return sum(known) if known else None


def final_error_rates(error_rates: Sequence[ErrorRateRow]) -> ErrorRateRow | None:
    """:return: the error rates to show in the summary: those of "test", else the last ones"""
    named = [row for row in error_rates if row.name == "test"] or error_rates
    return named[-1] if named else None
