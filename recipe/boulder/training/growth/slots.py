"""Optimizer slots, carried over into the next phase."""

from __future__ import annotations

from collections.abc import Mapping

import numpy

from boulder.training.growth.growing import plan_transfers
from boulder.training.growth.growth_options import GrowthOptions
from boulder.training.growth.matching import Specs
from boulder.training.growth.modes import check_carry_optimizer
from boulder.training.growth.transfer import Transfer, as_it_was, take

Slots = Mapping[str, Mapping[str, numpy.ndarray]]
"""Slot name → parameter path → array."""

_OF_NO_PARAMETER = "all"
"""The slot of values that belong to no parameter, see `boulder.training.optimizer`."""


def carry_slots(
    carry: str,
    old: Slots,
    initial: Slots,
    old_specs: Specs,
    new_specs: Specs,
    mode: str | None = None,
    options: GrowthOptions | None = None,
) -> dict[str, dict[str, numpy.ndarray]]:
    """
    Carry slots over: each entry follows the entry of its parameter. Where "net2wider" divides a parameter by the number of
    replicas, its slots are not divided, since they follow the gradient, which stays the same.

    :param carry: one of `boulder.schedule.phases.CARRY_OPTIMIZER`
    :param old: slots of the phase before
    :param initial: initial slots of the new optimizer
    :return: slots of the new optimizer. A slot that the old optimizer does not have keeps its initial value.
    """
    check_carry_optimizer(carry, "growth")
    result = {slot: dict(values) for slot, values in initial.items()}
    if carry == "reset":
        return result
    transfers = plan_transfers(old_specs, new_specs, mode, options).transfers
    for slot, values in result.items():
        before = old.get(slot, {})
        if slot == _OF_NO_PARAMETER:
            # named by their position among the optimizer's variables, which changes as parameters are added
            if len(before) == len(values):
                values |= zip(sorted(values, key=int), (before[key] for key in sorted(before, key=int)), strict=True)
            continue
        for path, value in values.items():
            transfer = transfers.get(path)
            if not isinstance(transfer, Transfer) or transfer.source.path not in before:
                continue
            if as_it_was(transfer, value.shape):
                values[path] = before[transfer.source.path].copy()
            elif carry == "grow" and transfer.index is not None:
                values[path] = take(before[transfer.source.path], value, transfer.index)
    return result


def carry_iterations(carry: str, iterations: int, old: Slots, initial: Slots) -> int:
    """:return: the optimizer's count of updates, which is carried over together with its slots and otherwise starts at 0"""
    return iterations if carry != "reset" and old.keys() & initial.keys() - {_OF_NO_PARAMETER} else 0
