"""RETURNN's `subset` (`copy_with_new_split_axes`), which guesses the parts of the old array from those of the new one."""

from __future__ import annotations

import numpy

from boulder.errors import ConfigError
from boulder.network.params import ParamSpec
from boulder.training.growth.transfer import Index, Transfer, beginnings, take

Splits = tuple[tuple[int, ...], ...]
"""Per axis, the sizes of its parts."""


def transfer_subset(old: ParamSpec, new: ParamSpec) -> Transfer:
    """
    RETURNN's `LayerBase.set_param_values_by_dict`, for parameters of different shapes.

    :raises ConfigError: for an axis that cannot have been split like the new one
    """
    splits = new.returnn_splits or tuple((size,) for size in new.shape)
    try:
        return Transfer(old, _index(splits, old.shape))
    except ConfigError as error:
        raise ConfigError(f"growth of parameter {new.path!r} from {old.shape} to {new.shape}: {error}") from None


def subset(old: numpy.ndarray, fresh: numpy.ndarray, splits: Splits) -> numpy.ndarray:
    """
    Copy into each part of the new array, from its beginning, as much of the same part of the old array as fits.

    :param old: array with as many axes as `fresh`
    :param fresh: initial values of the new array
    :param splits: parts of the new array
    :return: array of the shape of `fresh`
    """
    return take(old, fresh, _index(splits, old.shape))


def _index(splits: Splits, old_shape: tuple[int, ...]) -> tuple[Index, ...]:
    return tuple(
        beginnings(old_parts, new_parts, range(len(new_parts)))
        for old_parts, new_parts in zip(guess_old_splits(splits, old_shape), splits, strict=True)
    )


def guess_old_splits(splits: Splits, old_shape: tuple[int, ...]) -> list[list[int]]:
    """
    Guess the parts of the old array by RETURNN's rule (`transform_param_axes_split_info_to_new_shape`):

    - An axis with one part, or with equal parts that divide its old size, maps the size of a new part to that of an old one.
    - The parts of other axes are looked up in this map. Of those not found, all but the last keep their size, and the last
      gets the rest.
    - If all are found and do not sum to the old size, the first is adjusted.

    :param splits: per axis of the new array, the sizes of its parts
    :param old_shape: shape of the old array
    :return: per axis of the old array, the sizes of its parts
    :raises ConfigError: if the size of a part would be negative (RETURNN stops there, or copies wrong rows)
    """
    old_size_of: dict[int, int] = {}  # size of a new part → size of the old one
    for old_size, parts in zip(old_shape, splits, strict=True):
        if len(set(parts)) == 1 and old_size % len(parts) == 0:
            old_size_of[parts[0]] = old_size // len(parts)
    result = []
    for old_size, parts in zip(old_shape, splits, strict=True):
        found = [old_size_of.get(part) for part in parts] if len(parts) > 1 else [old_size]
        guess = [0 if part is None else part for part in found]
        unknown = [i for i, part in enumerate(found) if part is None]
        for i in unknown[:-1]:
            guess[i] = min(parts[i], old_size - sum(guess))
        if unknown:
            guess[unknown[-1]] = old_size - sum(guess)
        elif sum(guess) != old_size:
            guess[0] = old_size - sum(guess[1:])
        if min(guess) < 0:
            raise ConfigError(
                f"an axis of size {old_size} cannot have been split like the new one, {list(parts)}; "
                "use copy_param_mode 'ifpossible'"
            )
        result.append(guess)
    return result
