"""The training of a RETURNN config in Boulder's terms. Does not import TensorFlow."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from boulder.data import open_dataset
from boulder.errors import BoulderError, DataError
from boulder.network.behavior_version import check_axes, check_version, with_behavior_version
from boulder.returnn.data_sets import DataSets
from boulder.returnn.default_beam import with_default_beam
from boulder.returnn.default_target import check_target, with_target
from boulder.returnn.dumped_names import dumped_files, knowing_dumped_files
from boulder.returnn.extern_data import for_networks
from boulder.returnn.foreign_data import ForeignData
from boulder.returnn.notices import Notice, notices
from boulder.returnn.options import verdict
from boulder.returnn.overrides import known_options
from boulder.returnn.phase_data_sets import PhaseDataSets
from boulder.returnn.problems import Problems
from boulder.returnn.readable_data import flat, unreadable
from boulder.returnn.source import Source
from boulder.returnn.starting_point import start_from
from boulder.returnn.training_config import as_boulders, overrides_with_effect, training_config
from boulder.returnn.verdicts import HONOURED
from boulder.schedule import Plan
from boulder.schedule.comparing import same_value
from boulder.schedule.labels import index_label
from boulder.training.device_options import DEVICE_KEYS, check_device_option
from boulder.training.growth import planned_growth
from boulder.training.keep import check_best_are_known, keep_of_config
from boulder.training.learning_rate import LearningRateControl, learning_rate_control
from boulder.training.learning_rate.measure import with_exp
from boulder.training.phase_making import ALL_DATA, DATA_KEYS, PhaseMaker, eval_data_of
from boulder.training.streams_to_read import StreamsToRead
from boulder.training.training_options import TrainingOptions
from boulder.training.updater import check_updates

AsPath = Callable[[str], object]
"""Makes a path object of a file."""


@dataclass(frozen=True, kw_only=True)
class ReturnnTraining:
    """
    What `lay_out` needs to train a config.

    :param plan: phases, in which `train` and `dev` of each `#config` are descriptions of data sets
    :param longer_plan: number of further epochs → the plan with them
    :param config: training options and learning rates
    :param extern_data: data streams of the network
    :param train_data: description of the data to train on
    :param dev_data: description of the data to score; None for none
    :param eval_data: name → description of further data to score
    :param start_from: checkpoints that give the initial parameters; None: none does
    :param function_options: keys of `#config` that do not concern the training: the config's own variables, for its
        functions, and options without effect
    :param notices: options of the config without effect, and others to look at
    """

    plan: Plan
    longer_plan: Callable[[int], Plan]
    config: dict[str, Any]
    extern_data: dict[str, dict]
    train_data: dict[str, Any]
    dev_data: dict[str, Any] | None
    eval_data: dict[str, dict[str, Any]]
    start_from: list[dict[str, Any]] | None
    function_options: frozenset[str]
    notices: list[Notice]

    def arguments(self) -> dict[str, Any]:
        """:return: keyword arguments of `lay_out`"""
        return {
            "plan": self.longer_plan,
            "config": self.config,
            "extern_data": for_networks(self.extern_data, (phase.network for phase in self.plan.phases)),
            "train_data": self.train_data,
            "dev_data": self.dev_data,
            "eval_data": self.eval_data,
            "start_from": self.start_from,
            "function_options": self.function_options,
        }


def training(config: Source, as_path: AsPath = str, networks: bool = False, readable: bool = False) -> ReturnnTraining:
    """
    :param networks: whether a network that cannot be built is refused here, beside all else, instead of by `lay_out`
    :param readable: whether data that cannot be read is refused here, too
    :return: the training, all of whose phases have been checked
    :raises ConfigProblems: lists everything in the config that Boulder refuses
    """
    problems, options = Problems(), given_options(config)
    problems.add(refusals(options))
    problems.add(_existing_learning_rates(options.get("learning_rate_file")))
    for key in known_options():
        if callable(function := options.get(key)):
            with problems.noted():
                options[key] = config.with_config(function, key)
    own = _own_keys(config)
    folder = config.file.absolute().parent
    data_sets = DataSets(
        options, folder, as_path, ForeignData(options, folder, config.with_config), config.config.typed_dict
    )
    data: dict[str, Any] = {}
    further: dict[str, Any] = {}
    for key in ALL_DATA:
        with problems.noted():
            data |= data_sets.described(key)
    with problems.noted():
        further = {name: found for name, found in eval_data_of(data, "config").items() if found is not None}
    for name, description in ({key: data.get(key) for key in DATA_KEYS} | further).items():
        with problems.noted():
            _check_data(description, name, config.extern_data)
    if readable:
        problems.add(unreadable(flat(data), config.extern_data))
    if not options.get("train"):
        problems.add([f"'train': found {options.get('train')!r:.60}, expected a data set"])
    settings = plan = start = None
    with problems.noted():
        start = start_from(config, as_path)
    with problems.noted():
        settings = training_config(options) | {key: value for key, value in data.items() if key not in ALL_DATA}
    with problems.noted():
        plan = planned(config)
    if plan is not None and start and start[0].get("epoch", 0) >= plan.num_epochs:
        problems.add(
            [f"'load': training continues after epoch {start[0]['epoch']}, but ends with epoch {plan.num_epochs}"]
        )
    if plan is not None and settings is not None:
        problems.add(_wrong_values(settings))
        with problems.noted():
            keep_of_config(settings, plan.num_epochs)
        maker = PhaseMaker(
            config=settings,
            extern_data=config.extern_data,
            train=data.get("train") or {},
            dev=data.get("dev"),
            eval_datasets=further,
            function_options=own,
            elsewhere=DEVICE_KEYS,
            as_path=as_path,
        )
        _check_phases(plan, maker, data_sets, problems, networks, readable)
    problems.raise_if_any(str(config.file))
    assert plan is not None  # otherwise a problem
    assert settings is not None
    return ReturnnTraining(
        plan=_for_layout(plan, data_sets),
        longer_plan=lambda further_epochs: _for_layout(planned(config, further_epochs), data_sets),
        config=settings,
        extern_data=config.extern_data,
        train_data=data["train"],
        dev_data=data.get("dev"),
        eval_data=further,
        start_from=start,
        function_options=own,
        notices=notices(config.config.files, options, plan),
    )


def planned(config: Source, further_epochs: int = 0) -> Plan:
    """
    :return: the plan in Boulder's terms: layers have RETURNN's defaults, also those that `behavior_version` and `target` of
        the config give them, and overrides are written as in Boulder's configs, except for data sets
    :raises BoulderError: if there is no plan, or for a wrong `behavior_version` or `target`
    """
    version = check_version(config.config.typed_value("behavior_version"))
    target = check_target(config.config.opt_typed_value("target"))
    plan = config.plan(further_epochs)
    phases = [
        replace(
            phase,
            network=with_default_beam(with_target(with_behavior_version(phase.network, version), target)),
            config=as_boulders(phase.config),
        )
        for phase in plan.phases
    ]
    return replace(plan, phases=tuple(phases))


def given_options(config: Source) -> dict[str, object]:
    """:return: options of the config that are not None; functions under names that RETURNN or Boulder reads are among them"""
    functions = {key: value for key, value in config.config.typed_dict.items() if verdict(key) and callable(value)}
    found = {key: value for key, value in functions.items() if not isinstance(value, type)} | config.values
    return {key: value for key, value in found.items() if value is not None}


def refusals(options: Mapping[str, object]) -> Iterator[str]:
    """
    :param options: of a config, or overrides of a phase
    :return: a line for each option that would change the result and is not supported
    """
    for option, value in options.items():
        known = verdict(option)
        if known and known.refuses(value):
            yield f"{option!r}: found {value!r:.60}; {known.reason}"


def _existing_learning_rates(file: Any) -> Iterator[str]:
    """:return: a line if RETURNN would begin with the rates and scores in the file. A relative path is one in the job's folder"""
    if isinstance(file, str | os.PathLike) and os.path.isabs(file) and os.path.exists(file):
        yield (
            f"'learning_rate_file': found {os.fspath(file)!r}, which exists, so RETURNN would take rates and scores from it; "
            "expected a file that does not exist, and 'learning_rates' for given rates"
        )


