"""`Config`: the global `config` in a RETURNN config file, by which the file and its functions read options.

There are two kinds of options. Typed options have a Python value: the globals of a Python config, or the items of a JSON
config. Untyped options are texts or comma-separated lists of texts: the lines of a line-based config, and overrides of
options that the file does not define. Each method is named after the type that it reads.
"""

from __future__ import annotations

import builtins
import types
from collections.abc import Callable, Sequence
from typing import Any

from boulder.errors import ConfigError
from boulder.network.code.active_config import active_config
from boulder.returnn.config_access import keys_read
from boulder.returnn.placeholders import Placeholder
from boulder.schedule.capture import can_travel, is_library

_TRUE, _FALSE = ("true", "yes", "on"), ("false", "no", "off")


class Config:
    """Follows RETURNN's `returnn.config.Config`, but raises a ConfigError with option and value where RETURNN asserts."""

    def __init__(self, items: dict | None = None) -> None:
        """
        :param items: typed options. The dict is kept, not copied, because it may be the namespace of its functions
        """
        self.typed_dict: dict = {} if items is None else items
        self.dict: dict[str, list[str]] = {}
        self.files: list[str] = []
        self.load_file: Callable[[str], None] = self._no_file
        """Reads a further file into this config."""

    @staticmethod
    def _no_file(name: str) -> None:
        raise ConfigError(f"config.load_file({name!r}): expected this call only in a config file, not in a worker")

    def add_line(self, key: str, value: str) -> None:
        """
        :param key: an option
        :param value: text; for a typed option whose value is not a text, a Python expression
        """
        if key not in self.typed_dict:
            self.dict[key] = value.split(",") if value.find(",") > 0 else [value]
        elif isinstance(self.typed_dict[key], str):
            self.typed_dict[key] = value
        else:
            self.typed_dict[key] = _evaluated(key, value)

    def has(self, key: str) -> builtins.bool:
        return key in self.typed_dict or key in self.dict

    def is_typed(self, key: str) -> builtins.bool:
        return key in self.typed_dict

    def is_true(self, key: str, default: Any = False) -> builtins.bool:
        return builtins.bool(self.typed_dict[key]) if self.is_typed(key) else self.bool(key, default)

    def is_of_type(self, key: str, types: Any) -> builtins.bool:
        return key in self.typed_dict and isinstance(self.typed_dict[key], types)

    def get_of_type(self, key: str, types: Any, default: Any = None) -> Any:
        return self.typed_dict[key] if self.is_of_type(key, types) else default

    def set(self, key: str, value: object) -> None:
        self.typed_dict[key] = value

    def update(self, dikt: dict) -> None:
        self.typed_dict.update(dikt)

    def value(self, key: str, default: Any, index: builtins.int | None = None, list_join_str: str = ",") -> Any:
        """:return: text; items of a list are joined by `list_join_str`"""
        if key in self.typed_dict:
            found = self.typed_dict[key]
            if index is not None:
                return str(found[index])
            if isinstance(found, list | tuple):
                return list_join_str.join(map(str, found))
            return default if found is None else str(found)
        if key in self.dict:
            return list_join_str.join(self.dict[key]) if index is None else self.dict[key][index]
        return default

    def typed_value(self, key: str, default: Any = None, index: builtins.int | None = None) -> Any:
        found = self.typed_dict.get(key, default)
        if index is None:
            return found
        if isinstance(found, list | tuple):
            return found[index]
        if index != 0:
            raise ConfigError(f"config option {key!r}: found {found!r:.80}, expected a list with an entry {index}")
        return found

    def opt_typed_value(self, key: str, default: Any = None) -> Any:
        return self.typed_dict[key] if key in self.typed_dict else self.value(key, default)

    def int(self, key: str, default: Any, index: builtins.int = 0) -> Any:
        if key in self.typed_dict:
            return _checked(key, self.typed_value(key, default, index), builtins.int, "an int")
        return _converted(key, self.value(key, default, index), builtins.int, "an int") if key in self.dict else default

    def float(self, key: str, default: Any, index: builtins.int = 0) -> Any:
        found = self.typed_value(key, default, index) if key in self.typed_dict else self.value(key, default, index)
        if isinstance(found, str):  # also "inf" of a JSON file
            return _converted(key, found, builtins.float, "a number")
        return _checked(key, found, (builtins.int, builtins.float), "a number")

    def bool(self, key: str, default: Any, index: builtins.int = 0) -> Any:
        if key in self.typed_dict:
            found = _checked(key, self.typed_value(key, default, index), builtins.int, "True or False")
            return found if found is None else builtins.bool(found)
        text = str(self.value(key, None, index)) if key in self.dict else ""
        return _converted(key, text, _as_bool, "true or false") if text else default

    def bool_or_other(self, key: str, default: Any = None, index: builtins.int = 0) -> Any:
        """:return: a typed value unchanged; a text as a bool if it denotes one, else unchanged"""
        if key in self.typed_dict:
            return self.typed_value(key, default, index)
        text = str(self.value(key, None, index)) if key in self.dict else ""
        try:
            return _as_bool(text) if text else default
        except ValueError:
            return text

    def list(self, key: str, default: Any = None) -> Any:
        return self._list(key, default, None, "")

    def int_list(self, key: str, default: Any = None) -> Any:
        return self._list(key, default, builtins.int, "ints")

    def float_list(self, key: str, default: Any = None) -> Any:
        return self._list(key, default, builtins.float, "numbers")

    def int_pair(self, key: str, default: Any = None) -> tuple[builtins.int, builtins.int]:
        if not self.has(key):
            return default or (0, 0)
        found = self.typed_dict.get(key)
        if key not in self.typed_dict:
            found = [_converted(key, part, builtins.int, "an int") for part in self.value(key, "").split(":")[:2]]
            found = found if len(found) == 2 else found * 2
        pair = tuple(found) if isinstance(found, list | tuple) else (found, found)
        if len(pair) != 2 or not all(isinstance(part, builtins.int) for part in pair):
            raise ConfigError(f"config option {key!r}: found {found!r:.80}, expected two ints")
        return pair

    def _list(self, key: str, default: Any, convert: Any, expected: str) -> builtins.list:
        default = [] if default is None else default
        if key in self.typed_dict:
            found = self.typed_dict[key]
            if found is None:
                return default
            found = builtins.list(found) if isinstance(found, list | tuple) else [found]
            types = (builtins.int, builtins.float) if convert is builtins.float else convert
            return [_checked(key, item, types, expected) for item in found] if convert else found
        found = self.dict.get(key, default)
        return [_converted(key, item, convert, expected) for item in found] if convert else found

    def plain(self, keys: builtins.set[str] | None = None) -> Config:
        """
        :param keys: options to select; None: all
        :return: a copy with the selected options that have plain values, which are the ones that reach a worker
        """
        typed = {key: value for key, value in self.typed_dict.items() if is_plain(key, value)}
        untyped = self.dict
        if keys is not None:
            typed, untyped = ({key: d[key] for key in sorted(keys & d.keys())} for d in (typed, untyped))
        return _restore(typed, dict(untyped))

    def selected(self, keys: builtins.set[str] | None = None) -> Config:
        """
        :param keys: options to select; None: all that can travel
        :return: a copy with the selected options for a worker: values, functions and classes. If all are selected, a worker
            that asks for one that cannot travel gets an error
        """
        untyped = {key: value for key, value in self.dict.items() if keys is None or key in keys}
        if keys is not None:
            return _restore({key: self.typed_dict[key] for key in sorted(keys & self.typed_dict.keys())}, untyped)
        builders = {id(self._builder(key)) for key in _BUILDERS}
        typed, left_behind = {}, []
        for key, value in sorted(self.typed_dict.items()):
            if key.startswith("__"):
                continue
            if is_plain("", value):
                typed[key] = value
            elif _is_own(value):
                if key in _BUILDERS or id(value) in builders or not can_travel(value):
                    left_behind.append(key)
                else:
                    typed[key] = value
        return _restore(typed, untyped, left_behind)

    def _builder(self, key: str) -> object:
        value = self.typed_dict.get(key)
        return value.get("construction_algo") if isinstance(value, dict) else value

    def captured_by(self, code: types.CodeType, name: str) -> Config:
        """:return: a copy with the options that the code reads, as far as it names them; it enters the function's hash"""
        return self.plain(keys_read(code, {name}))

    def __reduce__(self) -> tuple:
        plain = self.plain()
        return _restore, (plain.typed_dict, plain.dict)


