"""Schedules that depend on how the training goes: an algo with a third argument, `history`."""

from collections.abc import Sequence
from dataclasses import dataclass

from boulder.errors import ScheduleError
from boulder.schedule.construction import Construction, history_parameter
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
    As much of a plan as is decided.

    :param plan: its phases and its `num_pretrain_epochs` are those decided so far. Only its last phase may become
        longer, by epochs that follow
    :param needs: the plan goes on once there are scores up to this epoch, its last; None: it is complete
    :param decisions: after which epochs the algo was asked. No job may reach across one of them, also within a phase:
        then a plan that has grown begins with the very jobs that it had before
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
    `plan`, as far as it can be made from the scores that there are. It remembers nothing: the algo is called from
    index 0 on, `algo(idx=…, net_dict=…, history=…)`, each time with the records of the epochs before that index and no
    others, so that an algo without a state of its own decides as it did before. An asynchronous config calls it after
    each phase:

        outlook = plan_next(network, pretrain, history)
        while outlook.needs is not None:
            …  # jobs for outlook.plan; wait for the scores of the last of them; read them
            outlook = plan_next(network, pretrain, history)

    The arguments are those of `plan`. An algo without an argument `history` has a complete plan at once.

    :param history: the records of scores.jsonl, one for each epoch from 1 on
    :raises ScheduleError: as `plan`, or a history with a gap
    """
    options = read_options(pretrain)
    if options is None or not callable(options.algo) or history_parameter(options.algo) is None:
        return Outlook(plan(network, pretrain, num_epochs, max_index=max_index), needs=None, decisions=())
    check_arguments(network, num_epochs)
    _check_history(history)
    construction = Construction(options.algo, network, copy_param_mode=options.copy_param_mode, max_index=max_index)
    steps, repetitions, decisions = [], [], []
    limit, complete = num_epochs or float("inf"), False
    while not complete and (done := sum(repetitions)) <= len(history) and done < limit:
        decisions += [done] if done and done not in decisions else []
        step = construction.next_step(history=copy_value(list(history[:done])))
        complete = step is None
        step = step or construction.original_step
        own, position = step.repetitions, len(steps)
        steps.append(step)
        repetitions.append(own if own is not None else repetition_at(options.repetitions, position, is_last=complete))
    decided = sum(repetitions)
    if not decided:
        raise ScheduleError(
            f"repetitions: all {len(steps)} steps have 0 epochs, expected at least one step to be trained"
        )
    complete = complete or decided >= limit
    last_epoch = num_epochs if num_epochs and complete else decided
    stretches = stretches_of(tuple(steps), repetitions, last_epoch, None)
    phases = join(stretches, reset_outputs=options.reset_outputs, greedy=options.greedy)
    return Outlook(Plan(phases, decided), needs=None if complete else decided, decisions=tuple(decisions))


def _check_history(history: Sequence[dict]) -> None:
    if not isinstance(history, list | tuple):
        raise ScheduleError(f"history: found {short(history)}, expected a list of records of scores")
    for epoch, record in enumerate(history, 1):
        found = record.get("epoch") if isinstance(record, dict) else record
        if found != epoch:
            raise ScheduleError(f"history[{epoch - 1}]: found {short(found)}, expected the record of epoch {epoch}")
