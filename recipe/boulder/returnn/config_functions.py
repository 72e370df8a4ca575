"""Functions of a config that travel to a worker in a net dict, where `import TFUtil` inside them must still work."""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Callable, Sequence
from typing import Any

from boulder.network.code.expression import Expression
from boulder.returnn.config_access import ASKS_FOR_CONFIG
from boulder.returnn.config_object import Config
from boulder.returnn.imported_names import Imports, functions_in
from boulder.returnn.options_read import options_read
from boulder.returnn.repository_modules import is_of_repository
from boulder.returnn.stand_ins import is_stand_in
from boulder.returnn.surroundings import Surroundings, in_a_worker
from boulder.schedule.bytecode import names_used
from boulder.schedule.comparing import same_value
from boulder.schedule.functions import function_digest

_ATOMS = frozenset({str, int, float, bool, type(None)})


class ConfigFunction:
    """A function together with the config's modules and options that it uses when it is called."""

    def __init__(
        self, function: Callable, modules: dict[str, types.ModuleType] | None = None, config: Config | None = None
    ) -> None:
        """
        :param modules: the config's own modules that the function imports
        :param config: result of `get_global_config` while the function runs; None if it does not call that
        """
        self.function = function
        self.modules = modules or {}
        self.config = config
        self.__wrapped__ = function  # inspect.signature follows it
        self.__qualname__ = getattr(function, "__qualname__", type(function).__name__)  # for messages

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        before = {name: sys.modules.get(name) for name in self.modules}
        with in_a_worker(self.config):
            sys.modules.update(self.modules)
            try:
                return self.function(*args, **kwargs)
            finally:
                for name, module in before.items():
                    if module is None:
                        sys.modules.pop(name, None)
                    else:
                        sys.modules[name] = module

    def __reduce__(self) -> tuple:
        return ConfigFunction, (self.function, self.modules, *([self.config] if self.config else []))

    def __deepcopy__(self, memo: dict) -> ConfigFunction:
        return self

    def __eq__(self, other: object) -> bool:
        """Equals the function that it wraps, so that `with_imports` does not change a net dict."""
        other = other.function if isinstance(other, ConfigFunction) else other
        return self.function is other or (callable(other) and same_value(self.function, other))

    def __hash__(self) -> int:
        return hash(function_digest(self.function))

    def __repr__(self) -> str:
        return f"<ConfigFunction {self.__qualname__}>"


def with_imports(value: Any, surroundings: Surroundings, memo: dict[int, tuple] | None = None) -> Any:
    """
    :param value: e.g. a net dict
    :param memo: filled here, for several values that share parts
    :return: `value` with a ConfigFunction for each function that imports a module of the config or a stand-in; `value`
        itself if there is none
    """
    memo = {} if memo is None else memo
    if type(value) in _ATOMS:
        return value
    if id(value) not in memo:
        memo[id(value)] = (value, value)  # contains itself; the conversion to JSON raises the error
        memo[id(value)] = (
            value,
            _with_imports(value, surroundings, memo),
        )  # holds the value, so that its id stays unique
    return memo[id(value)][1]


def class_with_imports(cls: type, surroundings: Surroundings) -> Callable:
    """:return: a class of the config, e.g. of data sets, with the config's modules that its methods import"""
    own, _ = _imported_modules(cls, functions_in(cls), surroundings)
    return ConfigFunction(cls, own) if own else cls


def _with_imports(value: Any, surroundings: Surroundings, memo: dict[int, tuple]) -> Any:
    if isinstance(value, dict):
        items = {key: with_imports(item, surroundings, memo) for key, item in value.items()}
        if isinstance(value.get("eval"), str):
            items["eval"] = _with_config(value["eval"], surroundings)
        return items if any(items[key] is not value[key] for key in value) else value
    if type(value) in (list, tuple):
        items = type(value)(with_imports(item, surroundings, memo) for item in value)
        return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
    functions = [] if isinstance(value, type) else functions_in(value)
    if not functions:
        return value
    own, stand_ins = _imported_modules(value, functions, surroundings)
    return ConfigFunction(value, own) if own or stand_ins else value


def _with_config(text: str, surroundings: Surroundings) -> object:
    """:return: the text of an `eval`, wrapped in a ConfigFunction if it asks for the active config or imports a module"""
    if not any(name in text for name in (*ASKS_FOR_CONFIG, "import")):
        return text
    try:
        compile(text.strip(), "eval", "eval")
    except (SyntaxError, ValueError):  # the layer raises the error
        return text
    function = Expression(text)
    own, stand_ins = _imported_modules(function, [], surroundings)
    asks = any(name in text for name in ASKS_FOR_CONFIG)
    return ConfigFunction(function, own) if own or stand_ins or asks else text


def _imported_modules(
    value: Callable, functions: Sequence[types.FunctionType], surroundings: Surroundings
) -> tuple[dict[str, types.ModuleType], bool]:
    """
    :param functions: in the value
    :return: the config's own modules that the value imports when it is called, and whether it imports stand-ins; imports of
        functions that it finds by an option's name count as well
    """
    read = options_read(value, surroundings.config.typed_dict)
    with surroundings.entered():
        imports = Imports(functools.partial(_own_module, surroundings))
        imports.of_functions([*functions, *read.functions])
        if isinstance(value, Expression):
            imports.of_expression(value.text)
        own = imports.own
        used = [names_used(function.__code__) for function in imports.functions.values()]
        if any("import_" in names for names in used):  # only the call tells of which module
            own |= {name: module for name, module in surroundings.modules.items() if is_of_repository(name)}
    return dict(sorted(own.items())), any(map(is_stand_in, imports.names))


def _own_module(surroundings: Surroundings, name: str, load: bool) -> dict[str, types.ModuleType]:
    """:return: the module of this name and its parent packages, if they lie beside the config, or in a repository"""
    top = name.partition(".")[0]
    beside = surroundings.folder / top
    is_beside = beside.with_name(top + ".py").is_file() or beside.is_dir()
    if not (is_beside or is_of_repository(name)) or top in sys.stdlib_module_names or is_stand_in(name):
        return {}
    try:
        if load:
            __import__(name)
    except ImportError:  # the function may catch it; otherwise the worker raises it
        return {}
    parts = name.split(".")
    names = [".".join(parts[: n + 1]) for n in range(len(parts))]
    if not all(name in sys.modules for name in names):
        return {}
    return {name: sys.modules[name] for name in names if surroundings.owns(sys.modules[name])}
