"""`load_config`: reads a RETURNN config file into a `ReturnnConfig`."""

from __future__ import annotations

import contextlib
import types
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from boulder.errors import ConfigError, named
from boulder.returnn import extern_data as streams
from boulder.returnn.config_file import read_into
from boulder.returnn.config_functions import class_with_imports, with_imports
from boulder.returnn.config_object import Config
from boulder.returnn.notices import Notice
from boulder.returnn.overrides import FunctionsOfPhases, check_keys, functions_of_training, with_functions_bound
from boulder.returnn.own_data import use_own_data, without_replaced
from boulder.returnn.placeholders import Placeholder
from boulder.returnn.search_options import SearchOptions, search_options
from boulder.returnn.surroundings import Surroundings
from boulder.returnn.tasks import task_network
from boulder.returnn.training import AsPath, ReturnnTraining, training
from boulder.schedule import Plan, plan, pretrain_options

FUNCTION_OPTIONS = frozenset(
    {
        "dynamic_learning_rate",
        "get_network",
        "growth_callback",
        "init_new_network_callback",
        "learning_rate_decay",
        "learning_rate_eval",
        "learning_rate_growth",
        "load_model_post_hooks",
        "newbob_learning_rate_decay",
        "newbob_learning_rate_growth",
        "pretrain_construction_algo",
    }
)
"""Options whose value may be a function. Other functions of a config are not options."""

_ABSENT = object()


def load_config(path: str | Path, overrides: Mapping[str, object] = types.MappingProxyType({})) -> ReturnnConfig:
    """
    Executes a config as RETURNN does. The config is trusted code and runs with the rights of the caller.

    :param path: Python if the file begins with `#!` or its name ends in `.py`; JSON if it begins with `{`; otherwise
        lines of `key value`
    :param overrides: options that replace those of the file, which sees them as well. A text is parsed like RETURNN's
        `++key`: as Python if the file defines the option as another type than text. Other values are used unchanged
    :raises ConfigError: `FILE, line N: Type: text`, for any error in the file
    :raises ScheduleError: for an invalid `pretrain`
    """
    file = Path(path).absolute()  # does not resolve links, so that messages have the names that the user knows
    if not file.is_file():
        raise ConfigError(f"{path}: found no such file, expected a RETURNN config")
    surroundings = Surroundings(file)
    config = surroundings.config
    with surroundings.entered():
        _override(config, overrides)
        read_into(surroundings, file)
        _override(config, overrides)
    with named(str(file)):
        return ReturnnConfig(file, config, surroundings)


def _override(config: Config, overrides: Mapping[str, object]) -> None:
    for key, value in overrides.items():
        if isinstance(value, str):
            config.add_line(key, value)
        else:
            config.set(key, value)


