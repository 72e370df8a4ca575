"""What `boulder run` and `boulder plan --check` tell about the options of the RETURNN configs that were laid out."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from boulder.returnn.notices import Notice

_kept: dict[str, Sequence[Notice]] = {}


def keep_notices(name: str, notices: Sequence[Notice]) -> None:
    """
    :param name: of the pipeline
    """
    _kept[name] = notices


def kept_notices() -> dict[str, Sequence[Notice]]:
    """:return: name of a pipeline → its notices"""
    return _kept


def show_notices(name: str, notices: Sequence[Notice], console: Console) -> None:
    """Prints a row for each option; options with the same text share a row."""
    if not notices:
        return
    rows: dict[str, list[str]] = {}
    for notice in notices:
        rows.setdefault(notice.text, []).append(notice.option)
    table = Table(title=f"{escape(name)}: options without effect, and others to look at", title_justify="left",
                  box=None, show_header=False, padding=(0, 2, 0, 0))  # fmt: skip
    for text, options in rows.items():
        table.add_row(escape(", ".join(options)), escape(text))
    console.print(table)
