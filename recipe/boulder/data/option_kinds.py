"""Kinds of options that a description treats in a way of its own: metadata of the fields of a class, `field(metadata=PATHS)`."""

from collections.abc import Callable, Mapping
from typing import Any

PATH = {"path": True}
"""The option is a file."""

PATHS = {"paths": True}
"""The option is a list of files."""

DESCRIPTIONS = {"descriptions": "by name"}
"""The option is a dict of descriptions of other data sets."""

DESCRIPTION_LIST = {"descriptions": "list"}
"""The option is a list of descriptions of other data sets."""

DESCRIPTION = {"descriptions": "one"}
"""The option is the description of another data set."""

NONE_COUNTS = {"none": True}
"""The option may be None, which is not its default."""

WITHOUT_EFFECT = {"effect": False}
"""The option is accepted, but has no effect, and does not enter the hash."""

NO_OPTION = {"option": False}
"""The field is no option of a description."""


def files_in(names: Callable[[Mapping[str, Any]], list[str]]) -> dict[str, object]:
    """
    :param names: the option as given → the keys whose values are files
    :return: metadata of a field whose option is a dict, some of whose values are files
    """
    return {"files_in": names}