def _own_keys(config: Source) -> frozenset[str]:
    """:return: what the config defines and no training option is"""
    defined = {*config.config.typed_dict, *config.config.dict}
    return frozenset(defined - {*known_options(), *ALL_DATA, *DEVICE_KEYS})


def _wrong_values(settings: Mapping[str, Any]) -> Iterator[str]:
    """:return: a line for each training option of the wrong type or range"""
    problems = Problems()
    for f in fields(TrainingOptions):
        if f.name in settings:
            with problems.noted():
                TrainingOptions.from_config({f.name: settings[f.name]})
    yield from problems.messages


def _check_data(description: dict[str, Any] | None, key: str, extern_data: Mapping[str, Any]) -> None:
    """:raises DataError: for a wrong option; opens no file"""
    if description is not None:
        try:
            open_dataset(description, extern_data)
        except DataError as error:
            raise DataError(f"{key!r}: {str(error).removeprefix('data set: ')}") from error


def _check_phases(
    plan: Plan, maker: PhaseMaker, data_sets: DataSets, problems: Problems, networks: bool, readable: bool
) -> None:
    rates: LearningRateControl | None = None
    with problems.noted():
        rates = learning_rate_control(maker.config, _with_effect(plan))
    specs, scored, of_phases = [], [], PhaseDataSets(knowing_dumped_files(data_sets, plan))
    written = dumped_files(data_sets, plan) if readable else frozenset()
    looked_at: list[tuple[Any, StreamsToRead | None]] = []
    for number, phase in enumerate(plan.phases):
        where = f"phase {number} ({index_label(phase.index)}): "
        problems.add(_wrong_overrides(phase.config, data_sets.options), where)
        data: dict[str, Any] = {}
        with problems.noted(where):
            data = of_phases.next(phase.config)
        left_out = (*ALL_DATA, "batching")
        others = {key: value for key, value in overrides_with_effect(phase.config).items() if key not in left_out}
        spec = checked = None
        with problems.noted(where) if networks else contextlib.suppress(BoulderError):
            spec = maker.network(phase)
            check_axes(spec, check_version(data_sets.options.get("behavior_version")))
        if rates:
            with problems.noted(where):
                checked = maker.phase(replace(phase, config=others | data), rates)
                checked.to_json({})
                if spec:
                    check_updates(checked.options, spec)
        if readable:
            streams = StreamsToRead.of(checked, spec, maker.extern_data) if checked and spec else None
            read = {"train": checked.train, **checked.scored_data} if checked else flat(data)
            for name, description in read.items():
                if (description, streams) not in looked_at:
                    looked_at.append((description, streams))
                    found = unreadable({name: description}, maker.extern_data, streams, written)
                    problems.add(found, where if name in flat(data) else "")
        specs.append(spec)
        losses = spec.scores if spec else {}
        exp = checked is not None and checked.options.calculate_exp_loss
        scored.append((with_exp(losses) if exp else losses, list(checked.scored_data) if checked else []))
    with problems.noted():
        planned_growth(plan, specs)
    if rates and not problems and all(specs):
        with problems.noted():
            rates.check_scores(scored)
        with problems.noted():
            check_best_are_known(maker.config, any(data for _, data in scored))


