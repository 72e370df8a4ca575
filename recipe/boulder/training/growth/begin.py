"""The start of a phase from the one before: growth of the parameters, and the config's callbacks before and after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy

from boulder.errors import named
from boulder.network import NetworkSpec
from boulder.network.params import ParamSpec
from boulder.training.growth.callbacks import after_growth, before_growth
from boulder.training.growth.growing import grow
from boulder.training.growth.growth_options import GrowingPhase, GrowthOptions
from boulder.training.growth.importing import InitialValues
from boulder.training.growth.matching import Specs
from boulder.training.growth.old_network import UNKNOWN, OldNetwork
from boulder.training.growth.report import GrowthReport
from boulder.training.training_options import TrainingOptions


class StartingPhase(GrowingPhase, Protocol):
    """The attributes of a `TrainingPhase` that concern its start."""

    @property
    def name(self) -> str: ...

    @property
    def first_epoch(self) -> int: ...

    @property
    def copy_param_mode(self) -> str | None: ...

    @property
    def options(self) -> TrainingOptions: ...


@dataclass(frozen=True)
class Beginning:
    """
    :param params: path → array
    :param report: how each parameter came about
    :param old_specs: path in the phase before → specification of the parameter that values were taken from
    :param options: options of the growth
    """

    params: dict[str, numpy.ndarray]
    report: GrowthReport
    old_specs: Specs
    options: GrowthOptions


def begin_phase(
    phase: StartingPhase,
    network: NetworkSpec,
    old: Mapping[str, numpy.ndarray],
    old_specs: Specs,
    fresh: Callable[[ParamSpec], numpy.ndarray],
    step: int,
    before: OldNetwork = UNKNOWN,
) -> Beginning:
    """
    :param network: network of `phase`
    :param old: path → array, of the phase before; {} for the first phase
    :param fresh: returns the initial value of a parameter
    :param step: number of training steps so far
    :param before: network of the phase before
    :raises BoulderError: if the parameters cannot be grown or a callback fails; names the phase
    """
    growth = GrowthOptions.of(phase, network, phase.options.random_seed, before.spec, before.unknown)
    specs, start = network.params, InitialValues(network.params, fresh)
    with named(phase.name):
        taken, taken_specs, initial = old, old_specs, set[str]()
        if old_specs and phase.options.init_new_network_callback:
            callback = phase.options.init_new_network_callback
            taken, taken_specs, initial = before_growth(callback, old, old_specs, specs, start, phase.first_epoch, step)
        params, report = grow(
            taken, taken_specs, specs, lambda spec: start.release(spec.path), phase.copy_param_mode, growth
        )
        replaced: dict[str, numpy.ndarray] = {}
        if old_specs and phase.options.growth_callback:
            callback = phase.options.growth_callback
            replaced = after_growth(callback, params, specs, old, old_specs, phase.first_epoch)
    report.by_function = [path for path in specs if path in {*report.by_function, *initial, *replaced}]
    if taken_specs is not old_specs:
        # An old parameter remains under its own name or that of another layer, unless another's values took its name.
        remain = {path if spec.path not in old_specs else spec.path for path, spec in taken_specs.items()}
        report.dropped += [path for path in old_specs if path not in remain]
        report.old_shapes = {path: spec.shape for path, spec in old_specs.items()}
    return Beginning(params | replaced, report, taken_specs, growth)
