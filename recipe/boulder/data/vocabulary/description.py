"""Descriptions of vocabularies: plain dicts such as `{"class": "CharacterTargets", "vocab_file": "chars.txt"}`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING

from boulder.data.vocabulary.vocabulary import Vocabulary, vocabulary_classes
from boulder.errors import DataError, nearest


def open_vocabulary(description: object) -> Vocabulary:
    """
    :param description: "class" and its options; without "class": `BytePairEncoding` if there is a `bpe_file`, else `Vocabulary`
    :return: the vocabulary, whose files are opened when they are needed, or by `check`
    :raises DataError: for an unknown class or option, with the nearest name, or a wrong value
    """
    if not isinstance(description, Mapping):
        raise DataError(f"found {description!r:.60}, expected a dict such as {{'vocab_file': …}}")
    options = dict(description)
    cls = class_of(options)
    options.pop("class", None)
    name, known = cls.__name__, cls.options()
    for option in options:
        if option not in known:
            raise DataError(f"{name} has no option {option!r}, only {', '.join(known)}{nearest(str(option), known)}")
    for option, of_class in known.items():
        if of_class.default is MISSING and of_class.default_factory is MISSING and option not in options:
            raise DataError(f"{name} needs the option {option!r}")
    return cls(**options)


def vocabulary_files(description: Mapping[str, object]) -> list[str]:
    """:return: the options of a description that are files"""
    known = class_of(description).options()
    return [key for key, value in description.items() if value is not None and _is_path(known, key)]


def _is_path(known: Mapping, key: str) -> bool:
    return key in known and bool(known[key].metadata.get("path"))


def class_of(description: Mapping[str, object]) -> type[Vocabulary]:
    """
    :return: the class of a description, see `open_vocabulary`
    :raises DataError: if there is no such class
    """
    name, known = description.get("class"), vocabulary_classes()
    if name is None:
        return known["BytePairEncoding" if "bpe_file" in description else "Vocabulary"]
    if not isinstance(name, str) or name not in known:
        raise DataError(f"found class {name!r:.60}, expected {', '.join(known)}{nearest(str(name), known)}")
    return known[name]