_BUILDERS = ("network", "get_network", "pretrain", "pretrain_construction_algo")
"""Options that build the networks of all phases. Functions of one network do not depend on them unless they name them."""


class _Travelled(Config):
    """A config in a worker. It has the options with which it travelled, and those of the config whose function runs."""

    def __init__(self, typed: dict, untyped: dict, left_behind: Sequence[str]) -> None:
        """:param left_behind: options that could not travel"""
        self._own, self._left_behind = typed, left_behind
        super().__init__(typed)
        self.dict = untyped

    @property
    def typed_dict(self) -> dict:
        active = active_config()
        others = active._own if isinstance(active, _Travelled) and active is not self else {}
        return _Options({**others, **self._own}, [key for key in self._left_behind if key not in others])

    @typed_dict.setter
    def typed_dict(self, value: dict) -> None:
        self._own = value

    def set(self, key: str, value: object) -> None:
        self._own[key] = value

    def update(self, dikt: dict) -> None:
        self._own.update(dikt)

    def __reduce__(self) -> tuple:
        return _restore, (self._own, self.dict, *([self._left_behind] if self._left_behind else []))


class _Options(dict):
    """Options, of which some could not travel."""

    def __init__(self, values: dict, left_behind: Sequence[str]) -> None:
        super().__init__(values)
        self._left_behind = left_behind

    def _check(self, key: object) -> None:
        if key in self._left_behind:
            raise ConfigError(
                f"config option {key!r}: it does not reach the job, since the name by which it is asked for is computed; "
                "expected it by a name in quotes, and a value that can be pickled"
            )

    def __contains__(self, key: object) -> bool:
        self._check(key)
        return super().__contains__(key)

    def __getitem__(self, key: str) -> Any:
        self._check(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self._check(key)
        return super().get(key, default)


def _restore(typed: dict, untyped: dict, left_behind: Sequence[str] = ()) -> Config:
    return _Travelled(typed, untyped, left_behind)


def _is_own(value: object) -> bool:
    """:return: whether the value of an option is the config's own, and not an imported name"""
    if isinstance(value, types.ModuleType | Config | Placeholder):
        return False
    return not is_library(getattr(value, "__module__", None)) if callable(value) else True


def is_plain(key: str, value: object) -> bool:
    """:return: whether an option has a value of numbers, texts, lists and dicts, and a name without a leading `_`"""
    if key.startswith("_"):
        return False
    if isinstance(value, list | tuple):
        return all(is_plain("", item) for item in value)
    if isinstance(value, dict):
        return all(isinstance(k, str | int) and is_plain("", item) for k, item in value.items())
    return value is None or isinstance(value, str | int | float)


def _checked(key: str, value: Any, types: Any, expected: str) -> Any:
    if value is not None and not isinstance(value, types):
        raise ConfigError(f"config option {key!r}: found {value!r:.80}, expected {expected}")
    return value


def _converted(key: str, value: Any, convert: Callable[[Any], Any], expected: str) -> Any:
    try:
        return convert(value)
    except (ValueError, TypeError):
        raise ConfigError(f"config option {key!r}: found {value!r:.80}, expected {expected}") from None


def _as_bool(text: str) -> bool:
    try:
        return bool(int(text))
    except ValueError:
        if text.lower() not in _TRUE + _FALSE:
            raise
        return text.lower() in _TRUE


def _evaluated(key: str, text: str) -> object:
    try:
        return eval(text, {})  # a config and its overrides are trusted code
    except SyntaxError:
        return text
    except Exception as error:
        raise ConfigError(f"override of config option {key!r}: {text!r}: {type(error).__name__}: {error}") from error
