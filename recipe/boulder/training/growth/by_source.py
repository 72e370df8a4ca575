"""`subset_by_source`: rows follow their source layer and columns their gate, by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from boulder.network.params import ParamSpec, Part
from boulder.training.growth.transfer import Transfer, beginnings


def parts_of(spec: ParamSpec, axis: int) -> tuple[Part, ...]:
    """:return: the parts of the axis; a single part if it has no known split"""
    parts = spec.splits[axis] if spec.splits else ()
    size = spec.shape[axis]
    return parts if sum(part.size for part in parts) == size else (Part("", size),)


def is_output(spec: ParamSpec, axis: int) -> bool:
    """:return: whether the axis is over the layer's own units, so that its parts are gates rather than source layers"""
    return axis == len(spec.shape) - 1 and not spec.per_unit


def match_parts(
    old: Sequence[Part], new: Sequence[Part], init_from: Mapping[str, str], in_order: bool
) -> list[int | None]:
    """
    :param init_from: label of a new part → label of the old one, where they differ
    :param in_order: match the remaining parts by their order if both sides have the same number of them
    :return: for each new part, the number of the old part with its label; equal labels match in order
    """
    numbers = {key: number for number, key in enumerate(_counted([part.label for part in old]))}
    labels = [part.label for part in new]
    renamed = _counted([init_from.get(label, label) for label in labels])
    # two sources initialised from one old layer both get its rows
    partner = [
        numbers.get(key, numbers.get((key[0], 0)) if label in init_from else None)
        for label, key in zip(labels, renamed, strict=True)
    ]
    left_old = [number for number in range(len(old)) if number not in partner]
    left_new = [number for number, found in enumerate(partner) if found is None]
    if in_order and len(left_old) == len(left_new):
        for new_number, old_number in zip(left_new, left_old, strict=True):
            partner[new_number] = old_number
    return partner


def _counted(labels: Sequence[str]) -> list[tuple[str, int]]:
    """:return: each label with the number of its earlier occurrences"""
    seen: Counter[str] = Counter()
    result = []
    for label in labels:
        result.append((label, seen[label]))
        seen[label] += 1
    return result


def transfer_by_source(old: ParamSpec, new: ParamSpec, init_from: Mapping[str, str]) -> Transfer:
    """
    A part that both parameters have keeps its old values and grows or shrinks at its end; a new part gets initial values.
    In a layer that is initialised from another one, sources without a match by name match by position, since the copy of
    a layer has other sources than the layer itself.
    """
    other = old.layer != new.layer
    if old.shape == new.shape and old.splits == new.splits and not init_from:
        return Transfer(old)
    index = []
    for axis in range(len(new.shape)):
        old_parts, new_parts = parts_of(old, axis), parts_of(new, axis)
        renamed = {} if is_output(new, axis) else init_from
        partner = match_parts(old_parts, new_parts, renamed, in_order=other)
        index.append(beginnings([part.size for part in old_parts], [part.size for part in new_parts], partner))
    return Transfer(old, tuple(index))
