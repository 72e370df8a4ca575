"""`subset` as RETURNN does it (`copy_with_new_split_axes`): how the old array was split is guessed from the new one."""

from __future__ import annotations

import numpy

from boulder.errors import ConfigError
from boulder.network.params import ParamSpec
from boulder.training.growth.transfer import Index, Transfer, beginnings, take

Splits = tuple[tuple[int, ...], ...]
"""Per axis, the sizes of its parts."""


def transfer_subset(old: ParamSpec, new: ParamSpec) -> Transfer:
    """
    What RETURNN's `LayerBase.set_param_values_by_dict` makes of `old`, which has another shape than `new`.

    :raises ConfigError: for an axis that cannot have been split as the new one is
    """
    splits = new.returnn_splits or tuple((size,) for size in new.shape)
    try:
        return Transfer(old, _index(splits, old.shape))
    except ConfigError as error:
        raise ConfigError(f"growth of parameter {new.path!r} from {old.shape} to {new.shape}: {error}") from None


def subset(old: numpy.ndarray, fresh: numpy.ndarray, splits: Splits) -> numpy.ndarray:
    """
    Each part of the new array gets, at its beginning, as much of the same part of the old one as there is and as fits.

    :param old: array of any shape with as many axes as `fresh`
    :param fresh: initial values of the new array
    :param splits: of `fresh`
    :return: array of `fresh`'s shape
    """
    return take(old, fresh, _index(splits, old.shape))


def _index(splits: Splits, old_shape: tuple[int, ...]) -> tuple[Index, ...]:
    return tuple(
        beginnings(old_parts, new_parts, range(len(new_parts)))
        for old_parts, new_parts in zip(guess_old_splits(splits, old_shape), splits, strict=True)
    )


def guess_old_splits(splits: Splits, old_shape: tuple[int, ...]) -> list[list[int]]:
    """
    How the old array was split, judged by how the new one is. The rule is RETURNN's
    (`transform_param_axes_split_info_to_new_shape`): an axis of one part, or of equal parts that its old size can be
    divided into, tells what became of a part of that size; the parts of other axes are looked up in that; of those that
    are not found all but the last are taken as unchanged, and the last gets what remains; if all are found and do not
    add up, the first one is made to fit.

    :param splits: per axis of the new array, the sizes of its parts
    :param old_shape: sizes of the old array
    :return: per axis of the old array, the sizes of its parts
    :raises ConfigError: if that would make a part negative (RETURNN stops there, or copies wrong rows)
    """
    old_size_of = {}  # size of a new part → size of the old one
    for old_size, parts in zip(old_shape, splits, strict=True):
        if len(set(parts)) == 1 and old_size % len(parts) == 0:
            old_size_of[parts[0]] = old_size // len(parts)
    result = []
    for old_size, parts in zip(old_shape, splits, strict=True):
        guess = [old_size_of.get(part) for part in parts] if len(parts) > 1 else [old_size]
        unknown = [i for i, part in enumerate(guess) if part is None]
        for i in unknown[:-1]:
            guess[i] = min(parts[i], old_size - sum(part or 0 for part in guess))
        if unknown:
            guess[unknown[-1]] = old_size - sum(part or 0 for part in guess)
        elif sum(guess) != old_size:
            guess[0] = old_size - sum(guess[1:])
        if min(guess) < 0:
            raise ConfigError(
                f"an axis of size {old_size} cannot have been split as the new one is, {list(parts)}; "
                "use copy_param_mode 'ifpossible'"
            )
        result.append(guess)
    return result
