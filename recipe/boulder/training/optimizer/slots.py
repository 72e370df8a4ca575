"""Slots of an optimizer of Keras, by parameter path."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from boulder.lazy import TFTensor

OF_NO_PARAMETER = "all"
"""The slot of values that belong to no parameter; their keys are numbers."""


def variable_name(position: int) -> str:
    """:return: the name that the variable at `position` must have, so that `slot_variables` recognises its slots"""
    return f"parameter{position}"


def slot_variables(
    optimizer: Any, paths: Sequence[str], first: int = 0, with_count: bool = False
) -> Iterator[tuple[TFTensor, tuple[str, str]]]:
    """
    :param paths: parameter path of each variable, by the number in its name
    :param first: number of the optimizer's first variable, for keys of values that belong to no parameter
    :param with_count: whether the number of updates is among these values
    :return: (variable, (slot, key)) for all slots; the key is a path, or a number in the slot `OF_NO_PARAMETER`
    """
    for position, variable in enumerate(optimizer.variables, first):
        match = re.search(r"parameter(\d+)(?:_0)?_(\w+)$", variable.path)
        if match:
            yield variable, (match[2], paths[int(match[1])])
        elif variable is not optimizer.iterations or with_count:
            yield variable, (OF_NO_PARAMETER, str(position))  # e.g. the product of momentum factors in Keras's Nadam
