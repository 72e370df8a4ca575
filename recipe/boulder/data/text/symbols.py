"""`Symbols`: symbols of an orthography → labels, by the rules of RETURNN's `LmDataset`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from boulder.data.vocabulary.label_table import LabelTable
from boulder.errors import DataError
from boulder.file_content import read_text


@dataclass(frozen=True)
class Symbols:
    """
    (RETURNN's result also depends on the sequences that it has read before, where a symbol that it replaces has no label.)

    :param table: the symbols that have labels
    :param replacements: symbol → symbols that replace it
    :param space: symbol of which two in a row become one
    :param replaces_unknown: whether symbols without a label are replaced by `unknown`
    :param unknown: a symbol; None: such symbols are left out
    """

    table: LabelTable
    replacements: Mapping[str, Sequence[str]]
    space: str
    replaces_unknown: bool
    unknown: str | None

    @classmethod
    def read(
        cls,
        path: str,
        *,
        is_map: bool,
        replacements: str | None,
        split: Callable[[str], list[str]],
        space: str | None,
        replaces_unknown: bool,
        unknown: str | None,
    ) -> Self:
        """
        :param path: file of symbols
        :param is_map: whether it has labels, too
        :param replacements: JSON file, symbol → text
        :param split: text → symbols
        :param space: symbol for a space; None: the space itself
        :raises DataError: if a file cannot be read, or `unknown` is needed and has no label
        """
        table = _read_map(path) if is_map else LabelTable.of_names(read_text(path).splitlines())
        replaced = {} if replacements is None else {key: split(text) for key, text in _read_dict(replacements).items()}
        if space is not None:
            replaced[" "] = [space]
        if replaces_unknown and unknown is not None and unknown not in table.ids:
            raise DataError(f"{path}: found no unknown_symbol {unknown!r}, which replaces symbols without a label")
        return cls(table, replaced, " " if space is None else space, replaces_unknown, unknown)

    @property
    def names(self) -> Sequence[str]:
        """The symbol of each label."""
        return self.table.names

    def labels(self, symbols: Sequence[str]) -> list[int]:
        """
        :return: labels of these symbols
        :raises DataError: for a symbol without a label
        """
        found = list(symbols)
        if not self.replacements.keys().isdisjoint(found):
            found = [other for symbol in found for other in self.replacements.get(symbol, (symbol,))]
        found = self._without_double_spaces(found)
        if self.replaces_unknown and not all(map(self.table.ids.__contains__, found)):
            unknown = () if self.unknown is None else (self.unknown,)
            found = [other for s in found for other in ((s,) if s in self.table.ids else unknown)]
            found = self._without_double_spaces(found)
        try:
            return [self.table.ids[symbol] for symbol in found]
        except KeyError as error:
            raise DataError(f"found no label for the symbol {error.args[0]!r:.60}") from None

    def _without_double_spaces(self, symbols: list[str]) -> list[str]:
        if self.space not in symbols:
            return symbols
        return [s for i, s in enumerate(symbols) if not (i and s == symbols[i - 1] == self.space)]


def _read_map(path: str) -> LabelTable:
    text = "" if path.endswith(".pkl") else read_text(path)
    if path.endswith(".pkl") or text.startswith("{"):
        return LabelTable.read(Path(path))
    ids = {}
    for number, line in enumerate(text.splitlines(), 1):
        symbol, label = ([*line.split(None, 1), "", ""])[:2]
        if not label.strip().isdecimal():
            raise DataError(f"{path}: line {number}: found {line!r:.60}, expected a symbol and its label")
        ids[symbol] = int(label)
    return LabelTable.of_ids(ids, path)


def _read_dict(path: str) -> dict[str, str]:
    try:
        value = json.loads(read_text(path))
    except ValueError as error:
        raise DataError(f"{path}: cannot be read as JSON: {error}") from error
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise DataError(f"{path}: found {value!r:.60}, expected a dict, symbol → text")
    return value
