"""The start of a phase: the hand-over from the checkpoint of the phase before, or a resume within the phase."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy

from boulder.network import NetworkSpec, describe
from boulder.network.initializers import initial_value
from boulder.network.params import ParamSpec
from boulder.schedule.canonical import canonical
from boulder.training.best_so_far import epoch_to_return_to
from boulder.training.checkpoint import Checkpoint
from boulder.training.growth import begin_phase, carry_iterations, carry_slots, grow_averages
from boulder.training.growth.growing import PRESERVING
from boulder.training.growth.old_network import UNKNOWN, OldNetwork, old_network
from boulder.training.model import Model
from boulder.training.models import Models
from boulder.training.phase import TrainingPhase
from boulder.training.run import TrainingRun


def start_phase(
    phase: TrainingPhase, extern_data: dict[str, Any], state: Checkpoint | None, run: TrainingRun, models: Models
) -> tuple[Model, Checkpoint]:
    """
    Build the model of a phase from a checkpoint. At a phase border the parameters are grown; within the phase they are
    taken unchanged.

    :param state: None before the first phase
    :return: the model, and the state from which the epochs of the phase continue
    :raises BoulderError: if the checkpoint cannot be grown into the network of the phase
    """
    spec = describe(phase.network, extern_data).trained_only(phase.trainable_layers)
    if state is not None and state.phase_start == phase.start:
        return _resume(phase, spec, state, run, models), state
    before = UNKNOWN
    if state is not None and phase.copy_param_mode in PRESERVING:
        before = old_network(state.network, phase.network, extern_data)
    return _hand_over(phase, spec, state, run, models, before)


def _resume(phase: TrainingPhase, spec: NetworkSpec, state: Checkpoint, run: TrainingRun, models: Models) -> Model:
    model = models.make(phase, spec, state.params, run, state.averages, state.loss_scale)
    if not state.history and not state.position:  # nothing was trained since the import
        run.say(f"{phase.name}: starting with the parameters of the imported checkpoint, and a new optimizer")
        return model
    model.set_slots(state.slots, state.iterations)
    position = f", {state.batches_done} batches of epoch {state.epoch} done" if state.position else ""
    run.say(f"{phase.name}: resuming after epoch {state.finished_epochs}{position}")
    return model


def at_best_epoch(
    epoch: int, model: Model, phase: TrainingPhase, state: Checkpoint, run: TrainingRun, models: Models
) -> Model:
    """
    :param epoch: about to begin, or in progress
    :param state: gets the number of steps at the end of that epoch, as in RETURNN
    :return: a model with the parameters of the best epoch so far and a new optimizer, if `use_last_best_model` wants that;
        else `model`
    """
    if state.position is not None:
        return model
    best = epoch_to_return_to(phase, epoch, state.history, state.earlier)
    if best is None:
        return model
    run.say(
        f"epoch {epoch} ({phase.index_name}): starting with the parameters of epoch {best}, which has the best score"
    )
    state.step = state.earlier_steps[best]
    loss_scale = model.loss_scale.state() if model.loss_scale else None
    return models.make(phase, model.spec, state.earlier[best], run, loss_scale=loss_scale)


def _hand_over(
    phase: TrainingPhase,
    spec: NetworkSpec,
    state: Checkpoint | None,
    run: TrainingRun,
    models: Models,
    before: OldNetwork,
) -> tuple[Model, Checkpoint]:
    def fresh(param: ParamSpec) -> numpy.ndarray:
        return initial_value(param.init, param.shape, phase.options.random_seed, param.path, param.dtype)

    old, old_specs, step = (state.params, state.specs, state.step) if state else ({}, {}, 0)
    begun = begin_phase(phase, spec, old, old_specs, fresh, step, before)
    if run.replicas.is_chief:
        run.files.growth(phase, begun.report)
    run.say(f"{phase.name}: {spec.num_params} parameter values; {begun.report}")
    averages = {}
    if state and phase.options.ema:
        averages = grow_averages(state.averages, begun, spec.params, phase.copy_param_mode)
    loss_scale = state.loss_scale if state else None
    model = models.make(phase, spec, begun.params, run, averages, loss_scale)
    if state and phase.carry_optimizer != "reset":
        carry, initial = phase.carry_optimizer, model.slots()
        slots = carry_slots(
            carry, state.slots, initial, begun.old_specs, spec.params, phase.copy_param_mode, begun.options
        )
        model.set_slots(slots, carry_iterations(carry, state.iterations, state.slots, initial))
    earlier = _of_same_shape(state.earlier, spec) if state else {}
    return model, Checkpoint(
        epoch=phase.first_epoch - 1,
        step=step,
        phase_start=phase.start,
        phase_step=step,
        index=phase.index,
        network=cast(dict[str, Any], canonical(phase.network)),  # functions become digests: a checkpoint holds no code
        specs=spec.params,
        params=begun.params,
        averages=model.averages(),
        history=state.history if state else [],
        earlier=earlier,
        earlier_steps={epoch: state.earlier_steps[epoch] for epoch in earlier} if state else {},
    )


def _of_same_shape(
    earlier: Mapping[int, Mapping[str, numpy.ndarray]], spec: NetworkSpec
) -> dict[int, dict[str, numpy.ndarray]]:
    """:return: those with the parameters of a network"""
    wanted = {path: tuple(param.shape) for path, param in spec.params.items()}
    return {
        epoch: dict(params)
        for epoch, params in earlier.items()
        if {path: value.shape for path, value in params.items()} == wanted
    }
