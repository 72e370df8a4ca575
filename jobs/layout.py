"""Makes the jobs of a plan. All errors are found here, before the first job is submitted, and without TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from boulder.data import open_dataset, paths_in
from boulder.errors import ConfigError, DataError, named
from boulder.network import NetworkSpec
from boulder.report.phases import phase_rows
from boulder.schedule import Plan
from boulder.schedule.canonical import canonical
from boulder.schedule.labels import index_label
from boulder.training.dump_files import dump_layers
from boulder.training.growth import planned_growth
from boulder.training.learning_rate import learning_rate_control
from boulder.training.phase import TrainingPhase
from boulder.training.streams_to_read import StreamsToRead
from boulder.training.updater import check_updates
from jobs import several_gpus
from jobs.before_jobs import check_if_sis_manager
from jobs.dumped_files import DumpedFiles
from jobs.experiment import Experiment
from jobs.kept import warn_of_missing_checkpoints
from jobs.laid_out import Pipeline
from jobs.missing_data import may_lack
from jobs.phase_training import PhaseTrainingJob
from jobs.pieces import piece_name
from jobs.rqmt import warn_of_other_rqmt
from jobs.several_gpus import Devices
from jobs.workdir.work_lock import is_sis_manager, lock_if_sis_manager


class Layout:
    """Makes the jobs of a plan, which may grow from call to call."""

    def __init__(self, experiment: Experiment) -> None:
        lock_if_sis_manager()
        check_if_sis_manager()
        if is_sis_manager():  # no other process needs the import
            from jobs.jobs_of_configs import record_jobs_of_sis_manager

            record_jobs_of_sis_manager()
        self._experiment = experiment
        self._missing: list[str] = []
        self._readable: list[
            tuple[dict[str, Any], StreamsToRead]
        ] = []  # descriptions and streams that have been checked

    def pipeline(
        self, plan: Plan, decisions: Sequence[int] = (), needs: int | None = None, num_epochs: int | None = None
    ) -> Pipeline:
        """
        :param plan: if its beginning has been laid out before, the jobs of the beginning stay the same
        :param decisions: no job reaches across the end of one of these epochs
        :param needs: see `Pipeline`
        :param num_epochs: number of epochs without those that were added after the end; None: that of the experiment
        :raises BoulderError: if a phase cannot be trained; names the phase
        """
        experiment = self._experiment
        functions: dict[str, dict] = {}
        extern_data: Any = canonical(experiment.extern_data)
        if num_epochs is None:
            num_epochs = experiment.num_epochs
        specs, phases, devices = self._checked(plan, num_epochs)
        start = experiment.starting_point
        with named(f"pipeline {experiment.name!r}: start_from"):
            start.check(plan, specs)
        rows = phase_rows(plan, specs, planned_growth(plan, specs))
        if start.sources:
            rows[0]["growth"] = None  # not known before the checkpoint has been read
        first = start.job(phases, extern_data, functions)
        if first:
            first.add_alias(f"{experiment.name}/start")
        phases = start.remaining(phases)
        by_start = {planned.epochs[0]: spec for planned, spec in zip(plan.phases, specs, strict=True)}
        dumped = DumpedFiles(phases, by_start)
        self._check_data(phases, by_start, dumped)
        keep = experiment.keep(plan.num_epochs, [*phases] if needs is None else None)
        jobs: list[PhaseTrainingJob] = []
        previous = first.out_checkpoint if first else None
        for part in _parts(phases, decisions, experiment.indices_per_job):
            part = dumped.of_job(part)
            its_devices = several_gpus.of_job(part, devices)
            job = PhaseTrainingJob(
                phases=[phase.to_json(functions) for phase in part],
                extern_data=extern_data,
                previous_checkpoint=previous,
                functions=functions,
                rqmt=experiment.rqmt,
                gpus=its_devices.gpus,
                nodes=its_devices.nodes,
                checkpoint_minutes=experiment.checkpoint_minutes,
                num_workers=experiment.num_workers,
            )
            job.add_alias(f"{experiment.name}/phase.{_part_name(part, plan)}")
            job.keep_also(keep)
            dumped.made_by(job, part)
            warn_of_other_rqmt(job, its_devices.rqmt(experiment.rqmt or {}))
            warn_of_missing_checkpoints(job)
            jobs.append(job)
            previous = job.out_checkpoint
        pipeline = Pipeline(plan, specs, jobs, [], functions, needs, keep=keep, missing=self._missing)
        losses = pipeline.losses
        for job in jobs:
            job.is_part_of(losses)
        first_jobs = {phase["start"]: job.job_id() for job in reversed(jobs) for phase in job.phases}
        trained = [row for row in rows if row["first_epoch"] in first_jobs]
        plain: Any = canonical([{**row, "job": first_jobs[row["first_epoch"]]} for row in trained])
        return replace(pipeline, rows=plain)

    def _checked(
        self, plan: Plan, num_epochs: int | None
    ) -> tuple[list[NetworkSpec], list[TrainingPhase], dict[int, Devices]]:
        """:return: the network of each phase; the phases as their jobs receive them; first epoch of a phase → its devices"""
        rates = learning_rate_control(self._experiment.config, plan, num_epochs)
        maker = self._experiment.phase_maker()
        specs, phases, devices = [], [], {}
        for number, phase in enumerate(plan.phases):
            with named(f"phase {number} ({index_label(phase.index)})"):
                specs.append(maker.network(phase))
                phases.append(maker.phase(phase, rates).with_pretrain_end(plan.num_pretrain_epochs))
                check_updates(phases[-1].options, specs[-1])
                devices[phase.epochs[0]] = self._experiment.devices.of_phase(phase.config)
                devices[phase.epochs[0]].check_here()
                _check_dumps(specs[-1], devices[phase.epochs[0]])
        rates.check_scores([(spec.scores, list(phase.scored_data)) for spec, phase in zip(specs, phases, strict=True)])
        return specs, phases, devices

    def _check_data(
        self, phases: Sequence[TrainingPhase], specs: Mapping[int, NetworkSpec], dumped: DumpedFiles
    ) -> None:
        """
        :param specs: first epoch of a phase → its network
        :param dumped: files that phases write, which cannot be checked before
        :raises DataError: if a data set that exists already cannot be read, has other streams than the network, or is empty
        """
        experiment = self._experiment
        common = {
            "train": experiment.train_description,
            "dev": experiment.dev_description,
        } | experiment.eval_descriptions
        arguments = {"train": "train_data", "dev": "dev_data"}
        for number, phase in enumerate(phases):
            streams = StreamsToRead.of(phase, specs[phase.start], experiment.extern_data)
            for key, description in {"train": phase.train, **phase.scored_data}.items():
                if (description, streams) in self._readable or dumped.reads_any(phase, description):
                    continue
                where = f"phase {number} ({phase.index_name}): {key}"
                if description == common.get(key):
                    where = f"pipeline {experiment.name!r}: {arguments.get(key, f'eval_data: {key}')}"
                try:
                    with named(where):
                        _check_readable(description, streams, experiment.extern_data)
                except DataError as error:
                    told = f"{error}{dumped.about_missing(phase, description)}"
                    if not may_lack(description):
                        raise DataError(told) from error
                    self._missing.append(told)
                self._readable.append((description, streams))


def _check_dumps(spec: NetworkSpec, devices: Devices) -> None:
    """:raises ConfigError: if several devices would share the batches of which a layer writes a file"""
    layers = list(dump_layers(spec))
    if layers and devices.gpus * devices.nodes > 1:
        raise ConfigError(
            f"layer {layers[0]!r} (hdf_dump): found gpus={devices.gpus}, nodes={devices.nodes}, expected one of each: a file is "
            "written by one device. '#config' may set 'gpus' and 'nodes' for this index"
        )


def _check_readable(description: dict[str, Any], streams: StreamsToRead, extern_data: Mapping[str, Any]) -> None:
    open_dataset(description, extern_data)  # finds wrong options
    if all(getattr(path, "creator", None) is None or path.available() for path in paths_in(description)):
        with open_dataset(description, extern_data, streams.in_all([description])) as dataset:
            dataset.check_before_jobs()


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
