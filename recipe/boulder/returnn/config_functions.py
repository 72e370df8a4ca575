"""Functions of a config that travel to a worker in a net dict, where `import TFUtil` inside them must still work."""

from __future__ import annotations

import contextlib
import dis
import functools
import sys
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from boulder.network.code.expression import Expression
from boulder.returnn.config_access import ASKS_FOR_CONFIG
from boulder.returnn.config_object import Config
from boulder.returnn.options_read import options_read
from boulder.returnn.placeholders import PlaceholderCall
from boulder.returnn.stand_ins import is_stand_in
from boulder.returnn.surroundings import Surroundings, in_a_worker
from boulder.schedule.bytecode import captured, code_objects, names_used
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
    members = (member for base in cls.__mro__ for member in vars(base).values())
    methods = [getattr(member, "__func__", member) for member in members]
    functions = [method for method in methods if isinstance(method, types.FunctionType)]
    own, _ = _imported_modules(cls, functions, surroundings)
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
    functions = _functions_in(value)
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
    seen: set[int] = set()
    names = {name for function in (*functions, *read.functions) for name in _imports(function, seen)}
    names |= set(_imports_of_text(value.text)) if isinstance(value, Expression) else set()
    with surroundings.entered():
        own = {name: module for name in sorted(names) for name, module in _own_module(name, surroundings).items()}
    return own, any(map(is_stand_in, names))


def _functions_in(value: object) -> list[types.FunctionType]:
    if isinstance(value, types.FunctionType):
        return [value]
    if isinstance(value, types.MethodType):
        return _functions_in(value.__func__)
    if isinstance(value, functools.partial):
        return _functions_in(value.func)
    if isinstance(value, PlaceholderCall):  # decorated by a function of TensorFlow
        return [function for argument in value.arguments for function in _functions_in(argument)]
    return []


def _own_module(name: str, surroundings: Surroundings) -> dict[str, types.ModuleType]:
    """:return: the module of this name and its parent packages, if they lie beside the config"""
    top = name.partition(".")[0]
    beside = surroundings.folder / top
    if not (beside.with_name(top + ".py").is_file() or beside.is_dir()) or top in sys.stdlib_module_names:
        return {}
    if is_stand_in(name):
        return {}
    try:
        __import__(name)
    except ImportError:  # the function may catch it; otherwise the worker raises it
        return {}
    parts = name.split(".")
    names = [".".join(parts[: n + 1]) for n in range(len(parts))]
    return {name: sys.modules[name] for name in names if surroundings.owns(sys.modules[name])}


def _imports(function: types.FunctionType, seen: set[int]) -> Iterator[str]:
    """Yields names of modules that a function, or one that it reaches by a global or closure variable, imports."""
    if id(function) in seen:
        return
    seen.add(id(function))
    reached = [function.__globals__.get(name) for name in names_used(function.__code__)]
    reached += captured(function).values()
    yield from _imported_names(function.__code__)
    for other in reached:
        if isinstance(other, types.FunctionType) and not other.__module__.startswith("boulder."):
            yield from _imports(other, seen)


def _imports_of_text(text: str) -> Iterator[str]:
    """Yields names of modules that an expression imports: `exec("from a import b")`, `__import__("a")`."""
    code = compile(text, "eval", "eval")
    used = names_used(code)
    for constant in (constant for one in code_objects(code) for constant in one.co_consts):
        if not isinstance(constant, str):
            continue
        if "__import__" in used and all(part.isidentifier() for part in constant.split(".")):
            yield constant
        if "exec" in used:
            with contextlib.suppress(SyntaxError, ValueError):
                yield from _imported_names(compile(constant, "exec", "exec"))


def _imported_names(code: types.CodeType) -> Iterator[str]:
    for one in code_objects(code):
        for instruction in dis.get_instructions(one):
            if instruction.opname == "IMPORT_NAME":
                yield instruction.argval
