"""`grow`, and `plan_growth`, which reports in advance what `grow` will do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy

from boulder.errors import ConfigError
from boulder.network.params import ParamSpec
from boulder.training.growth.by_source import transfer_by_source
from boulder.training.growth.deepening import Identity
from boulder.training.growth.growth_options import GrowthOptions
from boulder.training.growth.importing import InitialValues, call_importers
from boulder.training.growth.matching import Specs, check_init_from, match_params, stacked
from boulder.training.growth.modes import check_mode
from boulder.training.growth.per_layer import PerLayer
from boulder.training.growth.preserving import preserving_transfers
from boulder.training.growth.report import GrowthReport
from boulder.training.growth.returnn_subset import transfer_subset
from boulder.training.growth.returnn_view import GrowingNetwork
from boulder.training.growth.transfer import Transfer, as_it_was, covers

PRESERVING = ("net2wider", "deepen", "lemon", "bert2bert")
"""The modes that replicate units; all but the last one preserve the network's function."""


@dataclass(frozen=True)
class GrowthPlan:
    """
    :param mode: mode of the layers without one of their own
    :param partners: path of a new parameter → the matching old one, whether or not its values are taken
    :param transfers: path → how the parameter is made of old values; initialised parameters have none
    :param loop_functions: loop → its `custom_param_importer`, called before values are copied
    :param functions: layer → its `custom_param_importer`, called after values are copied
    :param init_from: new layer → old layer
    """

    mode: str
    partners: Mapping[str, ParamSpec] = field(default_factory=dict)
    transfers: Mapping[str, Transfer | Identity] = field(default_factory=dict)
    loop_functions: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    functions: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    init_from: Mapping[str, str] = field(default_factory=dict)


def plan_growth(
    old_specs: Specs, new_specs: Specs, mode: str | None = None, options: GrowthOptions | None = None
) -> GrowthReport:
    """
    Report what `grow` will do, without any arrays: the manager validates growth this way before it submits a job.

    :param mode: one of `COPY_PARAM_MODES`; None means "ifpossible"
    :raises ConfigError: for an unknown mode, a wrong `init_from`, or a change of the network that the mode does not allow
    """
    return _report(plan_transfers(old_specs, new_specs, mode, options), old_specs, new_specs)


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
    :param fresh: returns the initial value of a parameter
    :param mode: see `plan_growth`
    :return: path → array for all of `new_specs`, and the report
    """
    plan = plan_transfers(old_specs, new_specs, mode, options)
    start = InitialValues(new_specs, fresh)
    before, after = GrowingNetwork(new_specs, start), GrowingNetwork(new_specs, {})
    call_importers(plan.loop_functions, plan.init_from, old, old_specs, before)
    after.values |= {path: _value(plan.transfers.get(path), spec, old, start) for path, spec in new_specs.items()}
    call_importers(plan.functions, plan.init_from, old, old_specs, after)
    report = _report(plan, old_specs, new_specs)
    report.by_function = [path for path in new_specs if path in {*before.changed, *after.changed}]
    return after.values, report


def plan_transfers(
    old_specs: Specs, new_specs: Specs, mode: str | None, options: GrowthOptions | None = None
) -> GrowthPlan:
    """Plan how each new parameter is made. For arguments and errors see `plan_growth`."""
    check_mode(mode, "growth")
    options, mode = options or GrowthOptions(), mode or "ifpossible"
    per_layer = PerLayer(options, mode)
    init_from = dict(options.init_from)
    if not old_specs:
        return GrowthPlan(mode)
    check_init_from(init_from, old_specs, new_specs)
    if mode == "stack":
        init_from = stacked(old_specs, new_specs) | init_from
    partners = match_params(old_specs, new_specs, init_from)
    modes = {path: per_layer.mode(spec.layer) for path, spec in new_specs.items()}
    transfers: dict[str, Transfer | Identity] = {}
    if mode in PRESERVING:
        own_way = {new_specs[path].layer for path, own in modes.items() if own != mode}
        transfers |= preserving_transfers(old_specs, new_specs, partners, init_from, options, mode, own_way)
    for path, old in partners.items():
        if modes[path] not in PRESERVING:
            transfer = _transfer(old, new_specs[path], modes[path], init_from)
            if transfer:
                transfers[path] = transfer
    layers = {spec.layer for spec in new_specs.values()}
    functions = per_layer.functions(layers)
    loop_functions = {name: functions.pop(name) for name in list(functions) if name not in layers}
    return GrowthPlan(mode, partners, transfers, loop_functions, functions, init_from)


def _transfer(old: ParamSpec, new: ParamSpec, mode: str, init_from: Mapping[str, str]) -> Transfer | None:
    if mode == "reset" or (mode == "ifpossible" and old.shape != new.shape):
        return None
    if len(old.shape) != len(new.shape):
        raise ConfigError(
            f"growth by {mode}: parameter {new.path!r} has {len(new.shape)} axes, {new.shape}, but had "
            f"{len(old.shape)} before, {old.shape}; set the layer's custom_param_importer to 'reset'"
        )
    if mode in ("subset_by_source", "stack"):
        return transfer_by_source(old, new, init_from)
    return Transfer(old) if old.shape == new.shape else transfer_subset(old, new)


def _value(
    transfer: Transfer | Identity | None, spec: ParamSpec, old: Mapping[str, numpy.ndarray], start: InitialValues
) -> numpy.ndarray:
    if transfer is None:
        return start[spec.path]
    if isinstance(transfer, Identity):
        return transfer.value(spec)
    if transfer.index is None:
        value = old[transfer.source.path]
        return value if transfer.source.layer == spec.layer else value.copy()
    needs_no_fresh = transfer.zero_elsewhere or covers(transfer.index)
    begin = numpy.zeros(spec.shape, spec.dtype) if needs_no_fresh else start.release(spec.path)
    return transfer.value(old, begin)


def _report(plan: GrowthPlan, old_specs: Specs, new_specs: Specs) -> GrowthReport:
    report = GrowthReport(mode=plan.mode)
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
            if any(new < old for old, new in zip(transfer.source.shape, spec.shape, strict=True)):
                report.shrunk.append(path)
        if transfer.source.layer != spec.layer:
            report.taken_from[path] = transfer.source.layer
    partners = {old.path for old in plan.partners.values()}
    report.dropped = [path for path, old in old_specs.items() if old.path not in partners]
    return report


def _takes_nothing(transfer: Transfer) -> bool:
    return transfer.index is not None and any((index < 0).all() for index in transfer.index)