class ReturnnConfig:
    """Options of a config file. Its functions may be called at any time; code that imports its modules needs `entered`."""

    def __init__(self, file: Path, config: Config, surroundings: Surroundings) -> None:
        self.file = file
        self.config = config
        """The `config` object of the file: `config.int("batch_size", 0)` reads an option as in RETURNN."""
        self._surroundings = surroundings
        network = config.typed_value("network")
        if network is not None and not isinstance(network, dict):
            raise ConfigError(f"network: found {network!r:.60}, expected a net dict")
        self.network: dict | None = with_imports(network, surroundings) if network else None
        """The original net dict; None if the config has only `get_network`, or no network."""
        self.get_network: Callable | None = config.typed_value("get_network")
        """Called as `get_network(epoch=…)` for the networks after pretraining."""
        self.pretrain: dict | None = pretrain_options(self.values)
        """A dict for `boulder.schedule.plan`, including the `pretrain_…` options; None: no pretraining."""
        self.extern_data = streams.extern_data(config)
        """Data key → dict with "dim", "sparse", "shape", …; {} if the config leaves them to its data sets."""
        num_epochs, load_epoch = config.int("num_epochs", 5), config.int("load_epoch", 0)
        self.num_epochs: int = max(5 if num_epochs is None else num_epochs, load_epoch or 0)
        """Defaults to 5, as in RETURNN."""
        self.own_data: dict[str, object] = {}
        """Data sets that are replaced, see `train_on`, and what that leaves out."""
        self.own_data_notices: list[Notice] = []

    @property
    def values(self) -> dict[str, object]:
        """All options: the globals without modules, classes, functions that are not options, and names with leading `_`."""
        untyped = {key: _literal(value) for key, value in self.config.dict.items()}
        return untyped | {key: value for key, value in self.config.typed_dict.items() if _is_option(key, value)}

    @property
    def environment(self) -> dict[str, str | None]:
        """Environment variables that the config has set; None: deleted. They apply only while it is entered."""
        return dict(self._surroundings.environment)

    def plan(self, further_epochs: int = 0) -> Plan:
        """
        Plans all phases. Functions in the networks of a phase see the overrides of the phase. Functions that build
        networks, `get_network` included, do not, as in RETURNN, which constructs all networks in advance.

        :param further_epochs: added to the number of epochs in the file
        :raises ScheduleError: for an invalid construction algo or repetitions
        :raises ConfigError: for an override of an unknown option
        """
        if not self.network and self.get_network is None:
            raise ConfigError(f"{self.file}: found neither 'network' nor 'get_network', expected a net dict")
        with self.entered():
            num_epochs = self.num_epochs + further_epochs
            planned = plan(self.network, self.pretrain, num_epochs, get_network=self.get_network)
            if planned.has_plural:
                warnings.warn("RETURNN ignores '#repetitions' (it reads '#repetition'); here both work", stacklevel=2)
            planned = without_replaced(planned, self.own_data)
            memo: dict = {}  # phases share unchanged parts
            networks = [with_imports(phase.network, self._surroundings, memo) for phase in planned.phases]
            phases = [replace(phase, network=net) for phase, net in zip(planned.phases, networks, strict=True)]
        try:
            check_keys(planned, self.config)
            of_training = {
                key: self.with_config(function, key)
                for key, function in functions_of_training(self.config.typed_dict).items()
            }
            bare = replace(planned, phases=tuple(phases))
            return with_functions_bound(bare, self.config, self.with_overrides, of_training)
        except ConfigError as error:
            raise ConfigError(f"{self.file}: {error}") from error

    def with_config(self, function: Callable, option: str) -> Callable:
        """
        :param function: of an option, such as `dynamic_learning_rate`; or a class
        :param option: its name, for messages
        :return: the function with the modules and options of this config that it uses, so that a worker can call it
        :raises ConfigError: if it needs an option that the config lacks
        """
        if isinstance(function, type):
            own = class_with_imports(function, self._surroundings)
        else:
            own = with_imports(function, self._surroundings)
        return FunctionsOfPhases(self.config).bound(own, {}, {}, option)

    def train_on(self, data: Mapping[str, object], folder: Path) -> None:
        """Replace data sets, see `boulder.returnn.own_data.use_own_data`."""
        self.own_data_notices = use_own_data(self, data, folder)

    def training(self, as_path: AsPath = str, networks: bool = False, readable: bool = False) -> ReturnnTraining:
        """
        :param as_path: makes a path object of the name of a data file
        :param networks: whether a network that cannot be built is refused here, beside all else, instead of by `lay_out`
        :param readable: whether data that cannot be read is refused here, too; otherwise no file is opened
        :return: what `jobs.pipeline.lay_out` needs, after checking the options and data sets of all phases
        :raises ConfigProblems: lists everything that Boulder refuses, each in a line
        """
        return training(self, as_path, networks, readable)

    def search(self, as_path: AsPath = str, data: str | None = None) -> SearchOptions:
        """
        :param as_path: as in `training`
        :param data: name of a data set of the config; None: `search_data`, or else `eval`, or else `dev`
        :return: what `jobs.returnn_tasks.lay_out_search` needs, after checking the network that searches
        :raises BoulderError: for what Boulder refuses
        """
        return search_options(self, task_network(self, as_path).network, data, as_path)

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """
        Applies the config's stand-ins, modules, environment and arguments to the process. `plan` does this itself.
        Compute hashes outside of this context: inside, the sources of classes are found differently.
        """
        with self._surroundings.entered():
            yield

    @contextlib.contextmanager
    def with_overrides(self, config: Mapping[str, object]) -> Iterator[None]:
        """
        Sets options, as globals of the config's functions and in `config`, and restores them at the end of the context.

        :param config: e.g. the `#config` of a phase
        """
        namespace = self.config.typed_dict
        before = {key: namespace.get(key, _ABSENT) for key in config}
        namespace.update(config)
        try:
            yield
        finally:
            for key, value in before.items():
                if value is _ABSENT:
                    namespace.pop(key, None)
                else:
                    namespace[key] = value

    def __repr__(self) -> str:
        return f"<ReturnnConfig {self.file}>"


def _is_option(key: str, value: object) -> bool:
    if key.startswith("_") or isinstance(value, types.ModuleType | type | Config | Placeholder):
        return False
    if type(value).__module__.partition(".provided")[0] in ("__future__", "boulder.returnn"):  # imported
        return False
    return key in FUNCTION_OPTIONS or not isinstance(value, types.FunctionType | types.BuiltinFunctionType)


def _literal(value: list[str]) -> object:
    """:return: the value of an untyped option: `1` is 1, `0.5` is 0.5, `true` is True, `a,b` is ["a", "b"]"""
    items = [_literal_text(text) for text in value]
    return items[0] if len(items) == 1 else items


def _literal_text(text: str) -> object:
    for convert in (int, float):
        with contextlib.suppress(ValueError):
            return convert(text)
    return {"true": True, "false": False}.get(text.strip().lower(), text)
