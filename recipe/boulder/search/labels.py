"""
Vocabularies: class indices → text, as RETURNN's `vocab` of a data stream describes them.

    {"vocab_file": "bpe.vocab", "bpe_file": "bpe.codes"}     labels joined by blanks
    {"class": "CharacterTargets", "labels": "abc…"}          characters, joined without blanks
    {"class": "Utf8ByteTargets"}                             bytes of UTF-8 text
    {"class": "SentencePieces", "model_file": "spm.model"}   pieces, joined by blanks

`bpe_file`, `unknown_label`, `seq_postfix` and others concern only the way from text to indices.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from boulder.counted import counted
from boulder.data.vocabulary import open_vocabulary
from boulder.data.vocabulary.description import class_of
from boulder.errors import DataError, named, nearest

_OF_OTHER_CLASSES = ("bpe_file", "num_labels", "rnd")
"""Options that a description may have in any class, where RETURNN has read it for another one."""


@dataclass(frozen=True)
class Labels:
    """
    :param names: name of each class index
    :param joined_by: text between two names; None: the indices are bytes of UTF-8 text
    """

    names: Sequence[str]
    joined_by: str | None = " "

    def text(self, indices: Sequence[int], where: str) -> str:
        """
        :param where: context for error messages
        :raises DataError: for an index out of range
        """
        for index in indices:
            if not 0 <= index < len(self.names):
                raise DataError(f"{where}: found label {index}, expected 0 to {len(self.names) - 1}")
        if self.joined_by is None:
            return bytes(indices).decode("utf8", errors="replace")
        return self.joined_by.join(self.names[index] for index in indices)


def labels_by_names(names: Sequence[str]) -> Labels:
    """:return: labels of a data set that only gives their names: bytes, characters or words, decided as in RETURNN"""
    if len(names) < 1000 and all(len(name) == 1 for name in names):
        return Labels(names, None if list(names) == [chr(i) for i in range(256)] else "")
    return Labels(names)


def vocabulary_description(vocab: object, where: str, as_path: Callable[[str], object] = str) -> dict[str, Any]:
    """
    :param vocab: see above
    :param as_path: makes a path object of a file
    :return: the options that determine the text, plain
    :raises DataError: for an unknown class or option, with the nearest name, or a missing file
    """
    if not isinstance(vocab, Mapping):
        raise DataError(f"{where}: found {vocab!r:.60}, expected a dict such as {{'vocab_file': …}}")
    with named(where):
        cls = class_of(vocab)
    name = cls.__name__
    options = [*cls.options(), *_OF_OTHER_CLASSES]
    for option in vocab:
        if option != "class" and option not in options:
            raise DataError(f"{where}: {name} has no option {option!r}{nearest(str(option), options)}")
    file_option = cls.names_option
    known = ("class", "num_labels", *([file_option, "labels"] if file_option else []))
    kept = {key: vocab[key] for key in known if vocab.get(key) is not None}
    if file_option and file_option not in kept and "labels" not in kept:
        raise DataError(f"{where}: {name} needs the option {file_option!r}")
    if callable(kept.get("labels")):
        raise DataError(f"{where}: found a function as 'labels', expected a list")
    if "labels" in kept:
        kept["labels"] = list(kept["labels"])
    file = kept.get(file_option) if file_option else None
    if file is not None and not hasattr(file, "get_path"):
        kept[str(file_option)] = as_path(os.fspath(file))
    if name in ("BytePairEncoding", "SamplingBytePairEncoding"):
        name = "Vocabulary"  # the same text
    return {"class": name} | {key: value for key, value in kept.items() if key != "class"}


def read_labels(description: Mapping[str, Any]) -> Labels:
    """
    :param description: see `vocabulary_description`; paths are strings, or have a method `get_path`
    :raises DataError: for a file that is missing or no vocabulary, or another number of labels than `num_labels`
    """
    expected = description.get("num_labels")
    options = {key: value for key, value in description.items() if key != "num_labels"}
    vocabulary = open_vocabulary(
        {key: value.get_path() if hasattr(value, "get_path") else value for key, value in options.items()}
    )
    names = vocabulary.names
    if expected is not None and len(names) != expected:
        raise DataError(f"{vocabulary.where}: found {counted(len(names), 'label')}, expected {expected}")
    return Labels(names, vocabulary.joined_by)
