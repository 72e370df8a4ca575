"""Table of the states of a pipeline's phases, for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from boulder.report import formatting
from boulder.report.model import ScoreRow
from boulder.report.summary import score_keys, score_parts

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
    progress: str | None = None
    seconds: float | None = None
    seconds_left: float | None = None
    where: str = ""
    stopped: int | None = None
    stale: str | None = None


def status_table(rows: Sequence[PhaseStatus], width: int = 120) -> Table:
    """
    :param width: width of the terminal; a narrow one omits scores on all data but dev, if it has some, and the progress
    :return: table with a row per phase, with the scores of the first layer of `score_keys`
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    scored = {row.phase: ScoreRow(1, 0, train=row.train, dev=row.dev, eval=row.eval) for row in rows}
    keys = score_keys(scored.values())
    layers = list(dict.fromkeys(key.partition(":")[2] for key in keys))
    parts = list(dict.fromkeys(["train", "dev", *score_parts(scored.values())]))
    if width < _WIDE:
        parts = ["dev" if any(row.dev for row in rows) else "train"]
    elif width < _WIDE + _OF_A_DATA_SET * (len(parts) - 2):
        parts = parts[:2]
    scores = [(key, part) for key in keys if key.endswith(f":{layers[0]}") for part in parts]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("phase", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("epochs", justify="right", no_wrap=True)
    for key, part in scores:
        title = key.partition(":")[0] if len(layers) == 1 else key
        table.add_column(Text(f"{title}\n{part}"), justify="right", no_wrap=True)
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
            *(formatting.score(scored[row.phase].of(part).get(key)) if row.epoch else "" for key, part in scores),
            formatting.duration(row.seconds) if row.seconds else "",
            formatting.duration(row.seconds_left) if row.seconds_left is not None else "",
            where,
        )
    return table


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
