"""`boulder options`: what Boulder does with the options that RETURNN reads from a config."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from boulder.errors import ConfigError, nearest
from boulder.returnn.options import options_with_verdict, verdict
from boulder.returnn.verdicts import Verdict


def show_options(names: Sequence[str], console: Console) -> None:
    """
    :param names: options to show; none: all, and how many have which verdict
    :raises ConfigError: for a name that neither RETURNN nor Boulder reads
    """
    known = options_with_verdict()
    for name in names:
        if name not in known:
            raise ConfigError(f"neither RETURNN nor Boulder reads an option {name!r}{nearest(name, known)}")
    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("option", "verdict", "why"):
        table.add_column(title)
    for name, kind, reason in rows(names or known):
        table.add_row(escape(name), kind, escape(reason))
    console.print(table)
    if not names:
        console.print(", ".join(f"{count} {kind}" for kind, count in counts().items()), highlight=False)


def counts() -> dict[str, int]:
    """:return: verdict → number of options"""
    return dict(Counter(kind for _, kind, _ in rows(options_with_verdict())))


def rows(names: Collection[str]) -> list[tuple[str, str, str]]:
    """:return: (option, verdict, why it has no effect or is refused), sorted"""
    found = [(name, verdict(name)) for name in sorted(names, key=str.lower)]
    return [(name, known.kind.value, _why(known)) for name, known in found if known]


def _why(known: Verdict) -> str:
    harmless = ", ".join(map(repr, known.harmless))
    return f"{known.reason}; except {harmless}" if harmless else known.reason
