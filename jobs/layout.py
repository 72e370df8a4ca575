"""Makes the jobs of a plan. All errors are found here, before the first job is submitted, and without TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from itertools import pairwise
from typing import Any

from boulder.data import open_dataset, paths_in, read_extern_data
from boulder.data.batches import check_batch_size
from boulder.data.sequence_order import check_order
from boulder.errors import BoulderError, ConfigError, NetworkError, nearest
from boulder.network import NetworkSpec, describe, uses_streams
from boulder.report.phases import phase_rows
from boulder.schedule import Phase, Plan
from boulder.schedule.canonical import canonical
from boulder.schedule.labels import index_label
from boulder.training.growth import planned_growth
from boulder.training.learning_rate import LearningRateControl, learning_rate_control, learning_rate_keys
from boulder.training.phase import TrainingPhase
from boulder.training.training_options import TrainingOptions
from jobs import several_gpus
from jobs.experiment import Experiment, check_data_names, data_description, is_no_data
from jobs.laid_out import Pipeline
from jobs.phase_training import PhaseTrainingJob
from jobs.pieces import piece_name
from jobs.rqmt import warn_of_other_rqmt
from jobs.several_gpus import Devices
from jobs.workdir.work_lock import lock_if_sis_manager

DATA_KEYS = ("train", "dev", "eval", "eval_datasets")
"""The keys of `#config` that replace the data sets of a phase, with RETURNN's names."""


class Layout:
    """Makes the jobs of a plan, which may grow from call to call."""

    def __init__(self, experiment: Experiment) -> None:
        lock_if_sis_manager()
        self._experiment = experiment
        self._readable: list[dict[str, Any]] = []  # descriptions of data sets that have been checked

    def pipeline(self, plan: Plan, decisions: Sequence[int] = (), needs: int | None = None) -> Pipeline:
        """
        :param plan: if its beginning has been laid out before, the jobs of the beginning stay the same
        :param decisions: no job reaches across the end of one of these epochs
        :param needs: see `Pipeline`
        :raises BoulderError: if a phase cannot be trained; names the phase
        """
        experiment = self._experiment
        functions: dict[str, dict] = {}
        extern_data: Any = canonical(experiment.extern_data)
        specs, phases, devices = self._checked(plan)
        rows = phase_rows(plan, specs, planned_growth(plan, specs))
        self._check_data(phases)
        jobs: list[PhaseTrainingJob] = []
        for part in _parts(phases, decisions, experiment.indices_per_job):
            its_devices = several_gpus.of_job(part, devices)
            job = PhaseTrainingJob(
                phases=[phase.to_json(functions) for phase in part],
                extern_data=extern_data,
                previous_checkpoint=jobs[-1].out_checkpoint if jobs else None,
                functions=functions,
                rqmt=experiment.rqmt,
                gpus=its_devices.gpus,
                nodes=its_devices.nodes,
            )
            job.add_alias(f"{experiment.name}/phase.{_part_name(part, plan)}")
            warn_of_other_rqmt(job, its_devices.rqmt(experiment.rqmt or {}))
            jobs.append(job)
        first_jobs = {phase["start"]: job.job_id() for job in reversed(jobs) for phase in job.phases}
        plain: Any = canonical([{**row, "job": first_jobs[row["first_epoch"]]} for row in rows])
        return Pipeline(plan, specs, jobs, plain, functions, needs)

    def _checked(self, plan: Plan) -> tuple[list[NetworkSpec], list[TrainingPhase], dict[int, Devices]]:
        """:return: the network of each phase; the phases as their jobs receive them; first epoch of a phase → its devices"""
        rates = learning_rate_control(self._experiment.config, plan)
        specs, phases, devices = [], [], {}
        for number, phase in enumerate(plan.phases):
            try:
                specs.append(_checked_network(phase, self._experiment.extern_data))
                phases.append(self._training_phase(phase, rates))
                devices[phase.epochs[0]] = self._experiment.devices.of_phase(phase.config)
                devices[phase.epochs[0]].check_here()
            except BoulderError as error:
                raise type(error)(f"phase {number} ({index_label(phase.index)}): {error}") from error
        rates.check_scores([(spec.losses, list(phase.scored_data)) for spec, phase in zip(specs, phases, strict=True)])
        return specs, phases, devices

    def _training_phase(self, phase: Phase, rates: LearningRateControl) -> TrainingPhase:
        """
        :param rates: learning rates of all epochs of the plan
        :raises BoulderError: for a wrong option or data set
        """
        experiment = self._experiment
        elsewhere = {*several_gpus.KEYS, *DATA_KEYS}
        ignored = {*learning_rate_keys(), *experiment.function_options}
        known = {*elsewhere, *ignored, *(field.name for field in fields(TrainingOptions))}
        for key in phase.config:
            if key not in known:
                raise ConfigError(f"config: the training does not know {key!r}{nearest(key, known)}")
        overrides = {key: value for key, value in phase.config.items() if key not in elsewhere}
        result = TrainingPhase.planned(
            phase,
            config={key: value for key, value in {**experiment.config, **overrides}.items() if key not in ignored},
            learning_rate_control=rates.restricted_to(phase.epochs),
            train=_description(phase, "train", experiment.train_description),
            dev=_description(phase, "dev", experiment.dev_description),
            eval_datasets=experiment.eval_descriptions | _further_data(phase),
        )
        check_order(result.options.batching, "config: batching")
        check_batch_size(result.options.batch_size, read_extern_data(experiment.extern_data))
        return result

    def _check_data(self, phases: Sequence[TrainingPhase]) -> None:
        """:raises DataError: if a data set that exists already cannot be read, has other streams than the network, or is empty"""
        experiment = self._experiment
        common = {
            "train": experiment.train_description,
            "dev": experiment.dev_description,
        } | experiment.eval_descriptions
        arguments = {"train": "train_data", "dev": "dev_data"}
        for number, phase in enumerate(phases):
            for key, description in {"train": phase.train, **phase.scored_data}.items():
                if description in self._readable:
                    continue
                try:
                    _check_readable(description, experiment.extern_data)
                except BoulderError as error:
                    where = f"phase {number} ({phase.index_name}): {key}"
                    if description == common.get(key):
                        where = f"pipeline {experiment.name!r}: {arguments.get(key, f'eval_data: {key}')}"
                    raise type(error)(f"{where}: {error}") from error
                self._readable.append(description)


