"""`lay_out_adaptive`: pipelines whose schedule depends on the scores, for `async def` configs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import zip_longest
from typing import Unpack

from boulder.errors import ConfigError, ScheduleError, TrainingError, named, nearest
from boulder.schedule import Outlook, changes, plan_next
from boulder.schedule.labels import index_label
from boulder.training.history import scores_by_data
from boulder.training.learning_rate import check_end_is_known
from boulder.training.scores import read_scores
from jobs.announced import announced
from jobs.experiment import Experiment, ExperimentOptions
from jobs.further_epochs import ends_before
from jobs.further_epochs import further_epochs as all_further_epochs
from jobs.laid_out import Pipeline
from jobs.layout import Layout
from jobs.live_report import watch
from jobs.phase_training import PhaseTrainingJob
from sisyphus import tk

_RECORD = (
    "epoch",
    "index",
    "learning_rate",
    "effective_learning_rate",
    "train",
    "dev",
    "eval",
    "scales",
)  # without times, which vary from run to run


async def lay_out_adaptive(name: str, **arguments: Unpack[ExperimentOptions]) -> Pipeline:
    """
    Like `jobs.pipeline.lay_out`, for a construction algo with a third argument, `algo(idx=…, net_dict=…, history=…)`. Lays
    out the phases decided so far, waits for their scores, and asks the algo for the next index, until it returns None.

        async def py():
            training = await lay_out_adaptive("name", …)
            tk.register_output("name/checkpoint.h5", training.checkpoint)

    `history` holds a record for each epoch before that index:
    `{"epoch": 1, "index": 0, "learning_rate": …, "train": {"cost:output": …, "error:output": …}, "dev": {…}}`, with
    the scores of further data sets as `"eval": {NAME: {…}}`, and the loss scales other than 1 as `"scales"`. It lacks the times of scores.jsonl, which differ from run to run.

    The algo is called from index 0 on each time, also by a restarted manager. Its result must depend on its arguments
    alone, so that jobs keep their ids and finished ones are found.

    :param name: of the pipeline
    :param arguments: the fields of `jobs.experiment.Experiment`, of which `network` is required, and `plan` and
        `function_options` are not used. With `indices_per_job`, a job still ends at each epoch after which the algo decides.
    :return: the whole pipeline
    :raises BoulderError: as `lay_out`; also if the algo raises or contradicts itself when called again, and for missing scores
    """
    experiment = Experiment.of(name, arguments)
    network, pretrain = experiment.network, experiment.pretrain
    if network is None or pretrain is None:
        raise ConfigError(f"pipeline {name!r}: an adaptive schedule needs 'network' and 'pretrain'")
    if experiment.starting_point.epoch:
        raise ConfigError(
            f"pipeline {name!r}: start_from: 'epoch': found {experiment.starting_point.epoch}, expected 0, as the algo of an "
            "adaptive schedule needs the scores of all epochs"
        )
    if experiment.num_epochs is None:
        with named(f"pipeline {name!r}"):
            check_end_is_known(experiment.config)
    layout = Layout(experiment)
    further = all_further_epochs(name, experiment.further_epochs)
    history: list[dict] = []
    pipeline = None
    while True:
        outlook = _extended(partial(_plan_next, network, pretrain, history), experiment.num_epochs, further)
        longer = replace(layout.pipeline(outlook.plan, outlook.decisions, outlook.needs), further_epochs=further)
        if pipeline is not None:
            _check_begins_with(longer, pipeline, name)
        pipeline = announced(name, longer)
        if experiment.report:
            watch(name)
        if pipeline.needs is None:
            return pipeline
        await tk.async_run(pipeline.scores)
        history = [record for job in pipeline.jobs for record in _records(job)]


def _extended(plan_up_to: Callable[[int | None], Outlook], num_epochs: int | None, further: list[int]) -> Outlook:
    """
    :param plan_up_to: a function from a number of epochs to the outlook
    :return: the outlook with the further epochs, with a cut before each of them
    """
    outlook = plan_up_to(num_epochs and num_epochs + sum(further))
    if further and num_epochs is None:
        if outlook.needs is not None:
            return outlook
        num_epochs = outlook.plan.num_epochs
        outlook = plan_up_to(num_epochs + sum(further))
    if not further or num_epochs is None:
        return outlook
    return replace(outlook, decisions=(*outlook.decisions, *ends_before(num_epochs, further)))


def _records(job: PhaseTrainingJob) -> list[dict]:
    """:return: the records of a job's epochs, as `history` has them"""
    path = job.out_scores.get_path()
    found = {record["epoch"]: record for record in read_scores(path)}
    for phase in job.phases:
        for epoch in range(phase["first_epoch"], phase["last_epoch"] + 1):
            if epoch not in found:
                where = f"scores {path}: {index_label(phase['index'])}"
                raise TrainingError(f"{where}: no scores of epoch {epoch}, on which the schedule depends")
    return [{key: record[key] for key in _RECORD if key in record} for record in found.values()]


def _plan_next(network: dict, pretrain: dict, history: list[dict], num_epochs: int | None) -> Outlook:
    """:raises ScheduleError: as `plan_next`; after a KeyError in the algo, the message lists the existing scores"""
    try:
        return plan_next(network, pretrain, history, num_epochs)
    except ScheduleError as error:
        if isinstance(error.__cause__, TypeError) and (nothing := _without_number(history)):
            raise ScheduleError(
                f"{error}; history has None, since there is no number, for {nothing}"
            ) from error.__cause__
        if not history or not isinstance(error.__cause__, KeyError):
            raise
        keys = " and ".join(repr(data) for data in ("train", "dev") if data in history[-1])
        scores = ", ".join(map(repr, history[-1]["train"]))
        missing = "" if "dev" in history[-1] else ", and no 'dev', as there is no dev_data"
        near = nearest(str(error.__cause__).strip("'"), ["train", "dev", *history[-1]["train"]])
        raise ScheduleError(f"{error}; history has {keys} with {scores}{missing}{near}") from error.__cause__


def _without_number(history: list[dict]) -> str:
    """:return: the scores that are None in the history; empty if all are numbers"""
    found = [
        f"{key!r} of {data} in epoch {record['epoch']}"
        for record in history
        for data, scores in scores_by_data(record).items()
        for key, value in scores.items()
        if value is None
    ]
    return ", ".join(found[:2]) + (f", … ({len(found)} scores)" if len(found) > 2 else "")


def _check_begins_with(longer: Pipeline, before: Pipeline, name: str) -> None:
    """:raises ConfigError: if `longer` does not begin with the jobs of `before`"""
    for old, new in zip_longest(before.jobs, longer.jobs[: len(before.jobs)]):
        if new is old:
            continue
        pairs = zip_longest(old.phases, new.phases if new else ())
        was, now = next((was, now) for was, now in pairs if was != now)
        told = (was and now and str(changes(was["network"], now["network"]))) or "other epochs or options"
        raise ConfigError(
            f"pipeline {name!r}: {index_label((was or now)['index'])}: called again with the same scores, construction_algo gave "
            f"another result ({told}); its result must depend on idx, net_dict and history alone"
        )
