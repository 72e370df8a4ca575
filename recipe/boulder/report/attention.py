"""Attention weights of a decoded sequence, as the report shows them."""

from __future__ import annotations

from dataclasses import dataclass

from boulder.errors import DataError


@dataclass(frozen=True)
class AttentionMap:
    """
    :param title: e.g. the word
    :param columns: names of the input frames, from left to right
    :param rows: names of the labels, from top to bottom
    :param weights: (rows, columns), from 0 to 1
    """

    title: str
    columns: list[str]
    rows: list[str]
    weights: list[list[float]]

    def check(self, where: str) -> None:
        """:raises DataError: if the shape of the weights does not match the names"""
        widths = sorted({len(row) for row in self.weights})
        if len(self.weights) != len(self.rows) or widths not in ([], [len(self.columns)]):
            raise DataError(
                f"{where} ({self.title!r}): found {len(self.weights)} rows of {' or '.join(map(str, widths))} weights, "
                f"expected {len(self.rows)} of {len(self.columns)}"
            )


def shades(attention: AttentionMap) -> list[tuple[int, int, float]]:
    """:return: (column, row, opacity) of the visible cells"""
    return [
        (column, row, round(min(1.0, weight), 2))
        for row, weights in enumerate(attention.weights)
        for column, weight in enumerate(weights)
        if weight >= 0.02
    ]
