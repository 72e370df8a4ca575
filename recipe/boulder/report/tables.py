"""Tables of phases and scores for a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from boulder.report import summary, words
from boulder.report.model import PhaseRow, ScoreRow, load_phases, load_scores
from boulder.schedule.labels import short_index_label

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def phase_table(phases: Iterable[PhaseRow | dict], console: Console | None = None) -> Table:
    """
    :param phases: the plan, as in the report's input
    :param console: prints the table; None: only returns it
    :return: one row per phase; a time column if the time of any phase is known
    :raises DataError: for invalid rows
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    phases = load_phases(phases)
    timed = any(phase.seconds is not None for phase in phases)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("index", "epochs"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("layers")
    table.add_column("parameters", justify="right", no_wrap=True)
    table.add_column("overrides")
    if timed:
        table.add_column("time", justify="right", no_wrap=True)
    for phase in phases:
        # Text instead of str, in which rich would parse the `[…]` of a layer's options as markup.
        layers = Text()
        for line, style in _changes(phase):
            layers.append(("\n" if layers else "") + line, style)
        overrides = "\n".join(f"{key} = {words.plain(value)}" for key, value in phase.config.items())
        row: list[str | Text] = [
            phase.label,
            words.epochs(phase.first_epoch, phase.last_epoch),
            layers or Text("as before", "dim"),
            words.count(phase.num_params),
            Text(overrides),
        ]
        table.add_row(*row, *([words.duration(phase.seconds)] if timed else []))
    if console is not None:
        console.print(table)
    return table


def _changes(phase: PhaseRow) -> Iterable[tuple[str, str]]:
    """Yields lines with their styles."""
    if phase.added:
        yield "+ " + ", ".join(phase.added), "green"
    if phase.removed:
        yield "− " + ", ".join(phase.removed), "red"
    for layers, changes in phase.changed_together:
        yield f"~ {', '.join(layers)}: {', '.join(changes)}", "yellow"


def score_table(scores: Iterable[ScoreRow | dict], console: Console | None = None) -> Table:
    """
    :param scores: one row per epoch, as in the report's input
    :param console: prints the table; None: only returns it
    :return: one row per epoch with learning rate, scores of train and dev, and time; the best dev score of each key is
        bold
    :raises DataError: for invalid rows
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    scores = load_scores(scores)
    keys = summary.score_keys(scores)
    best = {key: summary.best(scores, key) for key in keys}
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    headings = ["epoch", "index", "learning rate", *(f"{key}\n{part}" for key in keys for part in ("train", "dev"))]
    for heading in [*headings, "time"]:
        table.add_column(Text(heading), justify="right", no_wrap=True)
    for row in scores:
        cells = []
        for key in keys:
            is_best = (found := best[key]) is not None and found.epoch == row.epoch
            cells.append(Text(words.score(row.train.get(key))))
            cells.append(Text(words.score(row.dev.get(key)), "bold" if is_best else ""))
        table.add_row(
            str(row.epoch),
            short_index_label(row.index),
            words.learning_rate(row.learning_rate),
            *cells,
            words.duration(row.seconds),
        )
    if console is not None:
        console.print(table)
    return table