def _check_readable(description: dict[str, Any], extern_data: Mapping[str, Any]) -> None:
    with open_dataset(description, extern_data) as dataset:
        if all(getattr(path, "creator", None) is None or path.available() for path in paths_in(description)):
            dataset.check()
            dataset.check_not_empty()


def _description(phase: Phase, key: str, default: dict[str, Any] | None) -> Any:
    """:return: the data set of a phase, which `#config` may replace"""
    if key not in phase.config:
        return default
    value: Any = phase.config[key]
    return None if key == "dev" and is_no_data(value) else data_description(value, key, ordered=key == "train")


def _further_data(phase: Phase) -> dict[str, Any]:
    """:return: name → the data set that `eval` or `eval_datasets` in `#config` sets for the phase"""
    given: Any = phase.config.get("eval_datasets") or {}
    if not isinstance(given, Mapping):
        raise ConfigError(f"config: eval_datasets: found {given!r:.60}, expected a dict: name → data")
    named = {name: data for name, data in {"eval": phase.config.get("eval"), **given}.items() if not is_no_data(data)}
    check_data_names(named, "config: eval_datasets")
    return {name: data_description(data, f"eval_datasets: {name}", ordered=False) for name, data in named.items()}


def _parts(
    phases: Sequence[TrainingPhase], decisions: Sequence[int], indices_per_job: int | None
) -> Iterator[list[TrainingPhase]]:
    """:return: the phases of each job; where the algo decides in the middle of a phase, parts of the phase"""
    part: list[TrainingPhase] = []
    for phase in phases:
        first, last = phase.first_epoch, phase.last_epoch
        cuts = [epoch + 1 for epoch in decisions if first <= epoch < last]
        for begin, end in pairwise([first, *cuts, last + 1]):
            part.append(phase.restricted_to(range(begin, end)))
            if len(part) == indices_per_job or end - 1 in decisions:
                yield part
                part = []
    if part:
        yield part


def _part_name(part: Sequence[TrainingPhase], plan: Plan) -> str:
    """:return: `00`, `00-02`"""
    names = [piece_name(phase.start, phase.first_epoch, plan) for phase in (part[0], part[-1])]
    return names[0] if len(part) == 1 else "-".join(names)


def _checked_network(phase: Phase, extern_data: Mapping[str, Any]) -> NetworkSpec:
    spec = describe(phase.network, dict(extern_data))
    if not spec.losses:
        raise NetworkError("no layer has a loss (of a scale other than 0), so there is nothing to train")
    if not uses_streams(spec):
        raise NetworkError("no layer reads any data")
    return spec
