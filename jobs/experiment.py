"""`Experiment`: the arguments of `lay_out` and `lay_out_adaptive`."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, Required, TypeAlias, TypedDict

from boulder.awaited import resolved
from boulder.data import canonical_description, read_extern_data
from boulder.errors import ConfigError, named, nearest
from boulder.schedule import Plan
from boulder.training.device_options import DEVICE_KEYS
from boulder.training.keep import Keep, check_best_are_known, keep_of_config
from boulder.training.option_kind import is_int, is_number
from boulder.training.phase import TrainingPhase
from boulder.training.phase_making import PhaseMaker, check_data_names, is_no_data
from boulder.training.store import CHECKPOINT_MINUTES
from jobs.rqmt import check_rqmt
from jobs.several_gpus import Devices
from jobs.starting_point import StartFrom, StartingPoint
from sisyphus import tk

DataDescription: TypeAlias = Mapping[str, Any]
"""E.g. `{"class": "HDFDataset", "files": [tk.Path("train.hdf")]}`."""
Data: TypeAlias = tk.Path | str | os.PathLike[str] | Sequence[tk.Path | str | os.PathLike[str]] | DataDescription
"""A description, or a path or a list of paths for an HDF data set."""


class ExperimentOptions(TypedDict, total=False):
    """The arguments of `lay_out` other than the name, for editors and type checkers: the fields of `Experiment`."""

    network: dict[str, Any] | None
    pretrain: dict[str, Any] | None
    num_epochs: int | None
    plan: Plan | Callable[[int], Plan] | None
    config: Required[Mapping[str, Any]]
    extern_data: Required[Mapping[str, Any]]
    train_data: Required[Data]
    dev_data: Data | None
    eval_data: Mapping[str, Data]
    start_from: StartFrom | None
    indices_per_job: int | None
    rqmt: dict[str, Any] | None
    gpus: int
    nodes: int
    function_options: Collection[str]
    keep_epochs: Collection[int]
    checkpoint_minutes: float | None
    num_workers: int | None
    further_epochs: Sequence[int]
    report: bool


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """
    :param name: of the pipeline; its aliases are `NAME/phase.00`, …, `NAME/phase.final`
    :param network: the original net dict
    :param pretrain: RETURNN's options: construction_algo, repetitions, copy_param_mode
    :param num_epochs: number of all epochs; None: those of the pretraining
    :param plan: replaces these three: a plan, or a function from a number of further epochs to a plan
    :param config: training options, see `boulder.training.TrainingOptions`, and learning rates
    :param extern_data: data streams of the network
    :param train_data: data to train on; `train` in the `#config` of a network replaces it for the phase
    :param dev_data: data to score after each epoch; `dev` in a `#config` replaces it for the phase
    :param eval_data: name → further data to score after each epoch; `eval_datasets` in a `#config` adds to it for the phase, or
        replaces data of the same name
    :param start_from: checkpoint of Boulder or RETURNN from which parameters are taken; or a dict of the fields of
        `boulder.training.starting.Source` and `epoch`, after which the training continues; or a list of such dicts, of which
        the first one that has a parameter gives it
    :param indices_per_job: number of consecutive indices that share a job; None: all. The result is the same.
    :param rqmt: requirements of each training job, per node: gpu, cpu, mem in GB, time in hours
    :param gpus: number of GPUs per node, which share the batches; `gpus` in a `#config` replaces it for the phase
    :param nodes: number of nodes; `nodes` in a `#config` replaces it for the phase
    :param function_options: keys that a `#config` may have although no training option has these names, since functions of
        the network read them
    :param keep_epochs: epochs whose checkpoints are kept, see docs/kept_checkpoints.md
    :param checkpoint_minutes: within an epoch, a job saves so many minutes after its last checkpoint; None: never
    :param num_workers: number of threads that read batches, which changes no number; None: as many as cores, at most 8
    :param further_epochs: numbers of epochs by which training continues after its end, each in a job of its own. The jobs
        before stay the same. `boulder extend` adds to it.
    :param report: whether the manager writes `output/NAME/report.html` after each epoch
    """

    name: str
    network: dict[str, Any] | None = None
    pretrain: dict[str, Any] | None = None
    num_epochs: int | None = None
    plan: Plan | Callable[[int], Plan] | None = None
    config: Mapping[str, Any]
    extern_data: Mapping[str, Any]
    train_data: Data
    dev_data: Data | None = None
    eval_data: Mapping[str, Data] = field(default_factory=dict)
    start_from: StartFrom | None = None
    indices_per_job: int | None = 1
    rqmt: dict[str, Any] | None = None
    gpus: int = 1
    nodes: int = 1
    function_options: Collection[str] = ()
    keep_epochs: Collection[int] = ()
    checkpoint_minutes: float | None = CHECKPOINT_MINUTES
    num_workers: int | None = None
    further_epochs: Sequence[int] = ()
    report: bool = True

    @classmethod
    def of(cls, name: str, arguments: Mapping[str, Any]) -> Experiment:
        """
        :param arguments: keyword arguments of `lay_out`
        :raises NotYetKnown: for a value that a job has yet to make
        :raises BoulderError: for an unknown, missing or wrong argument
        """
        known = {f.name: f for f in fields(cls) if f.name != "name"}
        for key in arguments:
            if key not in known:
                raise ConfigError(f"pipeline {name!r}: there is no argument {key!r}{nearest(key, known)}")
        for key, f in known.items():
            if f.default is f.default_factory and key not in arguments:
                raise ConfigError(f"pipeline {name!r}: needs the argument {key!r}")
        with named(f"pipeline {name!r}"):
            values = resolved(dict(arguments), "")
        return cls(name=name, **values)

    def __post_init__(self) -> None:
        """:raises BoulderError: for a wrong argument"""
        self._check_name()
        if (self.plan is None) == (self.network is None):
            raise ConfigError(
                f"pipeline {self.name!r}: needs either 'network' (with 'pretrain', 'num_epochs') or 'plan'"
            )
        self._check_types()
        self._check_config()
        number = self.indices_per_job
        if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < 1):
            raise ConfigError(f"indices_per_job must be a positive int or None, found {number!r}")
        if self.rqmt:
            check_rqmt(self.rqmt, f"pipeline {self.name!r}: rqmt")
        read_extern_data(self.extern_data)
        _ = self.devices, self.train_description, self.dev_description, self.eval_descriptions, self.starting_point

    def _check_name(self) -> None:
        """:raises ConfigError: if aliases with this name would be outside of the alias directory"""
        name: object = self.name
        if not isinstance(name, str) or not name.strip():
            raise ConfigError(f"name of the pipeline: found {name!r:.60}, expected a non-empty string")
        if name.startswith("/") or ".." in name.split("/"):
            raise ConfigError(f"name of the pipeline: found {name!r}, expected a relative path without '..'")

    def _check_types(self) -> None:
        number_list = isinstance(self.further_epochs, Sequence) and not isinstance(self.further_epochs, str)
        names = isinstance(self.function_options, Collection) and not isinstance(self.function_options, str)
        num_epochs: object = self.num_epochs
        minutes: object = self.checkpoint_minutes
        workers: object = self.num_workers
        for key, right, expected in (
            ("config", isinstance(self.config, Mapping), "a dict of training options"),
            ("num_epochs", num_epochs is None or type(num_epochs) is int, "an int or None"),
            ("plan", self.plan is None or isinstance(self.plan, Plan) or callable(self.plan), "a Plan or a function"),
            ("eval_data", isinstance(self.eval_data, Mapping), "a dict: name → data"),
            (
                "checkpoint_minutes",
                minutes is None or (is_number(minutes) and minutes > 0),
                "a positive number or None",
            ),
            ("num_workers", workers is None or (is_int(workers) and workers > 0), "a positive int or None"),
            ("rqmt", self.rqmt is None or isinstance(self.rqmt, Mapping), "a dict such as {'cpu': 2, 'mem': 4}"),
            ("function_options", names, "a list of names"),
            ("further_epochs", number_list, "a list of numbers"),
            ("report", isinstance(self.report, bool), "True or False"),
        ):
            if not right:
                raise ConfigError(
                    f"pipeline {self.name!r}: {key}: found {getattr(self, key)!r:.60}, expected {expected}"
                )

    def _check_config(self) -> None:
        """:raises ConfigError: for an argument of `lay_out` in `config`, where RETURNN has data sets and epochs"""
        data = {"train": "train_data", "dev": "dev_data", "eval": "eval_data", "eval_datasets": "eval_data"}
        arguments = {f.name: f.name for f in fields(self)} | data
        for key in self.config:
            if key in arguments and key not in self.function_options:
                override = f", or in the '#config' of a network as {key!r}" if key in data else ""
                raise ConfigError(
                    f"pipeline {self.name!r}: config: {key!r} is no option of the training; expected as the argument "
                    f"'{arguments[key]}=' of the pipeline{override}"
                )

    @property
    def devices(self) -> Devices:
        return Devices(self.gpus, self.nodes)

    @cached_property
    def starting_point(self) -> StartingPoint:
        with named(f"pipeline {self.name!r}"):
            return StartingPoint.of(self.start_from)

    @property
    def train_description(self) -> dict[str, Any]:
        return self._described(self.train_data, "train_data")

    @property
    def dev_description(self) -> dict[str, Any] | None:
        return None if is_no_data(self.dev_data) else self._described(self.dev_data, "dev_data", ordered=False)

    @property
    def eval_descriptions(self) -> dict[str, dict[str, Any]]:
        check_data_names(self.eval_data, f"pipeline {self.name!r}: eval_data")
        return {
            name: self._described(data, f"eval_data: {name}", ordered=False)
            for name, data in self.eval_data.items()
            if not is_no_data(data)
        }

    def phase_maker(self) -> PhaseMaker:
        return PhaseMaker(
            config=self.config,
            extern_data=self.extern_data,
            train=self.train_description,
            dev=self.dev_description,
            eval_datasets=self.eval_descriptions,
            function_options=self.function_options,
            elsewhere=DEVICE_KEYS,
            as_path=tk.Path,
        )

    def keep(self, num_epochs: int, phases: Sequence[TrainingPhase] | None) -> Keep:
        """
        :param num_epochs: of the plan
        :param phases: None: there may be further ones
        :return: which checkpoints are kept
        :raises ConfigError: for a wrong option, an epoch that is not trained, and best epochs without data that is scored
        """
        keep = keep_of_config(self.config, num_epochs, self.keep_epochs)
        late = [epoch for epoch in self.keep_epochs if epoch > num_epochs]
        if late and phases is not None:
            raise ConfigError(
                f"pipeline {self.name!r}: keep_epochs: found {late[0]}, expected epochs from 1 to {num_epochs}"
            )
        if phases:
            with named(f"pipeline {self.name!r}"):
                check_best_are_known(self.config, any(phase.scored_data for phase in phases))
        return keep

    def _described(self, data: Data | None, where: str, ordered: bool = True) -> dict[str, Any]:
        with named(f"pipeline {self.name!r}"):
            return data_description(data, where, ordered)


def data_description(data: Data | None, where: str, ordered: bool = True) -> dict[str, Any]:
    """
    :param ordered: False: without the options of the order, which do not change scores and hypotheses
    :return: the canonical description, with a `tk.Path` for each file
    :raises DataError: for a wrong description
    :raises NotYetKnown: if it has a `tk.Variable` whose job has not finished
    """
    return canonical_description(resolved(data, where), where, as_path=tk.Path, ordered=ordered)
