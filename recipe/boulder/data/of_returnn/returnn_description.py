"""Descriptions of data sets that RETURNN's own package reads: which these are, and their form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from boulder.data.dataset import dataset_classes
from boulder.data.of_returnn.returnn_classes import PREFIX, RETURNN_CLASSES
from boulder.data.python_values import to_json
from boulder.errors import nearest


def is_for_returnn(description: object) -> bool:
    """:return: whether the class of a description, or of one within it, has no reader here, or is asked for by `PREFIX`"""
    if isinstance(description, Mapping):
        name = description.get("class")
        if isinstance(name, str):
            if name == "ReturnnDataset":
                return False
            named = name.startswith(PREFIX) or (name in RETURNN_CLASSES and name not in dataset_classes())
        else:
            named = callable(name)
        return named or any(map(is_for_returnn, description.values()))
    return isinstance(description, list | tuple) and any(map(is_for_returnn, description))


def returnn_description(
    description: Mapping[str, Any], where: str, config: Mapping[str, Any] | None = None, folder: str | None = None
) -> dict[str, Any]:
    """
    :param description: of a data set of RETURNN
    :param where: for messages
    :param config: options of the config that the class may read
    :param folder: where relative paths start from; None: the current directory of the process that reads
    :return: description of a `ReturnnDataset`
    """
    found: dict[str, Any] = {"class": "ReturnnDataset", "dataset": to_json(_without_prefix(description), where)}
    if config:
        found["config"] = to_json(dict(config), where)
    return found | ({"folder": folder} if folder else {})


def _without_prefix(value: Any) -> Any:
    if isinstance(value, Mapping):
        plain = {key: _without_prefix(item) for key, item in value.items()}
        name = plain.get("class")
        return plain | ({"class": name.removeprefix(PREFIX)} if isinstance(name, str) else {})
    if isinstance(value, list | tuple):
        return type(value)(map(_without_prefix, value))
    return value


def nearest_class(name: object) -> str:
    """:return: the end of a message: the class, Boulder's or RETURNN's, with the nearest name"""
    known = {*dataset_classes(), *RETURNN_CLASSES}
    other_case = [found for found in known if found.lower() == str(name).lower()]
    return nearest(str(name), other_case or known)
