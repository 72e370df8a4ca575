"""Tables of phases and scores for the terminal."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from boulder.report import formatting, summary
from boulder.report.model import PhaseRow, ScoreRow, load_phases, load_scores
from boulder.schedule.labels import short_index_label

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def phase_table(phases: Iterable[PhaseRow | dict[str, Any]], console: "Console | None" = None) -> "Table":
    """
    :param phases: rows of the plan, or plain data with their fields
    :param console: if given, the table is printed there
    :return: table with a row per phase, and a column of times if any phase has one
    :raises DataError: for invalid plain data
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    rows = load_phases(phases)
    timed = any(phase.seconds is not None for phase in rows)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("index", "epochs"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("layers")
    table.add_column("parameters", justify="right", no_wrap=True)
    table.add_column("overrides")
    if timed:
        table.add_column("time", justify="right", no_wrap=True)
    for phase in rows:
        # Text, since rich would interpret `[…]` in a str as markup.
        layers = Text()
        for line, style in _changes(phase):
            layers.append(("\n" if layers else "") + line, style)
        overrides = "\n".join(f"{key} = {formatting.plain(value)}" for key, value in phase.config.items())
        table.add_row(
            phase.label,
            formatting.epochs(phase.first_epoch, phase.last_epoch),
            layers or Text("unchanged", "dim"),
            formatting.count(phase.num_params),
            Text(overrides),
            *([formatting.duration(phase.seconds)] if timed else []),
        )
    if console is not None:
        console.print(table)
    return table


def _changes(phase: PhaseRow) -> Iterable[tuple[str, str]]:
    """:return: lines and their styles"""
    if phase.added:
        yield "+ " + ", ".join(phase.added), "green"
    if phase.removed:
        yield "− " + ", ".join(phase.removed), "red"
    for layers, changes in phase.changed_together:
        yield f"~ {', '.join(layers)}: {', '.join(changes)}", "yellow"


def score_table(scores: Iterable[ScoreRow | dict[str, Any]], console: "Console | None" = None) -> "Table":
    """
    :param scores: rows of epochs, or plain data with their fields
    :param console: if given, the table is printed there
    :return: table with a row per epoch: learning rate, all scores on each data set, time; the best value of each score
        on dev is bold
    :raises DataError: for invalid plain data
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    rows = load_scores(scores)
    keys = summary.score_keys(rows)
    best = {key: found.epoch for key in keys if (found := summary.best(rows, key))}
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    parts = list(dict.fromkeys(["train", "dev", *summary.score_parts(rows)]))
    headings = ["epoch", "index", "learning rate", *(f"{key}\n{part}" for key in keys for part in parts)]
    for heading in [*headings, "time"]:
        table.add_column(Text(heading), justify="right", no_wrap=True)
    for row in rows:
        cells = []
        for key in keys:
            for part in parts:
                is_best = part == "dev" and best.get(key) == row.epoch
                cells.append(Text(formatting.score(row.of(part).get(key)), "bold" if is_best else ""))
        table.add_row(
            str(row.epoch),
            short_index_label(row.index),
            formatting.learning_rate(row.learning_rate),
            *cells,
            formatting.duration(row.seconds),
        )
    if console is not None:
        console.print(table)
    return table
