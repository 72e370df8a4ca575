"""Attention weights of a decoder, one picture per sequence."""

from __future__ import annotations

from dataclasses import dataclass

from boulder.errors import DataError

_MIN_VISIBLE = 0.02


@dataclass(frozen=True)
class AttentionMap:
    """
    :param title: e.g. the word
    :param columns: names of the input frames, from left to right
    :param rows: names of the output labels, from top to bottom
    :param weights: for each row, a weight per column, between 0 and 1
    """

    title: str
    columns: list[str]
    rows: list[str]
    weights: list[list[float]]

    def check(self, where: str) -> None:
        """:raises DataError: if the shape of `weights` is not (rows, columns)"""
        widths = sorted({len(row) for row in self.weights})
        if len(self.weights) != len(self.rows) or widths not in ([], [len(self.columns)]):
            raise DataError(
                f"{where} ({self.title!r}): found {len(self.weights)} rows of {' or '.join(map(str, widths))} weights, "
                f"expected {len(self.rows)} of {len(self.columns)}"
            )


def visible_cells(attention: AttentionMap) -> list[tuple[int, int, float]]:
    """:return: (column, row, opacity) of each visible cell; invisible ones would only enlarge the page"""
    return [
        (column, row, round(min(1.0, weight), 2))
        for row, weights in enumerate(attention.weights)
        for column, weight in enumerate(weights)
        if weight >= _MIN_VISIBLE
    ]
