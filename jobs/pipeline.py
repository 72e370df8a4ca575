"""Phases → job graph. All that can be wrong is found here, before the first job is submitted, and without TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from boulder.data import HdfReader, read_extern_data, sequence_order
from boulder.errors import BoulderError, ConfigError, NetworkError
from boulder.network import NetworkSpec, describe, uses_streams
from boulder.report.phases import phase_rows
from boulder.schedule import Phase, Plan
from boulder.schedule import plan as make_plan
from boulder.schedule.canonical import canonical
from boulder.training.learning_rate import LEARNING_RATE_KEYS, learning_rates
from boulder.training.options import TrainingOptions
from jobs.phase_training import PhaseTrainingJob
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
    """

    plan: Plan
    specs: list[NetworkSpec]
    jobs: list[PhaseTrainingJob]
    rows: list[dict]
    functions: dict[str, dict]

    @property
    def checkpoint(self) -> tk.Path:
        """:return: the last one"""
        return self.jobs[-1].out_checkpoint

    @property
    def scores(self) -> list[tk.Path]:
        """:return: JSON lines of each job"""
        return [job.out_scores for job in self.jobs]


_laid_out: dict[str, Pipeline] = {}


def laid_out_pipelines() -> dict[str, Pipeline]:
    """:return: name → pipeline, of all that this process has laid out; `boulder run` shows them"""
    return _laid_out


def lay_out(
    name: str,
    *,
    network: dict | None = None,
    pretrain: dict | None = None,
    num_epochs: int | None = None,
    plan: Plan | None = None,
    config: dict,
    extern_data: dict,
    train_data: tk.Path | Sequence[tk.Path],
    dev_data: tk.Path | Sequence[tk.Path] = (),
    indices_per_job: int | None = 1,
    rqmt: dict | None = None,
) -> Pipeline:
    """
    :param name: aliases are `NAME/phase.00`, …, `NAME/phase.final`
    :param network: the original net dict
    :param pretrain: RETURNN's: construction_algo, repetitions, copy_param_mode
    :param num_epochs: all of them; None: as many as pretraining has
    :param plan: in place of these three, phases that are planned already
    :param config: the training's options, see `boulder.training.TrainingOptions`, and learning_rate(s)
    :param extern_data: data streams
    :param train_data: one HDF file, or several
    :param dev_data: scored after each epoch
    :param indices_per_job: so many consecutive indices share a job; None: all. The result is the same.
    :param rqmt: of each training job: gpu, cpu, mem in GB, time in hours
    :raises BoulderError: for whatever cannot be trained; names the phase
    """
    lock_if_sis_manager()
    train_data, dev_data = _as_list(train_data), _as_list(dev_data)
    read_extern_data(extern_data)
    if (plan is None) == (network is None):
        raise ConfigError(f"pipeline {name!r}: needs either 'network' (with 'pretrain', 'num_epochs') or 'plan'")
    if not train_data:
        raise ConfigError(f"pipeline {name!r}: 'train_data' names no file")
    laid_out = plan or make_plan(network, pretrain, num_epochs=num_epochs)
    rates = learning_rates(config, laid_out)
    functions: dict = {}
    specs, phases = [], []
    for number, phase in enumerate(laid_out.phases):
        where = f"phase {number} ({_index_name(phase)})"
        try:
            specs.append(_checked_network(phase, extern_data))
            phases.append(_as_json(phase, config, rates, functions))
        except BoulderError as error:
            raise type(error)(f"{where}: {error}") from error
    rows = phase_rows(laid_out, specs)
    _check_files(train_data + dev_data, extern_data)

    jobs: list[PhaseTrainingJob] = []
    step = indices_per_job if indices_per_job is not None else len(phases)
    if not isinstance(step, int) or step < 1:
        raise ConfigError(f"indices_per_job must be a positive int or None, found {indices_per_job!r}")
    for first in range(0, len(phases), step):
        part = phases[first : first + step]
        job = PhaseTrainingJob(
            phases=part,
            extern_data=canonical(extern_data),
            train_data=train_data,
            dev_data=dev_data,
            previous_checkpoint=jobs[-1].out_checkpoint if jobs else None,
            functions=functions,
            rqmt=rqmt,
        )
        names = [phase.name for phase in laid_out.phases[first : first + step]]
        job.add_alias(f"{name}/phase.{names[0] if len(names) == 1 else f'{names[0]}-{names[-1]}'}")
        jobs.append(job)
    rows = [{**row, "job": jobs[row["phase"] // step].job_id()} for row in rows]
    _laid_out[name] = Pipeline(laid_out, specs, jobs, canonical(rows), functions)
    return _laid_out[name]


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


def _as_json(phase: Phase, config: dict, rates: list[float], functions: dict) -> dict:
    """
    :param rates: of all epochs
    :return: what the job is told of the phase: only what it computes from, so that nothing else changes its hash
    """
    options = {key: value for key, value in {**config, **phase.config}.items() if key not in LEARNING_RATE_KEYS}
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
            "learning_rates": [rates[epoch - 1] for epoch in phase.epochs],
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
