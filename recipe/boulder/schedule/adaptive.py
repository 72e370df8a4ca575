"""Adaptive schedules: construction algos that read the scores so far from a third argument, `history`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from boulder.counted import counted
from boulder.errors import ScheduleError
from boulder.schedule.construction import Construction, Step, history_parameter
from boulder.schedule.copying import copy_value
from boulder.schedule.joining import join
from boulder.schedule.phases import Plan
from boulder.schedule.planning import check_arguments, plan, stretches_of
from boulder.schedule.pretraining import read_options
from boulder.schedule.repetitions import repetition_at
from boulder.schedule.user_code import short


@dataclass(frozen=True)
class Outlook:
    """
    The part of a plan that is decided so far.

    :param plan: the decided phases; of these, only the last one may still get longer
    :param needs: last epoch of the plan, whose scores the algo needs to continue; None: the plan is complete
    :param decisions: epochs after which the algo was asked. No job may span one of them, not even within a phase, so
        that the jobs of a shorter plan stay the first jobs of a longer one
    """

    plan: Plan
    needs: int | None
    decisions: tuple[int, ...]


def plan_next(
    network: dict,
    pretrain: dict | bool | str | None,
    history: Sequence[dict],
    num_epochs: int | None = None,
    *,
    max_index: int = 1000,
) -> Outlook:
    """
    Plans as far as the available scores allow. The function is stateless: it calls the algo from index 0 on,
    `algo(idx=…, net_dict=…, history=…)`, with the records of the epochs before that index. So an algo without state
    repeats its earlier decisions. An asynchronous config calls this function after each phase:

        outlook = plan_next(network, pretrain, history)
        while outlook.needs is not None:
            …  # create the jobs of outlook.plan, await the last one, read its scores
            outlook = plan_next(network, pretrain, history)

    For the other arguments see `plan`. The plan of an algo without the argument `history` is complete at once.

    :param history: the records of scores.jsonl, one per epoch, from epoch 1 on
    :raises ScheduleError: as `plan`, or if the history has a gap
    """
    options = read_options(pretrain)
    if options is None or not callable(options.algo) or history_parameter(options.algo) is None:
        return Outlook(plan(network, pretrain, num_epochs, max_index=max_index), needs=None, decisions=())
    check_arguments(network, num_epochs)
    _check_history(history)
    construction = Construction(options.algo, network, copy_param_mode=options.copy_param_mode, max_index=max_index)
    steps: list[Step] = []
    repetitions: list[int] = []
    decisions: list[int] = []
    limit, complete = num_epochs or float("inf"), False
    while not complete and (done := sum(repetitions)) <= len(history) and done < limit:
        decisions += [done] if done and done not in decisions else []
        constructed = construction.next_step(history=copy_value(list(history[:done])))
        complete = constructed is None
        step = constructed or construction.original_step
        own, position = step.repetitions, len(steps)
        steps.append(step)
        repetitions.append(own if own is not None else repetition_at(options.repetitions, position, is_last=complete))
    decided = sum(repetitions)
    if not decided:
        raise ScheduleError(
            f"repetitions: 0 epochs for all {counted(len(steps), 'step')}, expected at least one step to be trained"
        )
    complete = complete or decided >= limit
    last_epoch = num_epochs if num_epochs and complete else decided
    stretches = stretches_of(tuple(steps), repetitions, last_epoch, None)
    phases = join(stretches, reset_outputs=options.reset_outputs, greedy=options.greedy)
    return Outlook(Plan(phases, decided), needs=None if complete else decided, decisions=tuple(decisions))


def _check_history(history: Sequence[dict]) -> None:
    if not isinstance(history, list | tuple):
        raise ScheduleError(f"history: found {short(history)}, expected a list of score records")
    for epoch, record in enumerate(history, 1):
        found = record.get("epoch") if isinstance(record, dict) else record
        if found != epoch:
            raise ScheduleError(f"history[{epoch - 1}]: found {short(found)}, expected the record of epoch {epoch}")
