"""The input of a report: dataclasses with one field per key, and the checks of their consistency."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from boulder.errors import DataError
from boulder.report.attention import AttentionMap
from boulder.report.handover import HandOver
from boulder.report.schema import from_plain
from boulder.schedule.labels import short_index_label
from boulder.search.error_rate import best_reference


@dataclass(frozen=True)
class GrowthCounts:
    """Numbers of parameters (arrays, not elements) by how they were carried over from the phase before."""

    copied: int
    grown: int
    initialised: int
    dropped: int


@dataclass(frozen=True)
class PhaseRow:
    """One phase as planned and, if `seconds` is known, trained."""

    phase: int
    index: int | None  # None: the original network
    first_epoch: int  # counted from 1, inclusive
    last_epoch: int  # inclusive
    is_pretrain: bool
    num_params: int | None  # None: unknown
    num_layers: int
    added: list[str] = field(default_factory=list)  # layer names, compared with the phase before
    removed: list[str] = field(default_factory=list)
    changed: dict[str, list[str]] = field(default_factory=dict)  # layer → changes such as `n_out: 64 → 128`
    config: dict[str, Any] = field(default_factory=dict)  # overrides
    copy_param_mode: str | None = None
    job: str | None = None
    seconds: float | None = None
    growth: GrowthCounts | None = None
    stale: str | None = None  # reason why its results are stale

    @property
    def label(self) -> str:
        """:return: the index in tables"""
        return short_index_label(self.index)

    @property
    def changed_together(self) -> list[tuple[list[str], list[str]]]:
        """:return: (layers, changes), which groups layers with equal changes"""
        groups: dict[tuple[str, ...], list[str]] = {}
        for layer, changes in self.changed.items():
            groups.setdefault(tuple(changes), []).append(layer)
        return [(layers, list(changes)) for changes, layers in groups.items()]


@dataclass(frozen=True)
class ScoreRow:
    """One epoch. A score that is missing, None or NaN is unknown."""

    epoch: int  # counted from 1
    phase: int
    index: int | None = None
    learning_rate: float | None = None
    train: dict[str, float | None] = field(default_factory=dict)  # score key, e.g. `cost:output`; lower is better
    dev: dict[str, float | None] = field(default_factory=dict)
    seconds: float | None = None
    steps: int | None = None
    frames: int | None = None


@dataclass(frozen=True)
class RateRow:
    """Error rates of one data set; rates are fractions, 0.1 is 10 %."""

    name: str
    per: float
    wer: float
    words: int
    phonemes: int
    edits: int


@dataclass(frozen=True)
class Example:
    """A decoded word; `edits` is the distance to its nearest reference."""

    word: str
    hypothesis: list[str]
    references: list[list[str]]
    edits: int


@dataclass(frozen=True)
class Report:
    """The whole input. Only `title` and `phases` are required, so that a pipeline without results has a report."""

    title: str
    phases: list[PhaseRow]
    description: str = ""
    created: str | None = None
    scores: list[ScoreRow] = field(default_factory=list)
    error_rates: list[RateRow] = field(default_factory=list)
    examples: list[Example] = field(default_factory=list)
    attention: list[AttentionMap] = field(default_factory=list)
    growth: list[HandOver] = field(default_factory=list)
    environment: dict[str, Any] = field(default_factory=dict)
    stale: dict[str, str] = field(default_factory=dict)  # other part, e.g. `error rates` → reason why it is stale

    @property
    def all_stale(self) -> dict[str, str]:
        """:return: stale part → reason; phases first"""
        phases = {f"phase {phase.label}": phase.stale for phase in self.phases if phase.stale}
        return phases | self.stale

    @staticmethod
    def load(report: dict) -> Report:
        """
        :param report: plain JSON data; its keys are the fields of this class
        :raises DataError: for an unknown or missing key, a value of the wrong type, or inconsistent parts; one line with
            the place, the value found and the expected one
        """
        loaded = from_plain(Report, report, "report")
        check_phases(loaded.phases)
        check_scores(loaded.scores, loaded.phases)
        check_growth(loaded.growth, loaded.phases)
        for number, attention in enumerate(loaded.attention):
            attention.check(f"report.attention[{number}]")
        for number, example in enumerate(loaded.examples):
            where = f"report.examples[{number}] ({example.word!r})"
            if not example.references:
                raise DataError(f"{where}: no references")
            distance = best_reference(example.hypothesis, example.references)[1]
            if distance != example.edits:
                raise DataError(f"{where}: edits is {example.edits}, but the nearest reference is {distance} away")
        return loaded


def load_phases(phases: Iterable[PhaseRow | dict]) -> list[PhaseRow]:
    """
    :param phases: loaded or as plain data
    :raises DataError: as `Report.load`
    """
    rows = [from_plain(PhaseRow, row, f"phases[{number}]") for number, row in enumerate(phases)]
    check_phases(rows)
    return rows


def load_scores(scores: Iterable[ScoreRow | dict]) -> list[ScoreRow]:
    """
    :param scores: loaded or as plain data
    :raises DataError: as `Report.load`
    """
    rows = [from_plain(ScoreRow, row, f"scores[{number}]") for number, row in enumerate(scores)]
    check_scores(rows, [])
    return rows


def check_phases(phases: list[PhaseRow]) -> None:
    """:raises DataError: if the epochs of the phases are not ascending ranges"""
    before = 0
    for row in phases:
        if not before < row.first_epoch <= row.last_epoch:
            raise DataError(
                f"report: phase {row.phase} has epochs {row.first_epoch} to {row.last_epoch}, "
                f"expected a range that begins at {before + 1} or later"
            )
        before = row.last_epoch


def check_scores(scores: list[ScoreRow], phases: list[PhaseRow]) -> None:
    """:raises DataError: if the epochs do not ascend, or a phase is not among `phases` (unless these are empty)"""
    known = {row.phase for row in phases}
    before = 0
    for row in scores:
        if row.epoch <= before:
            raise DataError(f"report: scores of epoch {row.epoch} after those of epoch {before}, expected ascending")
        if known and row.phase not in known:
            raise DataError(
                f"report: scores of epoch {row.epoch} belong to phase {row.phase}, which is not in the plan"
            )
        before = row.epoch


def check_growth(growth: list[HandOver], phases: list[PhaseRow]) -> None:
    """:raises DataError: if the hand-overs do not ascend, a phase is not in the plan, or shapes do not come in pairs"""
    known = {row.phase: row.first_epoch for row in phases}
    before = 0
    for number, entry in enumerate(growth):
        where = f"report.growth[{number}]"
        if entry.phase not in known:
            raise DataError(f"{where}: belongs to phase {entry.phase}, which is not in the plan")
        if known[entry.phase] <= before:
            raise DataError(
                f"{where}: belongs to phase {entry.phase}, expected a later phase than that of the entry before"
            )
        for path, shapes in entry.grown.items():
            if len(shapes) != 2:
                raise DataError(f"{where}.grown[{path!r}]: found {shapes!r}, expected an old and a new shape")
        before = known[entry.phase]
