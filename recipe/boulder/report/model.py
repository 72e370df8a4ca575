"""The input of a report: its fields, and checks with clear errors."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from boulder.errors import DataError
from boulder.report.attention import AttentionMap
from boulder.report.handover import HandOver
from boulder.report.recordings import Recording
from boulder.report.schema import from_plain
from boulder.schedule.labels import index_label, short_index_label
from boulder.search.error_rate import best_reference


@dataclass(frozen=True)
class GrowthCounts:
    """Number of parameter arrays of a phase by the way they came about."""

    copied: int
    grown: int
    initialised: int
    dropped: int


@dataclass(frozen=True)
class PhaseRow:
    """A phase of the plan; `seconds` and `stale` are set after training."""

    phase: int
    index: int | None  # None: the original network
    first_epoch: int  # 1-based
    last_epoch: int  # inclusive
    is_pretrain: bool
    num_params: int | None  # None: unknown
    num_layers: int
    added: list[str] = field(default_factory=list)  # layers that the previous phase does not have
    removed: list[str] = field(default_factory=list)
    changed: dict[str, list[str]] = field(default_factory=dict)  # layer → changes, e.g. `n_out: 64 → 128`
    config: dict[str, Any] = field(default_factory=dict)  # overrides of training options
    copy_param_mode: str | None = None
    job: str | None = None  # job id
    seconds: float | None = None
    growth: GrowthCounts | None = None
    stale: str | None = None  # reason, e.g. `from before phase 01 was rerun`

    @property
    def label(self) -> str:
        """:return: cell of a column "index": `3` or `original`"""
        return short_index_label(self.index)

    @property
    def changed_together(self) -> list[tuple[list[str], list[str]]]:
        """:return: (layers, changes) pairs; layers with equal changes are grouped"""
        groups: dict[tuple[str, ...], list[str]] = {}
        for layer, changes in self.changed.items():
            groups.setdefault(tuple(changes), []).append(layer)
        return [(layers, list(changes)) for changes, layers in groups.items()]


@dataclass(frozen=True)
class ScoreRow:
    """Scores of an epoch. A score that is missing, None or NaN is unknown."""

    epoch: int  # 1-based
    phase: int
    index: int | None = None
    learning_rate: float | None = None
    train: dict[str, float | None] = field(
        default_factory=dict
    )  # score key, e.g. `cost:output` → value; lower is better
    dev: dict[str, float | None] = field(default_factory=dict)
    eval: dict[str, dict[str, float | None]] = field(default_factory=dict)  # name of a further data set → its scores
    seconds: float | None = None
    steps: int | None = None
    frames: int | None = None
    measure: str | None = None  # key of the score that says how well the task is solved
    warnings: list[str] = field(default_factory=list)  # what training warned of in this epoch

    def of(self, data: str) -> dict[str, float | None]:
        """:return: the scores on "train", "dev" or a further data set; {} if there are none"""
        own = {"train": self.train, "dev": self.dev}
        return own.get(data) or self.eval.get(data, {})


@dataclass(frozen=True)
class ErrorRateRow:
    """Error rates of a data set, as fractions: 0.1 is 10 %."""

    name: str
    per: float  # phoneme error rate: edits / phonemes
    wer: float  # word error rate
    words: int
    phonemes: int  # of the references
    edits: int


@dataclass(frozen=True)
class WordErrorRow:
    """Errors of words, or of other units, in the sequences of a data set; rates are fractions."""

    name: str
    wer: float  # error rate: errors / words
    ser: float  # sequence error rate
    words: int  # of the references
    substitutions: int
    deletions: int
    insertions: int
    sequences: int
    wrong_sequences: int
    unit: str = "word"  # or "character": what `words` are

    @property
    def rate(self) -> str:
        """:return: abbreviation of the error rate: WER or CER"""
        return f"{self.unit[0].upper()}ER"


@dataclass(frozen=True)
class Example:
    """A decoded word or sequence; `edits` is the edit distance to its nearest reference."""

    word: str
    hypothesis: list[str]
    references: list[list[str]]
    edits: int


@dataclass(frozen=True)
class Report:
    """The whole report. Only `title` and `phases` are required, so that a pipeline can be reported before it has run."""

    title: str
    phases: list[PhaseRow]
    description: str = ""
    created: str | None = None
    scores: list[ScoreRow] = field(default_factory=list)
    error_rates: list[ErrorRateRow] = field(default_factory=list)
    word_errors: list[WordErrorRow] = field(default_factory=list)
    examples: list[Example] = field(default_factory=list)
    attention: list[AttentionMap] = field(default_factory=list)
    recordings: list[Recording] = field(default_factory=list)
    growth: list[HandOver] = field(default_factory=list)
    environment: dict[str, Any] = field(default_factory=dict)
    stale: dict[str, str] = field(default_factory=dict)  # other parts, e.g. `error rates` → reason
    failures: dict[str, str] = field(default_factory=dict)  # name of a job that has failed → reason
    refresh: int | None = None  # seconds after which a browser reads the file again; None: it is final

    @property
    def all_stale(self) -> dict[str, str]:
        """:return: stale part → reason; phases first, by the label of their index"""
        phases = {index_label(phase.index): phase.stale for phase in self.phases if phase.stale}
        return phases | self.stale

    @staticmethod
    def load(report: dict[str, Any]) -> "Report":
        """
        :param report: plain data, e.g. from JSON, with the fields of this class
        :raises DataError: for an unknown or missing key, a value of the wrong type, or parts that contradict each other
        """
        loaded = from_plain(Report, report, "report")
        check_phases(loaded.phases)
        check_scores(loaded.scores, loaded.phases)
        check_growth(loaded.growth, loaded.phases)
        for number, attention in enumerate(loaded.attention):
            attention.check(f"report.attention[{number}]")
        for number, recording in enumerate(loaded.recordings):
            recording.check(f"report.recordings[{number}]")
        for number, example in enumerate(loaded.examples):
            where = f"report.examples[{number}] ({example.word!r})"
            if not example.references:
                raise DataError(f"{where}: found no references, expected at least one")
            distance = best_reference(example.hypothesis, example.references)[1]
            if distance != example.edits:
                raise DataError(
                    f"{where}: found {example.edits} edits, but the nearest reference has edit distance {distance}"
                )
        return loaded


def load_phases(phases: Iterable[PhaseRow | dict[str, Any]]) -> list[PhaseRow]:
    """
    :return: the rows, with plain data converted
    :raises DataError: see :meth:`Report.load`
    """
    rows = [from_plain(PhaseRow, row, f"phases[{number}]") for number, row in enumerate(phases)]
    check_phases(rows)
    return rows


def load_scores(scores: Iterable[ScoreRow | dict[str, Any]]) -> list[ScoreRow]:
    """
    :return: the rows, with plain data converted
    :raises DataError: see :meth:`Report.load`
    """
    rows = [from_plain(ScoreRow, row, f"scores[{number}]") for number, row in enumerate(scores)]
    check_scores(rows, [])
    return rows


def check_phases(phases: list[PhaseRow]) -> None:
    """:raises DataError: if the epochs of the phases are not ascending, disjoint ranges"""
    before = 0
    for row in phases:
        if not before < row.first_epoch <= row.last_epoch:
            raise DataError(
                f"report: phase {row.phase}: found epochs {row.first_epoch} to {row.last_epoch}, "
                f"expected a range that starts at {before + 1} or later"
            )
        before = row.last_epoch


def check_scores(scores: list[ScoreRow], phases: list[PhaseRow]) -> None:
    """:raises DataError: if the epochs are not ascending, or `phases` is not empty and lacks the phase of a row"""
    known = {row.phase for row in phases}
    before = 0
    for row in scores:
        if row.epoch <= before:
            raise DataError(
                f"report: scores of epoch {row.epoch} follow those of epoch {before}, expected ascending epochs"
            )
        if known and row.phase not in known:
            raise DataError(
                f"report: scores of epoch {row.epoch} belong to phase {row.phase}, which is not in the plan"
            )
        before = row.epoch


def check_growth(growth: list[HandOver], phases: list[PhaseRow]) -> None:
    """:raises DataError: if the phases are not ascending or not in the plan, or an entry of `grown` is not a pair of shapes"""
    known = {row.phase: row.first_epoch for row in phases}
    before = 0
    for number, entry in enumerate(growth):
        where = f"report.growth[{number}]"
        if entry.phase not in known:
            raise DataError(f"{where}: found phase {entry.phase}, which is not in the plan")
        if known[entry.phase] <= before:
            raise DataError(
                f"{where}: found phase {entry.phase}, expected a later phase than that of the previous entry"
            )
        for path, shapes in entry.grown.items():
            if len(shapes) != 2:
                raise DataError(f"{where}.grown[{path!r}]: found {shapes!r}, expected the old and the new shape")
        before = known[entry.phase]
