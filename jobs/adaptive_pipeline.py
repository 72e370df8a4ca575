"""Pipelines whose schedule depends on how the training goes, for `async def` configs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import zip_longest

from boulder.errors import ConfigError, ScheduleError, TrainingError, nearest
from boulder.schedule import Outlook, changes, plan_next
from boulder.training.scores import read_scores
from jobs.further_epochs import ends_before
from jobs.further_epochs import further_epochs as all_further_epochs
from jobs.layout import Layout, Pipeline
from jobs.phase_training import PhaseTrainingJob
from jobs.pipeline import announced
from sisyphus import tk

_RECORD = ("epoch", "index", "learning_rate", "train", "dev")  # without times, which vary from run to run


async def lay_out_adaptive(
    name: str,
    *,
    network: dict,
    pretrain: dict,
    num_epochs: int | None = None,
    config: dict,
    extern_data: dict,
    train_data: tk.Path | Sequence[tk.Path],
    dev_data: tk.Path | Sequence[tk.Path] = (),
    indices_per_job: int | None = 1,
    rqmt: dict | None = None,
    gpus: int = 1,
    nodes: int = 1,
    further_epochs: Sequence[int] = (),
) -> Pipeline:
    """
    `jobs.pipeline.lay_out` for an algo that takes a third argument, `algo(idx=…, net_dict=…, history=…)`: lays out the
    phases that are decided, waits for their scores, asks the algo for the next index, until it returns None.

        async def py():
            training = await lay_out_adaptive("name", …)
            tk.register_output("name/checkpoint.h5", training.checkpoint)

    `history` has a record for each epoch before that index:
    `{"epoch": 1, "index": 0, "learning_rate": …, "train": {"cost:output": …, "error:output": …}, "dev": {…}}`. The times
    that scores.jsonl has are not in it, as they differ each time that a job runs.

    The algo is asked from index 0 on each time, in a manager that is started again too, and what it says of an index must
    follow from its arguments alone: so jobs keep their ids, and those that are finished are found.

    :param indices_per_job: as in `lay_out`, but no job reaches across an epoch after which the algo is asked
    :param further_epochs: as in `lay_out`
    :return: the whole pipeline; the other arguments are those of `lay_out`
    :raises BoulderError: as `lay_out`; for an algo that raises, or asked again does not say the same; for missing scores
    """
    layout = Layout(name, config, extern_data, train_data, dev_data, indices_per_job, rqmt, gpus, nodes)
    further = all_further_epochs(name, further_epochs)
    history: list[dict] = []
    pipeline = None
    while True:
        outlook = _extended(partial(_plan_next, network, pretrain, history), num_epochs, further)
        longer = replace(layout.pipeline(outlook.plan, outlook.decisions, outlook.needs), further_epochs=further)
        if pipeline is not None:
            _check_begins_with(longer, pipeline, name)
        pipeline = announced(name, longer)
        if pipeline.needs is None:
            return pipeline
        await tk.async_run(pipeline.scores)
        history = [record for job in pipeline.jobs for record in _records(job)]


def _extended(plan_up_to: Callable[[int | None], Outlook], num_epochs: int | None, further: list[int]) -> Outlook:
    """
    :param plan_up_to: called with a number of epochs
    :return: with the further epochs, no job reaching across the beginning of one
    """
    outlook = plan_up_to(num_epochs and num_epochs + sum(further))
    if further and num_epochs is None:
        if outlook.needs is not None:
            return outlook
        num_epochs = outlook.plan.num_epochs
        outlook = plan_up_to(num_epochs + sum(further))
    cuts = ends_before(num_epochs, further) if further else []
    return replace(outlook, decisions=(*outlook.decisions, *cuts))


def _records(job: PhaseTrainingJob) -> list[dict]:
    """:return: what `history` has of a job's epochs"""
    path = job.out_scores.get_path()
    found = {record["epoch"]: record for record in read_scores(path)}
    for phase in job.phases:
        for epoch in range(phase["first_epoch"], phase["last_epoch"] + 1):
            if epoch not in found:
                where = f"scores {path}: {_index_name(phase)}"
                raise TrainingError(f"{where}: found none of epoch {epoch}, which the schedule depends on")
    return [{key: record[key] for key in _RECORD if key in record} for record in found.values()]


def _plan_next(network: dict, pretrain: dict, history: list[dict], num_epochs: int | None) -> Outlook:
    """:raises ScheduleError: as `plan_next`; for a KeyError of the algo's, also which scores there are"""
    try:
        return plan_next(network, pretrain, history, num_epochs)
    except ScheduleError as error:
        if not history or not isinstance(error.__cause__, KeyError):
            raise
        keys = " and ".join(repr(data) for data in ("train", "dev") if data in history[-1])
        scores = ", ".join(map(repr, history[-1]["train"]))
        missing = "" if "dev" in history[-1] else ", and no 'dev', as there is no dev_data"
        near = nearest(str(error.__cause__).strip("'"), ["train", "dev", *history[-1]["train"]])
        raise ScheduleError(f"{error}; history has {keys} with {scores}{missing}{near}") from error.__cause__


def _check_begins_with(longer: Pipeline, before: Pipeline, name: str) -> None:
    """:raises ConfigError: if `longer` does not have the jobs that are laid out already"""
    for old, new in zip_longest(before.jobs, longer.jobs[: len(before.jobs)]):
        if new is old:
            continue
        pairs = zip_longest(old.phases, new.phases if new else ())
        was, now = next((was, now) for was, now in pairs if was != now)
        told = (was and now and str(changes(was["network"], now["network"]))) or "other epochs or options"
        raise ConfigError(
            f"pipeline {name!r}: {_index_name(was or now)}: asked again with the same scores, construction_algo gave "
            f"something else ({told}); what it says must follow from idx, net_dict and history alone"
        )


def _index_name(phase: dict) -> str:
    return "original network" if phase["index"] is None else f"index {phase['index']}"
