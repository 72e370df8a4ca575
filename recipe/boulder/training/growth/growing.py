"""`grow`, and `plan_growth`, which tells beforehand what it will do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy

from boulder.network.params import ParamSpec
from boulder.training.growth.by_source import transfer_by_source
from boulder.training.growth.matching import Specs, check_init_from, match_params, stacked
from boulder.training.growth.modes import check_mode
from boulder.training.growth.options import GrowthOptions
from boulder.training.growth.preserving import Identity, preserving_transfers
from boulder.training.growth.report import GrowthReport
from boulder.training.growth.returnn_subset import transfer_subset
from boulder.training.growth.transfer import Transfer, as_it_was, take

_PRESERVING = ("net2wider", "deepen")


@dataclass(frozen=True)
class Plan:
    """
    :param partners: path of a new parameter → the old one that belongs to it, whether or not its values are taken
    :param transfers: path → how it is made of old values; nothing for those that are initialised
    """

    partners: Mapping[str, ParamSpec]
    transfers: Mapping[str, Transfer | Identity]


def plan_growth(
    old_specs: Specs, new_specs: Specs, mode: str | None = None, options: GrowthOptions | None = None
) -> GrowthReport:
    """
    What `grow` will do, told without any arrays: the manager asks before it submits a job.

    :param mode: one of `MODES`; None is "ifpossible"
    :raises ConfigError: for another mode, for a wrong `init_from`, and where the mode cannot do what it promises
    """
    return _report(plan_transfers(old_specs, new_specs, mode, options), old_specs, new_specs, mode)


def grow(
    old: Mapping[str, numpy.ndarray],
    old_specs: Specs,
    new_specs: Specs,
    fresh: Callable[[ParamSpec], numpy.ndarray],
    mode: str | None = None,
    options: GrowthOptions | None = None,
) -> tuple[dict[str, numpy.ndarray], GrowthReport]:
    """
    :param old: path → array
    :param fresh: gives the initial value of a parameter
    :param mode: see `plan_growth`
    :return: path → array for all of `new_specs`, and what was done
    """
    plan = plan_transfers(old_specs, new_specs, mode, options)
    values = {path: _value(plan.transfers.get(path), spec, old, fresh) for path, spec in new_specs.items()}
    return values, _report(plan, old_specs, new_specs, mode)


def plan_transfers(old_specs: Specs, new_specs: Specs, mode: str | None, options: GrowthOptions | None = None) -> Plan:
    """For arguments and errors see `plan_growth`."""
    options = options or GrowthOptions()
    plan = _plan_all_transfers(old_specs, new_specs, mode, options)
    taken = {p: t for p, t in plan.transfers.items() if new_specs[p].layer.split("/")[0] not in options.reset_layers}
    return Plan(plan.partners, taken)


def _plan_all_transfers(old_specs: Specs, new_specs: Specs, mode: str | None, options: GrowthOptions) -> Plan:
    check_mode(mode, "growth")
    init_from = dict(options.init_from)
    if not old_specs or mode == "reset":
        return Plan(match_params(old_specs, new_specs, {}), {})
    check_init_from(init_from, old_specs, new_specs)
    if mode == "stack":
        init_from = stacked(old_specs, new_specs) | init_from
    partners = match_params(old_specs, new_specs, init_from)
    if mode in _PRESERVING:
        deeper = mode == "deepen"
        return Plan(partners, preserving_transfers(old_specs, new_specs, partners, init_from, options, deeper))
    transfers = {path: _transfer(old, new_specs[path], mode, init_from) for path, old in partners.items()}
    return Plan(partners, {path: transfer for path, transfer in transfers.items() if transfer})


def _transfer(old: ParamSpec, new: ParamSpec, mode: str | None, init_from: Mapping[str, str]) -> Transfer | None:
    if len(old.shape) != len(new.shape):
        return None
    if mode in ("subset_by_source", "stack"):
        return transfer_by_source(old, new, init_from)
    if old.shape == new.shape:
        return Transfer(old)
    return transfer_subset(old, new) if mode == "subset" else None


def _value(transfer, spec: ParamSpec, old: Mapping[str, numpy.ndarray], fresh: Callable) -> numpy.ndarray:
    if transfer is None:
        return fresh(spec)
    if isinstance(transfer, Identity):
        return transfer.value(spec)
    value = old[transfer.source.path]
    if transfer.index is None:
        return value if transfer.source.layer == spec.layer else value.copy()
    start = numpy.zeros(spec.shape, spec.dtype) if transfer.zero_elsewhere else fresh(spec)
    return take(value, start, transfer.index, transfer.shares)


def _report(plan: Plan, old_specs: Specs, new_specs: Specs, mode: str | None) -> GrowthReport:
    report = GrowthReport(mode=mode or "ifpossible")
    report.shapes = {path: spec.shape for path, spec in new_specs.items()}
    report.old_shapes = {path: spec.shape for path, spec in old_specs.items()}
    for path, spec in new_specs.items():
        transfer = plan.transfers.get(path)
        if not isinstance(transfer, Transfer) or _takes_nothing(transfer):
            report.initialised.append(path)
            if isinstance(transfer, Identity):
                report.identity.append(path)
            continue
        if as_it_was(transfer, spec.shape):
            report.copied.append(path)
        else:
            report.grown[path] = (transfer.source.shape, spec.shape)
        if transfer.source.layer != spec.layer:
            report.taken_from[path] = transfer.source.layer
    partners = {old.path for old in plan.partners.values()}
    report.dropped = [path for path in old_specs if path not in partners]
    return report


def _takes_nothing(transfer: Transfer) -> bool:
    return transfer.index is not None and any((index < 0).all() for index in transfer.index)
