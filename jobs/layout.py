"""Makes the jobs of a plan. All that can be wrong is found here, before the first job is submitted, and without TensorFlow."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from boulder.data import HdfReader, read_extern_data, sequence_order
from boulder.errors import BoulderError, ConfigError, NetworkError
from boulder.network import NetworkSpec, describe, uses_streams
from boulder.report.phases import phase_rows
from boulder.schedule import Phase, Plan
from boulder.schedule.canonical import canonical
from boulder.training.learning_rate import (
    LearningRateControl,
    control_from_json,
    learning_rate_control,
    learning_rate_keys,
)
from boulder.training.training_options import TrainingOptions
from jobs import several_gpus
from jobs.phase_training import PhaseTrainingJob
from jobs.pieces import piece_name
from jobs.rqmt import warn_of_other_rqmt
from jobs.several_gpus import Devices
from jobs.work_lock import lock_if_sis_manager
from sisyphus import tk

# What a job is told of only where it says something, so that the hashes of older jobs stay
_WITH_DEFAULT = {
    "init_from": {}, "carry_optimizer": "reset", "growth_noise": 0.0, "reset_layers": (), "trainable_layers": None,
}  # fmt: skip


@dataclass(frozen=True)
class Pipeline:
    """
    :param plan: which network in which epoch
    :param specs: the network of each phase
    :param jobs: in order, each with the checkpoint of the one before
    :param rows: phase table, see `boulder.report.PhaseRow`
    :param functions: digest → function by value, for those in net dicts; a search with the checkpoint needs them
    :param needs: the plan goes on once there are scores up to this epoch, its last, see `jobs.adaptive_pipeline`; None: it
        is complete
    :param further_epochs: of jobs that were added to its end, see `jobs.further_epochs`; the plan has them
    """

    plan: Plan
    specs: list[NetworkSpec]
    jobs: list[PhaseTrainingJob]
    rows: list[dict]
    functions: dict[str, dict]
    needs: int | None = None
    further_epochs: list[int] = field(default_factory=list)

    @property
    def checkpoint(self) -> tk.Path:
        """:return: the last one"""
        return self.jobs[-1].out_checkpoint

    @property
    def scores(self) -> list[tk.Path]:
        """:return: JSON lines of each job"""
        return [job.out_scores for job in self.jobs]

    @property
    def growth(self) -> list[tk.Path]:
        """:return: JSON of each job: what became of which parameter"""
        return [job.out_growth for job in self.jobs]


class Layout:
    """Makes jobs of a plan, also of one that grows. The arguments are those of `lay_out`."""

    def __init__(
        self, name, config, extern_data, train_data, dev_data, indices_per_job, rqmt, gpus, nodes, function_options=()
    ):
        """:raises BoulderError: for what is wrong whatever the plan is"""
        lock_if_sis_manager()
        self.name, self.config, self.extern_data = name, config, extern_data
        self.train_data, self.dev_data = _as_list(train_data), _as_list(dev_data)
        self.indices_per_job, self.rqmt = indices_per_job, rqmt
        self.devices, self.function_options = Devices(gpus, nodes), function_options
        read_extern_data(extern_data)
        if not self.train_data:
            raise ConfigError(f"pipeline {name!r}: 'train_data' names no file")
        if indices_per_job is not None and (not isinstance(indices_per_job, int) or indices_per_job < 1):
            raise ConfigError(f"indices_per_job must be a positive int or None, found {indices_per_job!r}")

    def pipeline(self, plan: Plan, decisions: Sequence[int] = (), needs: int | None = None) -> Pipeline:
        """
        :param plan: its beginning may have been laid out before; then those jobs are the same
        :param decisions: no job reaches across the end of one of these epochs
        :param needs: see `Pipeline`
        :raises BoulderError: for whatever cannot be trained; names the phase
        """
        functions: dict = {}
        specs, phases, devices = self._checked(plan, functions)
        rows = phase_rows(plan, specs)  # which also tries whether each network can grow into the next
        _check_files(self.train_data + self.dev_data, self.extern_data)
        jobs: list[PhaseTrainingJob] = []
        for part in _parts(phases, decisions, self.indices_per_job):
            its_devices = several_gpus.of_job(part, devices)
            job = PhaseTrainingJob(
                phases=part,
                extern_data=canonical(self.extern_data),
                train_data=self.train_data,
                dev_data=self.dev_data,
                previous_checkpoint=jobs[-1].out_checkpoint if jobs else None,
                functions=functions,
                rqmt=self.rqmt,
                gpus=its_devices.gpus,
                nodes=its_devices.nodes,
            )
            job.add_alias(f"{self.name}/phase.{_part_name(part, plan)}")
            warn_of_other_rqmt(job, its_devices.rqmt(self.rqmt or {}))
            jobs.append(job)
        first_jobs = {phase["start"]: job.job_id() for job in reversed(jobs) for phase in job.phases}
        rows = [{**row, "job": first_jobs[row["first_epoch"]]} for row in rows]
        return Pipeline(plan, specs, jobs, canonical(rows), functions, needs)

    def _checked(self, plan: Plan, functions: dict) -> tuple[list[NetworkSpec], list[dict], dict[int, Devices]]:
        """:return: of each phase, its network and what a job is told of it; first epoch → on what it is trained"""
        rates = learning_rate_control(self.config, plan)
        specs, phases, devices = [], [], {}
        for number, phase in enumerate(plan.phases):
            where = f"phase {number} ({_index_name(phase)})"
            try:
                specs.append(_checked_network(phase, self.extern_data))
                phases.append(_as_json(phase, self.config, rates, functions, self.function_options))
                devices[phase.epochs[0]] = self.devices.of_phase(phase.config)
                devices[phase.epochs[0]].check_here()
            except BoulderError as error:
                raise type(error)(f"{where}: {error}") from error
        return specs, phases, devices


def _parts(phases: list[dict], decisions: Sequence[int], indices_per_job: int | None) -> Iterator[list[dict]]:
    """:return: what each job trains: phases and, where the algo was asked within one, pieces of them"""
    part: list[dict] = []
    for phase in phases:
        first, last = phase["first_epoch"], phase["last_epoch"]
        control = control_from_json(phase["learning_rate_control"])
        cuts = [epoch + 1 for epoch in decisions if first <= epoch < last]
        for begin, end in pairwise([first, *cuts, last + 1]):
            its_control = control.restricted_to(range(begin, end)).to_json()
            part.append(phase | {"first_epoch": begin, "last_epoch": end - 1, "learning_rate_control": its_control})
            if len(part) == indices_per_job or end - 1 in decisions:
                yield part
                part = []
    if part:
        yield part


def _part_name(part: list[dict], plan: Plan) -> str:
    """:return: `00`, `00-02`"""
    names = [piece_name(piece, plan) for piece in (part[0], part[-1])]
    return names[0] if len(part) == 1 else "-".join(names)


def _as_list(paths) -> list[tk.Path]:
    return list(paths) if isinstance(paths, list | tuple) else [paths]


def _index_name(phase: Phase) -> str:
    return "original network" if phase.index is None else f"index {phase.index}"


def _checked_network(phase: Phase, extern_data: dict) -> NetworkSpec:
    spec = describe(phase.network, extern_data)
    if not spec.losses:
        raise NetworkError("no layer has a loss (of a scale other than 0), so there is nothing to train")
    if not uses_streams(spec):
        raise NetworkError("no layer reads any data")
    return spec


def _as_json(
    phase: Phase, config: dict, rates: LearningRateControl, functions: dict, function_options: Collection[str]
) -> dict:
    """
    :param rates: of all epochs
    :return: what the job is told of the phase: only what it computes from, so that nothing else changes its hash
    """
    not_its = {*learning_rate_keys(), *function_options}
    overrides = {key: value for key, value in phase.config.items() if key not in several_gpus.KEYS}
    options = {key: value for key, value in {**config, **overrides}.items() if key not in not_its}
    checked = TrainingOptions.from_config(options)
    sequence_order(checked.batching, [1, 1], 0, 1)  # raises for an order that is not known
    others = {key: getattr(phase, key) for key, default in _WITH_DEFAULT.items() if getattr(phase, key) != default}
    return canonical(
        {
            "index": phase.index,
            "start": phase.epochs[0],
            "first_epoch": phase.epochs[0],
            "last_epoch": phase.epochs[-1],
            "network": phase.network,
            "config": options,
            "learning_rate_control": rates.restricted_to(phase.epochs).to_json(),
            "copy_param_mode": phase.copy_param_mode,
        }
        | others,
        functions,
    )


def _check_files(paths: Sequence[tk.Path], extern_data: dict) -> None:
    """Looks into the files that are there already. What a job is yet to write, the training looks into."""
    for path in paths:
        if getattr(path, "creator", None) is None or path.available():
            with HdfReader(path.get_path(), extern_data) as reader:
                reader.check()
