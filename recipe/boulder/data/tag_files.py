"""Files about sequence tags: lists of tags, and lengths by tag."""

from __future__ import annotations

import ast
import json
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from boulder.data.plain_pickle import unpickled
from boulder.errors import DataError, named
from boulder.file_content import read_content, read_text


def read_tags(path: str) -> list[str]:
    """
    :param path: a tag per line, or a pickled list of them (.pkl); gzipped if it ends in .gz
    :raises DataError: if the file cannot be read, or holds anything else
    """
    value = read_tag_lists(path)
    if not isinstance(value, list):
        raise DataError(f"{path}: found a dict of {', '.join(map(str, value))}, expected a list of sequence tags")
    return value


def read_tag_lists(path: str) -> list[str] | dict[str, list[str]]:
    """
    :param path: as for `read_tags`; a pickled file may also hold data set → list of tags
    :raises DataError: see `read_tags`
    """
    if not path.removesuffix(".gz").endswith(".pkl"):
        return read_text(path).splitlines()
    content = read_content(path)
    with named(f"{path}: cannot be read as a list of sequence tags"):
        value = unpickled(content)
    for tags in value.values() if isinstance(value, dict) else [value]:
        if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
            raise DataError(f"{path}: found {tags!r:.60}, expected a list of sequence tags")
    return value


def none_listed(path: str, tags: Sequence[str]) -> DataError:
    """
    :param path: of a list of tags
    :param tags: the first ones of a data set
    :return: the error of a data set that has none of the tags in the file
    """
    listed = read_tags(path)
    if not listed:
        return DataError(f"{path}: found no sequence tags, expected one per line")
    return DataError(
        f"{path}: found {', '.join(listed[:3])}, …, none of them in the data set, which has {', '.join(tags)}, …"
    )


def warn_of_missing(path: str, missing: Sequence[str], listed: int) -> None:
    """
    Warns of tags in a list that a data set lacks. Where it lacks all of them, `none_listed` is an error.

    :param missing: these tags
    :param listed: number of tags in the list
    """
    if 0 < len(missing) < listed:
        some = ", ".join(map(repr, missing[:3])) + (", …" if len(missing) > 3 else "")
        warnings.warn(f"{path}: the data set lacks {len(missing)} of {listed} sequences: {some}", stacklevel=2)


def read_lengths(path: str) -> Mapping[str, Any]:
    """
    :param path: a dict, tag → length, or tag → lengths by stream, written as in Python or JSON; gzipped if it ends in .gz
    :raises DataError: if the file cannot be read, or holds anything else
    """
    text = read_text(path)
    try:
        value = json.loads(text)
    except ValueError:
        try:
            value = ast.literal_eval(text.strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            raise DataError(f"{path}: found {text[:40]!r}, expected a dict of lengths by sequence tag") from None
    if not isinstance(value, dict):
        raise DataError(f"{path}: found {value!r:.60}, expected a dict of lengths by sequence tag")
    return value
