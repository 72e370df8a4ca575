"""Table of the states of a pipeline's phases, for the terminal."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from boulder.report import formatting
from boulder.report.model import ScoreRow
from boulder.report.summary import headline, in_order, score_keys, score_parts

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

_WIDE = 110
_OF_A_DATA_SET = 22  # width of the columns of a further data set
STATE_STYLES = {
    "finished": "green", "running": "bold cyan", "queue": "cyan", "runnable": "cyan", "hold": "magenta", "waiting": "dim",
    "interrupted_resumable": "yellow", "unknown": "yellow",
}  # fmt: skip
FAILED_STYLE = "bold red"


@dataclass(frozen=True)
class PhaseStatus:
    """
    :param phase: name of the phase
    :param state: Sisyphus's name of the state
    :param held: whether its job has a hold file, so that it is not started again
    :param epochs_done: number of finished epochs, out of `num_epochs`
    :param epoch: last epoch that has scores
    :param train: score key → value on train in that epoch
    :param dev: score key → value on dev in that epoch
    :param eval: name of a further data set → score key → value
    :param scales: layer → loss scale other than 1, in that epoch
    :param measure: key of the score that says how well the task is solved
    :param warnings: of that epoch, for people
    :param progress: progress of the running epoch, e.g. `epoch 3: batch 20/300`
    :param seconds: training time so far
    :param seconds_left: estimated remaining time; None if unknown
    :param where: engine, job number in the cluster, host or process
    :param stopped: the last epoch of a training that stopped early, in this phase or before it
    :param stale: why its results are stale, e.g. `from before phase 01 was rerun`
    """

    phase: str
    state: str
    held: bool
    epochs_done: int
    num_epochs: int
    epoch: int | None = None
    train: dict[str, float | None] = field(default_factory=dict)
    dev: dict[str, float | None] = field(default_factory=dict)
    eval: dict[str, dict[str, float | None]] = field(default_factory=dict)
    scales: dict[str, float] = field(default_factory=dict)
    measure: str | None = None
    warnings: list[str] = field(default_factory=list)
    progress: str | None = None
    seconds: float | None = None
    seconds_left: float | None = None
    where: str = ""
    stopped: int | None = None
    stale: str | None = None


def status_table(rows: Sequence[PhaseStatus], width: int = 120, losses: Collection[str] = ()) -> Table:
    """
    :param width: width of the terminal; a narrow one omits scores on all data but dev, if it has some, and the progress
    :param losses: keys of the scores of the whole training
    :return: table with a row per phase, with the scores of the loss that says how well the task is solved
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    scored = _scored(rows)
    keys, shown = in_order({*score_keys(scored.values()), *losses}), shown_loss(rows, losses)
    keys = [key for key in keys if key.partition(":")[2] == shown]
    if headline(scored.values()) == f"cost:{shown}":  # its error says nothing of the task
        keys = [key for key in keys if not key.startswith("error:")]
    parts = list(dict.fromkeys(["train", "dev", *score_parts(scored.values())]))
    if width < _WIDE:
        parts = ["dev" if any(row.dev for row in rows) else "train"]
    elif width < _WIDE + _OF_A_DATA_SET * (len(parts) - 2):
        parts = parts[:2]
    scores = [(key, part) for key in keys for part in parts]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("phase", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("epochs", justify="right", no_wrap=True)
    for key, part in scores:
        table.add_column(Text(f"{key.partition(':')[0]}\n{part}"), justify="right", no_wrap=True)
    for title in ("time", "left"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("where", no_wrap=True)
    for row in rows:
        where = Text(row.where)
        if row.progress and width >= _WIDE:
            where.append(f"\n{row.progress}", "dim")
        table.add_row(
            Text(row.phase, "bold"),
            _state(row),
            f"{row.epochs_done}/{row.num_epochs}",
            *(_cell(row, scored[row.phase], key, part) for key, part in scores),
            formatting.duration(row.seconds) if row.seconds else "",
            formatting.duration(row.seconds_left) if row.seconds_left is not None else "",
            where,
        )
    return table


def shown_loss(rows: Sequence[PhaseStatus], losses: Collection[str] = ()) -> str:
    """:return: the layer whose loss `status_table` shows: that of the last measure, else the first of `score_keys`"""
    scored = _scored(rows)
    measure = headline(scored.values()) or next(iter(in_order({*score_keys(scored.values()), *losses})), "")
    return measure.partition(":")[2]


def loss_table(rows: Sequence[PhaseStatus], losses: Collection[str] = ()) -> Table:
    """
    :param losses: keys of the scores of the whole training
    :return: table with the last scores of each phase, a row for each of its losses, also for those that are off
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    scored = _scored(rows)
    parts = score_parts(scored.values()) or ["train"]
    kinds: dict[str, list[str]] = {}
    for key in in_order({*score_keys(scored.values()), *losses}):
        kinds.setdefault(key.partition(":")[2], []).append(key)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("phase", no_wrap=True)
    table.add_column("loss", overflow="fold")
    table.add_column("scale", justify="right", no_wrap=True)
    columns = [(kind, part) for kind in ("cost", "error") for part in parts]
    for kind, part in columns:
        table.add_column(Text(f"{kind}\n{part}"), justify="right", no_wrap=True)
    for row in (row for row in rows if row.epoch):
        for number, (layer, keys) in enumerate(kinds.items()):
            found = [(f"{kind}:{layer}", scored[row.phase].of(part)) for kind, part in columns]
            cells = [formatting.score(scores.get(key)) if key in keys else "" for key, scores in found]
            scale = row.scales.get(layer, 1) if any(key in row.train for key in keys) else 0
            table.add_row(
                Text("" if number else row.phase, "bold"), Text(layer), f"{scale:g}" if scale else "off", *cells
            )
    return table


def _scored(rows: Sequence[PhaseStatus]) -> dict[str, ScoreRow]:
    """:return: name of a phase → its scores"""
    return {row.phase: ScoreRow(1, 0, train=row.train, dev=row.dev, eval=row.eval, measure=row.measure) for row in rows}


def _cell(row: PhaseStatus, scores: ScoreRow, key: str, part: str) -> str:
    """:return: the score; `off` for a loss that the phase lacks or of scale 0, a dash for one without a number"""
    if not row.epoch:
        return ""
    if key not in row.train or row.scales.get(key.partition(":")[2]) == 0:
        return "off"
    return formatting.score(scores.of(part).get(key))


def _state(row: PhaseStatus) -> Text:
    from rich.text import Text

    text = Text(row.state, STATE_STYLES.get(row.state, FAILED_STYLE))
    if row.held and row.state != "hold":
        text.append(", held", STATE_STYLES["hold"])
    if row.stopped:
        text.append(f", stopped after epoch {row.stopped}", "yellow")
    if row.stale:
        text.append(", stale", "yellow")
    return text
