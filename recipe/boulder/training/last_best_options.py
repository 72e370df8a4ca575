"""The options of RETURNN's `use_last_best_model`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from boulder.errors import ConfigError, nearest
from boulder.training.option_kind import is_int, is_number

AFTER_PRETRAINING = ("patience", "use_last_best_model")
"""Training options without effect while pretraining: the phases in it do not have them."""


def last_best_options(value: object, where: str = "config") -> dict[str, Any] | None:
    """
    :param value: of `use_last_best_model`
    :return: its options with RETURNN's defaults; None if it is off
    :raises ConfigError: for an unknown option, or a value of the wrong type or range
    """
    if value is None or value is False or value == {}:
        return None
    if value is not True and not isinstance(value, Mapping):
        raise ConfigError(
            f"{where}: 'use_last_best_model' must be a bool, or a dict such as {{'modulo': 2}}, found {value!r:.60}"
        )
    given: dict[str, Any] = {} if value is True else dict(value)
    defaults = {
        "modulo": 1, "first_epoch": None, "only_last_epochs": None, "filter_score": math.inf, "only_last_n": -1,
        "min_score_dist": 0.0,
    }  # fmt: skip
    for key, found in given.items():
        if key not in defaults:
            raise ConfigError(f"{where}: 'use_last_best_model' has no option {key!r}{nearest(key, defaults)}")
        right = is_number(found) if key in ("filter_score", "min_score_dist") else is_int(found)
        if not right or (key in ("modulo", "first_epoch", "only_last_epochs") and found < 1):
            raise ConfigError(
                f"{where}: 'use_last_best_model': {key!r}: found {found!r:.60}, expected a number in its range"
            )
    return defaults | given