def _wrong_overrides(overrides: Mapping[str, object], options: Mapping[str, object]) -> Iterator[str]:
    """
    :param options: of the config
    :return: a line for each key of a `#config` that is refused, or that Boulder has only for all phases
    """
    yield from (f"'#config': {line}" for line in refusals(overrides))
    for key, value in overrides_with_effect(overrides).items():
        if key in DEVICE_KEYS:
            problems = Problems()
            with problems.noted("'#config': "):
                check_device_option(key, value)
            yield from problems.messages
        fixed = verdict(key) == HONOURED and key not in (*known_options(), *ALL_DATA, *DEVICE_KEYS)
        if fixed and not (key in options and same_value(value, options[key])):
            yield f"'#config': {key!r}: found {value!r:.60}; expected outside of '#config', for all phases"


def _with_effect(plan: Plan) -> Plan:
    phases = (replace(phase, config=overrides_with_effect(phase.config)) for phase in plan.phases)
    return replace(plan, phases=tuple(phases))


def _for_layout(plan: Plan, data_sets: DataSets) -> Plan:
    """:return: the plan with those overrides that have an effect, and with descriptions of data sets among them"""
    of_phases, phases = PhaseDataSets(knowing_dumped_files(data_sets, plan)), []
    for phase in _with_effect(plan).phases:
        others = {key: value for key, value in phase.config.items() if key != "batching"}  # which the data contains
        phases.append(replace(phase, config=others | of_phases.next(phase.config)))
    return replace(plan, phases=tuple(phases))
