"""How a phase begins: the parameters of the one before, grown, with the functions of its config around that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy

from boulder.errors import BoulderError
from boulder.network import NetworkSpec
from boulder.network.params import ParamSpec
from boulder.training.growth.callbacks import after_growth, before_growth
from boulder.training.growth.growing import grow
from boulder.training.growth.growth_options import GrowthOptions
from boulder.training.growth.importing import InitialValues
from boulder.training.growth.matching import Specs
from boulder.training.growth.report import GrowthReport


@dataclass(frozen=True)
class Beginning:
    """
    :param params: path → array
    :param report: what became of which parameter
    :param old_specs: what the parameters were made of, by path in the phase before
    :param options: with which they grew
    """

    params: dict[str, numpy.ndarray]
    report: GrowthReport
    old_specs: Specs
    options: GrowthOptions


def begin_phase(
    phase, network: NetworkSpec, old: Mapping, old_specs: Specs, fresh: Callable[[ParamSpec], numpy.ndarray], step: int
) -> Beginning:
    """
    :param phase: a `TrainingPhase`
    :param network: its own
    :param old: path → array, of the phase before; {} for the first
    :param fresh: gives the initial value of a parameter
    :param step: number of updates so far
    :raises BoulderError: for what cannot be grown, and for functions that fail; names the phase
    """
    growth = GrowthOptions.of(phase, network, phase.options.random_seed)
    specs, start = network.params, InitialValues(network.params, fresh)
    try:
        taken, taken_specs, initial = old, old_specs, set()
        if old_specs and phase.options.init_new_network_callback:
            callback = phase.options.init_new_network_callback
            taken, taken_specs, initial = before_growth(callback, old, old_specs, specs, start, phase.first_epoch, step)
        params, report = grow(taken, taken_specs, specs, lambda spec: start[spec.path], phase.copy_param_mode, growth)
        replaced = {}
        if old_specs and phase.options.growth_callback:
            callback = phase.options.growth_callback
            replaced = after_growth(callback, params, specs, old, old_specs, phase.first_epoch)
    except BoulderError as error:
        raise type(error)(f"{phase.name}: {error}") from error
    report.by_function = [path for path in specs if path in {*report.by_function, *initial, *replaced}]
    if taken_specs is not old_specs:
        # of its own name, or under that of another layer; not where another one's values have its name now
        remain = {path if spec.path not in old_specs else spec.path for path, spec in taken_specs.items()}
        report.dropped += [path for path in old_specs if path not in remain]
        report.old_shapes = {path: spec.shape for path, spec in old_specs.items()}
    return Beginning(params | replaced, report, taken_specs, growth)
