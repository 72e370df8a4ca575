"""`Vocabulary`: the words of a text.

It is the base of all vocabularies, text → class indices. The fields of a subclass are the options of its description. Constructing
it checks the options and opens nothing.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np

from boulder.counted import counted
from boulder.data.option_checks import check_file, is_integer
from boulder.data.option_kinds import PATH
from boulder.data.read_errors import read_errors
from boulder.data.vocabulary.label_table import LabelTable
from boulder.errors import DataError, nearest

NOT_SET: Any = object()
"""Default of an option for which None is a value of its own."""

_SYMBOLS = ("unknown_label", "bos_label", "eos_label", "pad_label", "control_symbols", "user_defined_symbols")
_classes: dict[str, type[Vocabulary]] = {}
VocabularyClass = TypeVar("VocabularyClass", bound="type[Vocabulary]")


def vocabulary_class(cls: VocabularyClass) -> VocabularyClass:
    """Registers a subclass of `Vocabulary` under its name."""
    _classes[cls.__name__] = cls
    return cls


def vocabulary_classes() -> Mapping[str, type[Vocabulary]]:
    """:return: name → class"""
    return _classes


@vocabulary_class
@dataclass(kw_only=True, eq=False)
class Vocabulary:
    """
    White space separates the words.

    :param vocab_file: a line for each label, or a dict from labels to indices, written as in Python, or pickled (`.pkl`); `.gz` is
        unpacked
    :param labels: the labels in place of a file, or a function that returns them
    :param unknown_label: label of words that are not in the vocabulary, or its index, "UNK" by default; None or -1: such words
        are an error
    :param special_symbols_via_file: a dict, written as in Python, with values for options that are not set: `unknown_label`,
        `bos_label`, `eos_label`, `pad_label`, `control_symbols`, `user_defined_symbols`
    :param bos_label: a label, or its index, which must exist; without effect on the indices, as all that follow
    :param eos_label: likewise
    :param pad_label: likewise
    :param control_symbols: name → a label, or its index
    :param user_defined_symbols: likewise
    :param num_labels: expected number of labels
    :param seq_postfix: indices at the end of each sequence
    :param single_whitespace_split: whether a label may contain white space, and a single blank separates labels
    """

    joined_by: ClassVar[str | None] = " "
    """Text between two labels of a text; None: the labels are bytes of UTF-8 text."""

    names_option: ClassVar[str | None] = "vocab_file"
    """The option whose file has the names of the labels; None: they are always the same."""

    vocab_file: str | None = field(default=None, metadata=PATH)
    labels: Sequence[str] | Callable[[], Sequence[str]] | None = None
    unknown_label: str | int | None = NOT_SET
    special_symbols_via_file: str | None = field(default=None, metadata=PATH)
    bos_label: str | int | None = None
    eos_label: str | int | None = None
    pad_label: str | int | None = None
    control_symbols: Mapping[str, str | int] | None = None
    user_defined_symbols: Mapping[str, str | int] | None = None
    num_labels: int | None = None
    seq_postfix: Sequence[int] | None = None
    single_whitespace_split: bool = False

    def __post_init__(self) -> None:
        """:raises DataError: if an option has a wrong value"""
        for name, known in self.options().items():
            if known.metadata.get("path"):
                check_file(name, getattr(self, name))
        if self.num_labels is not None and not is_integer(self.num_labels, 0):
            raise DataError(f"num_labels: found {self.num_labels!r:.60}, expected a number")
        for index in self.seq_postfix or ():
            if not is_integer(index, 0):
                raise DataError(f"seq_postfix: found {index!r:.60}, expected indices of labels")
        if not (
            self.labels is None
            or callable(self.labels)
            or (isinstance(self.labels, list | tuple | str) and all(isinstance(name, str) for name in self.labels))
        ):
            raise DataError(f"labels: found {self.labels!r:.60}, expected a list of labels")
        self._check_source()

    @classmethod
    def options(cls) -> dict[str, Field]:
        """:return: name → field, of every option"""
        return {f.name: f for f in fields(cls)}

    @property
    def is_random(self) -> bool:
        """Whether the indices of a text change from epoch to epoch."""
        return False

    @property
    def where(self) -> str:
        """What the labels come from, for messages."""
        return str(self.vocab_file) if self.labels is None else "vocabulary"

    @property
    def files(self) -> list[str]:
        """The files that decide the indices."""
        paths = [getattr(self, name) for name, known in self.options().items() if known.metadata.get("path")]
        return [str(path) for path in paths if path is not None]

    @property
    def names(self) -> Sequence[str]:
        """The label of each index."""
        return self._table.names

    def label_ids(self, text: str, numbers: np.random.RandomState | None = None) -> list[int]:
        """
        :param text: one sequence
        :param numbers: random numbers, for a vocabulary that `is_random`
        :return: class indices
        :raises DataError: for text that the vocabulary cannot represent
        """
        words = text.split() if self._words is None else self._words.findall(text)
        return self._ids(words)

    def check(self) -> None:
        """:raises DataError: if a file cannot be read, or a special label is not in the vocabulary"""
        names = self.names
        if len(names) != (self.num_labels or len(names)):
            raise DataError(f"{self.where}: found {counted(len(names), 'label')}, expected {self.num_labels}")
        for index in self._postfix:
            if index >= len(names):
                raise DataError(f"seq_postfix: found label {index}, expected 0 to {len(names) - 1}")
        _ = self._unknown_id
        for name in ("bos_label", "eos_label", "pad_label"):
            own = getattr(self, name)
            self._id_of(name, self._symbols.get(name) if own is None else own)
        for name in ("control_symbols", "user_defined_symbols"):
            for symbol, label in {**self._symbols.get(name, {}), **(getattr(self, name) or {})}.items():
                if self._id_of(f"{name}[{symbol!r}]", label) is None:
                    raise DataError(f"{name}[{symbol!r}]: found {label!r}, expected a label")

    def _check_source(self) -> None:
        if self.vocab_file is None and self.labels is None:
            raise DataError("found neither 'vocab_file' nor 'labels', expected one of them")

    def _ids(self, labels: Iterable[str]) -> list[int]:
        """:raises DataError: for an unknown label, unless there is an `unknown_label`"""
        found = [self._table.ids.get(label, self._unknown_id) for label in labels]
        if None in found:
            wrong = next(label for label in labels if label not in self._table.ids)
            raise DataError(f"found no label {wrong!r:.60} in {self.where}, and there is no 'unknown_label'")
        return [*found, *self._postfix]  # type: ignore[list-item]  # there is no None

    @cached_property
    def _table(self) -> LabelTable:
        if self.labels is None:
            return LabelTable.read(Path(str(self.vocab_file)))
        with read_errors("the function 'labels'"):
            names = list(self.labels() if callable(self.labels) else self.labels)
        return LabelTable.of_names(names)

    @property
    def _postfix(self) -> Sequence[int]:
        return self.seq_postfix or ()

    @cached_property
    def _words(self) -> re.Pattern | None:
        if not self.single_whitespace_split:
            return None
        every = "|".join(re.escape(name) for name in self.names)
        return re.compile(rf"({every}|\S+)(?: |$)")

    @cached_property
    def _unknown_id(self) -> int | None:
        own = self.unknown_label
        return self._id_of("unknown_label", self._symbols.get("unknown_label", "UNK") if own is NOT_SET else own)

    @cached_property
    def _symbols(self) -> dict[str, Any]:
        path = self.special_symbols_via_file
        if path is None:
            return {}
        try:
            found = ast.literal_eval(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError, SyntaxError) as error:
            raise DataError(f"{path}: cannot be read as a dict: {' '.join(str(error).split())}") from error
        for name in found if isinstance(found, dict) else [found]:
            if name not in _SYMBOLS:
                expected = ", ".join(_SYMBOLS)
                raise DataError(f"{path}: found {name!r:.60}, expected {expected}{nearest(str(name), _SYMBOLS)}")
        return found

    def _id_of(self, option: str, label: object) -> int | None:
        """:raises DataError: if there is no such label"""
        if label is None or label == -1:
            return None
        if isinstance(label, str) and label in self._table.ids:
            return self._table.ids[label]
        if is_integer(label, 0) and label < len(self.names):
            return label
        hint = "; without such a label, set 'unknown_label' to None" if option == "unknown_label" else ""
        raise DataError(
            f"{option}: found {label!r:.60}, expected one of the {counted(len(self.names), 'label')} of {self.where}"
            f"{nearest(str(label), self.names)}{hint}"
        )
